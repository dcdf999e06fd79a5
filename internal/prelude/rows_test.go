package prelude_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// table shows a list: something computed of each row, of a cell beside the list, and a stream for
// each row.
func table(row string) string {
	return imports + `
const add = handler({}, { type: "object", properties: { rows: { type: "array", items: { type: "object", properties: { n: { type: "number" } }, asCell: true }, asCell: true }, factor: { type: "number", asCell: true } } } as any,
  (event: any, { rows, factor }: any) => {
    for (const n of event.add ?? []) rows.push({ [ID]: n, n });
    if (event.at !== undefined) rows.key(event.at).key("n").set(event.n);
    if (event.factor) factor.set(event.factor);
    if (event.drop) rows.set(rows.get().slice(event.drop));
  });
const grow = handler((_: any, { row }: any) => { row.n += 100; });
let made = 0;
export default recipe({ type: "object", properties: { factor: { type: "number", default: 1 } } } as any, ({ factor }: any) => {
  const rows = cell([] as any[]);
  return { rows, shown: (rows as any).map((row: any, i: any) => ` + row + `), bgUpdater: add({ rows, factor }) };
});`
}

// woken is how many rows a run has started: those whose process document was read.
func (m *machine) woken() int {
	n := 0
	for id := range m.asked {
		if strings.Contains(m.docs[id], `"argument":{"element":`) {
			n++
		}
	}
	return n
}

func TestRowsSleep(t *testing.T) {
	t.Parallel()
	plain := `({ v: lift(({ row, factor }: any) => row.n * factor)({ row, factor }), grow: grow({ row }) })`
	add := func(n int) object {
		list := []int{}
		for i := range n {
			list = append(list, i)
		}
		return object{"add": list}
	}
	type step struct {
		event any
		woken int
		want  string
	}
	tests := []struct {
		name, row string
		steps     []step
	}{
		{"nothing changes", plain, []step{{object{}, 0, "0 1 2 3 4"}, {object{}, 0, "0 1 2 3 4"}}},
		{"an element changes", plain, []step{{object{"at": 3, "n": 9}, 1, "0 1 2 9 4"}, {object{}, 0, "0 1 2 9 4"}}},
		{"the list grows and shrinks", plain, []step{{object{"add": []int{7}}, 1, "0 1 2 3 4 7"}, {object{"drop": 4}, 2, "4 7"}, {object{}, 0, "4 7"}}},
		{"a captured cell changes", plain, []step{{object{"factor": 2}, 5, "0 2 4 6 8"}, {object{}, 0, "0 2 4 6 8"}}},
		{"it asks the clock", `lift((r: any) => r.n + 0 * Date.now())(row)`, []step{{object{}, 5, "0 1 2 3 4"}}},
		{"it asks for random numbers", `lift((r: any) => r.n + 0 * Math.random())(row)`, []step{{object{}, 5, "0 1 2 3 4"}}},
		{"it logs", `lift((r: any) => { console.log(r.n); return r.n; })(row)`, []step{{object{}, 5, "0 1 2 3 4"}}},
		{"it waits", `lift(async (r: any) => { await sleep(1); return r.n; })(row)`, []step{{object{}, 5, "0 1 2 3 4"}}},
		{"it fails", `lift((r: any) => { if (r.n === 2) throw new Error("no"); return r.n; })(row)`, []step{{object{}, 1, "0 1 <nil> 3 4"}}},
		{"it reads the whole list", `lift(({ row, rows }: any) => row.n + rows.length)({ row, rows })`, []step{{object{}, 5, "5 6 7 8 9"}}},
		{"a map in it", `({ v: lift((r: any) => r.n)(row), inner: [[row.n]].map((x) => x), deep: (cell([1, 2]) as any).map((n: any) => lift(({ n, row }: any) => n * row.n)({ n, row })) })`,
			[]step{{object{}, 0, "0 1 2 3 4"}, {object{"at": 1, "n": 5}, 3, "0 5 2 3 4"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := load(t, table(tt.row), newHost())
			if !m.loaded.OK {
				t.Fatalf("%+v", m.loaded.Error)
			}
			m.cast(t, "table", nil)
			m.send(t, "table", "bgUpdater", add(5))
			for i, s := range tt.steps {
				r := m.send(t, "table", "bgUpdater", s.event)
				shown, _ := m.live(t, charmID("table").Link(), []string{"shown"})
				if got := m.woken(); got != s.woken || !r.Handled {
					t.Errorf("step %d: %d rows were started, want %d", i, got, s.woken)
				}
				if diff := cmp.Diff(s.want, rowValues(shown)); diff != "" {
					t.Errorf("step %d: %s", i, diff)
				}
			}
		})
	}
}

func rowValues(shown any) string {
	var out []string
	for _, row := range shown.([]any) {
		if fields, ok := row.(map[string]any); ok {
			row = fields["v"]
		}
		out = append(out, fmt.Sprint(row))
	}
	return strings.Join(out, " ")
}

// An event for a stream of a row that sleeps starts that row, and no other.
func TestEventsWakeRows(t *testing.T) {
	t.Parallel()
	m := load(t, table(`({ v: lift((r: any) => r.n)(row), grow: grow({ row }) })`), newHost())
	m.cast(t, "table", nil)
	m.send(t, "table", "bgUpdater", object{"add": []int{1, 2, 3}})
	r := m.run(t, "table", task{"mode": "event", "stream": []any{"shown", 1, "grow"}, "event": struct{}{}})
	shown, _ := m.live(t, charmID("table").Link(), []string{"shown"})
	if got := rowValues(shown); got != "1 102 3" || !r.Handled || m.woken() != 1 {
		t.Errorf("%s, handled %v, %d rows started", got, r.Handled, m.woken())
	}
}

// What somebody else writes between runs wakes the rows that read it.
func TestEditsWakeRows(t *testing.T) {
	t.Parallel()
	m := load(t, table(`({ v: lift(({ row, factor }: any) => row.n * factor)({ row, factor }) })`), newHost())
	m.cast(t, "table", nil)
	m.send(t, "table", "bgUpdater", object{"add": []int{1, 2, 3}})
	m.write(t, processID("table"), []string{"argument", "factor"}, 10)
	m.send(t, "table", "bgUpdater", object{})
	shown, _ := m.live(t, charmID("table").Link(), []string{"shown"})
	if got := rowValues(shown); got != "10 20 30" || m.woken() != 3 {
		t.Errorf("%s, %d rows started", got, m.woken())
	}
}

// A map in a row that was cut sleeps on nothing of before when the row comes back.
func TestMapsInRowsThatComeBack(t *testing.T) {
	t.Parallel()
	m := load(t, table(`({ deep: (cell([1, 2]) as any).map((n: any) => lift(({ n, factor }: any) => n * factor)({ n, factor })) })`), newHost())
	m.cast(t, "table", nil)
	for _, event := range []object{{"add": []int{5, 6}}, {"drop": 1}, {"factor": 10}, {}, {"add": []int{7}}, {}} {
		m.send(t, "table", "bgUpdater", event)
	}
	shown, _ := m.live(t, charmID("table").Link(), []string{"shown"})
	if diff := cmp.Diff([]any{object{"deep": []any{10.0, 20.0}}, object{"deep": []any{10.0, 20.0}}}, shown); diff != "" {
		t.Error(diff)
	}
}

// Of maps that have ended nothing is remembered, however they ended.
func TestMapsThatEndAreForgotten(t *testing.T) {
	t.Parallel()
	m := load(t, table(`({ deep: (cell([1, 2]) as any).map((n: any) => lift(({ n, factor }: any) => n * factor)({ n, factor })) })`), newHost())
	m.cast(t, "table", nil)
	m.send(t, "table", "bgUpdater", object{"add": []int{5, 6, 7, 8}})
	maps := func() int {
		var memo map[string]any
		decode(t, string(m.memos["table"].memo), &memo)
		return len(memo)
	}
	if got := maps(); got != 5 {
		t.Errorf("%d maps are remembered, of the table and four rows", got)
	}
	m.send(t, "table", "bgUpdater", object{"drop": 1})
	if got := maps(); got != 4 {
		t.Errorf("%d maps are remembered when a row was dropped", got)
	}
	m.write(t, processID("table"), []string{"internal", "rows"}, []any{})
	m.send(t, "table", "bgUpdater", object{})
	if got := maps(); got != 0 {
		t.Errorf("%d maps are remembered when somebody else has emptied the list", got)
	}
}

// A row that gets another element, since the list was cut and has grown again, shows
// what that has, in its inner maps too.
func TestMapsOfAnotherElement(t *testing.T) {
	t.Parallel()
	for name, wakeful := range map[string]bool{"asleep": false, "awake": true} {
		m := load(t, imports+`
const change = handler({}, { type: "object", properties: { rows: { type: "array", items: { type: "object" }, asCell: true } } } as any,
  (event: any, { rows }: any) => {
    rows.set(rows.get().slice(0, event.keep));
    for (const n of event.add) rows.push({ [ID]: n, parts: [{ n }, { n: n + 1 }] });
  });
export default recipe({ type: "object", properties: {} } as any, () => {
  const rows = cell([] as any[]);
  const shown = (rows as any).map((row: any) => ({ parts: row.parts.map((part: any) => lift((n: number) => n * 2)(part.n)) }));
  return { rows, shown, bgUpdater: change({ rows }) };
});`, newHost())
		m.wakeful = wakeful
		m.cast(t, "table", nil)
		for _, event := range []object{{"keep": 0, "add": []int{1, 3}}, {"keep": 1, "add": []int{10}}, {"keep": 2, "add": []int{}}, {"keep": 0, "add": []int{20, 30}}} {
			m.send(t, "table", "bgUpdater", event)
		}
		shown, _ := m.live(t, charmID("table").Link(), []string{"shown"})
		if diff := cmp.Diff([]any{object{"parts": []any{40.0, 42.0}}, object{"parts": []any{60.0, 62.0}}}, shown); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
