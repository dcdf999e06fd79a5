package prelude_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const imports = `
import { cell, compute, derive, fetchData, getRecipeEnvironment, handler, ID, ifElse, lift, llm, NAME, navigateTo, recipe,
  render, Spell, str, stream, streamData, UI } from "@commontools/builder";
import { h } from "@commontools/html";
import { sleep } from "@commontools/utils/sleep";
`

func read(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	check(t, err)
	return string(text)
}

// run casts a recipe and sends one event, if it has the stream; it returns the run of the event.
func runOnce(t *testing.T, body string, event any) (*machine, report) {
	t.Helper()
	m := load(t, imports+body, newHost())
	if !m.loaded.OK {
		t.Fatalf("loading: %+v", m.loaded.Error)
	}
	r := m.cast(t, "once", map[string]any{})
	if event != nil {
		r = m.send(t, "once", "bgUpdater", event)
	}
	return m, r
}

func TestFailuresOfHandlers(t *testing.T) {
	t.Parallel()
	type want struct {
		failures, rejections []string
		stuck                string
	}
	tests := []struct {
		name, handler string
		want          want
	}{
		{"none", `() => {}`, want{}},
		{"throw", `() => { throw new TypeError("at once"); }`, want{failures: []string{"handler TypeError: at once"}}},
		{"reject", `async () => { await sleep(5); throw new Error("later"); }`, want{failures: []string{"handler Error: later"}}},
		{"a string", `() => { throw "text"; }`, want{failures: []string{"handler : text"}}},
		{"an object", `() => { throw { code: 7 }; }`, want{failures: []string{`handler : {"code":7}`}}},
		{"null", `() => { throw null; }`, want{failures: []string{"handler : null"}}},
		{"detached", `() => { (async () => { await sleep(5); throw new Error("alone"); })(); }`, want{rejections: []string{"Error: alone"}}},
		{"never", `async function waits() { await new Promise(() => {}); }`, want{stuck: "handler waits"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, r := runOnce(t, `export default recipe("x", () => ({ bgUpdater: handler(`+tt.handler+`)({}) }));`, struct{}{})
			var got want
			for _, f := range r.Failures {
				got.failures = append(got.failures, f.Kind+" "+f.Name+": "+f.Message)
			}
			for _, err := range r.rejections {
				got.rejections = append(got.rejections, err.Error())
			}
			if r.Stuck != nil {
				got.stuck = r.Stuck.What + " " + r.Stuck.Name
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Error(diff)
			}
			if !r.Handled || !r.Updater {
				t.Errorf("handled %v, updater %v", r.Handled, r.Updater)
			}
		})
	}
}

// Reports lead to the line of the recipe, with the engine's own frames.
func TestStacksNameTheRecipe(t *testing.T) {
	t.Parallel()
	_, r := runOnce(t, `function fails() { throw new Error("here"); }
		export default recipe("x", () => ({ bgUpdater: handler(() => fails())({}) }));`, struct{}{})
	if stack := r.Failures[0].Stack; !strings.Contains(stack, "at fails (recipe.js:") || !strings.Contains(stack, "(prelude.js:") {
		t.Errorf("stack:\n%s", stack)
	}
	_, r = runOnce(t, `async function waits() { await new Promise(() => {}); }
		export default recipe("x", () => ({ bgUpdater: handler(waits)({}) }));`, struct{}{})
	if r.Stuck == nil || !strings.Contains(r.Stuck.Stack, "at waits (recipe.js:") {
		t.Errorf("stuck: %+v", r.Stuck)
	}
}

// A lift that fails leaves its output alone; the others and the event go on.
func TestFailuresOfLifts(t *testing.T) {
	t.Parallel()
	m, r := runOnce(t, `export default recipe("x", () => {
		const n = cell(1);
		return { n, bad: lift((x: any) => { throw new Error("bad " + x); })(n), late: lift(async () => { await sleep(1); throw new Error("late"); })(n),
			good: lift((x: any) => x + 1)(n), bgUpdater: handler((_e: any, s: any) => { s.n = 5; })({ n }) };
	});`, struct{}{})
	var messages []string
	for _, f := range r.Failures {
		messages = append(messages, f.Kind+" "+f.Message)
	}
	slices.Sort(messages)
	if diff := cmp.Diff([]string{"lift bad 1", "lift bad 5", "lift late", "lift late"}, messages); diff != "" {
		t.Error(diff)
	}
	want := map[string]any{"n": 5.0, "good": 6.0, "bgUpdater": map[string]any{"$stream": true}}
	if diff := cmp.Diff(want, m.result(t, "once")); diff != "" {
		t.Error(diff)
	}
}

// A lift that nothing can settle holds the event back: the report says which.
func TestStuckLift(t *testing.T) {
	t.Parallel()
	_, r := runOnce(t, `export default recipe("x", () => ({
		slow: lift(async () => { await new Promise(() => {}); })(cell(1)), bgUpdater: handler(() => {})({}) }));`, struct{}{})
	if r.Handled || r.Stuck == nil || r.Stuck.What != "lift" || r.Stuck.Name != "slow" {
		t.Errorf("handled %v, stuck %+v", r.Handled, r.Stuck)
	}
}

func TestReportDescribesTheCharm(t *testing.T) {
	t.Parallel()
	m := load(t, imports+`export default recipe("x", () => ({
		[NAME]: str`+"`the ${cell(5)}`"+`,
		[UI]: <div>{[1]}{lift(() => <p>{"deep"}<common-updater integration="rss" /></p>)(1)}</div>,
		bgUpdater: handler(() => getRecipeEnvironment().again())({}) }));`, newHost())
	r := m.cast(t, "charm", nil)
	if r.Name == nil || *r.Name != "the 5" || r.Integration == nil || *r.Integration != "rss" || !r.Updater || !r.Handled || r.Again {
		t.Errorf("cast: %s", encoded(r))
	}
	if r = m.send(t, "charm", "bgUpdater", struct{}{}); !r.Again || !r.Handled || r.Changed != 0 {
		t.Errorf("event: %s", encoded(r))
	}
	if r = m.send(t, "charm", "elsewhere", struct{}{}); r.Handled || !r.Updater {
		t.Errorf("event to nothing: %s", encoded(r))
	}
	plain := load(t, imports+`export default recipe("x", () => ({ bgUpdater: cell(1) }));`, newHost())
	if r = plain.cast(t, "plain", nil); r.Updater || r.Name != nil || r.Integration != nil {
		t.Errorf("plain: %s", encoded(r))
	}
}

// Only documents that changed are written, only those that are looked at are asked for, once.
func TestDocumentsAreLazy(t *testing.T) {
	t.Parallel()
	m := load(t, imports+`export default recipe("x", ({ far, near }: any) => ({
		far, near, seen: lift((v: any) => v.a)(near),
		bgUpdater: handler((e: any, s: any) => { s.near.a = e.a; })({ near }) }));`, newHost())
	far, near := charmID("far").Link(), charmID("near").Link()
	m.docs[far], m.docs[near] = `{"value":{"a":1}}`, `{"value":{"z":0,"a":1,"b":[1.50]}}`
	link := func(id string) any { return map[string]any{"cell": map[string]string{"/": id}, "path": []string{}} }
	m.cast(t, "lazy", map[string]any{"far": link(far), "near": link(near)})

	r := m.send(t, "lazy", "bgUpdater", map[string]any{"a": 1})
	if r.Changed != 0 || len(m.put) != 0 {
		t.Errorf("an event without effect wrote %v", m.put)
	}
	if m.asked[far] != 0 || m.asked[near] != 1 || m.asked[charmID("lazy").Link()] != 1 {
		t.Errorf("asked for %v", m.asked)
	}
	r = m.send(t, "lazy", "bgUpdater", map[string]any{"a": 2})
	slices.Sort(m.put)
	want := []string{near, processID("lazy")}
	slices.Sort(want)
	if diff := cmp.Diff(want, m.put); diff != "" || r.Changed != 2 {
		t.Errorf("%d changed: %s", r.Changed, diff)
	}
	if want := `{"value":{"z":0,"a":2,"b":[1.5]}}`; m.docs[near] != want {
		t.Errorf("stored %s, want %s", m.docs[near], want)
	}
}

// New documents are stored if something stored leads to them, and not otherwise.
func TestOnlyLinkedDocumentsAreStored(t *testing.T) {
	t.Parallel()
	m, r := runOnce(t, `export default recipe("x", () => {
		const kept = cell([] as any[]), n = cell(0);
		return { kept, bgUpdater: handler((e: any, s: any) => {
			s.n = s.kept.splice(0, 0).length;           // a temporary list
			s.kept.push(e.item);                        // a link into the event
			return { lost: cell({ k: 1 }) };            // a graph that nothing links to
		})({ kept, n }) };
	});`, map[string]any{"item": map[string]any{"deep": []int{1}}})
	if len(r.Failures) > 0 || len(m.docs) != 3 {
		t.Fatalf("%d documents, %+v", len(m.docs), r.Failures)
	}
	want := []any{map[string]any{"deep": []any{1.0}}}
	if diff := cmp.Diff(want, m.result(t, "once").(map[string]any)["kept"]); diff != "" {
		t.Error(diff)
	}
}

// A run leaves nothing behind in the VM: an equal run gives equal documents.
func TestRunsAreRepeatable(t *testing.T) {
	t.Parallel()
	m := load(t, imports+`export default recipe("x", () => {
		const l = cell([] as any[]);
		return { l, bgUpdater: handler({}, { type: "object", properties: { l: { type: "array", asCell: true } } } as any,
			(_e: any, s: any) => { s.l.push({ at: Date.now(), id: crypto.randomUUID(), n: Math.random() }); })({ l }) };
	});`, newHost())
	m.cast(t, "twice", nil)
	before := maps.Clone(m.docs)
	var texts []string
	for range 2 {
		m.docs, m.entropy = maps.Clone(before), 0
		m.send(t, "twice", "bgUpdater", struct{}{})
		texts = append(texts, encoded(m.docs))
	}
	if texts[0] != texts[1] || texts[0] == encoded(before) {
		t.Errorf("first\n%s\nthen\n%s", texts[0], texts[1])
	}
}

// The id of a pushed object with an [ID] is the one that the original gives it.
func TestEntityIDs(t *testing.T) {
	t.Parallel()
	const ( // recorded
		charm  = "baedreica5iyjpbkjmfu4vxdsv64byidxb24ylsgkcu6tjsh2zzekrojdza"
		parent = "baedreif6xhci7h3vtf6pexuuntifx2b37bnyxqv7vuce4apxgezcomxz2m"
		want   = "baedreidqg7ldh7o3erm6jiayxrkh46pjtmiy33vrmtsl42lvyhqgvdlbri"
	)
	m := load(t, imports+`export default recipe("x", () => {
		const l = cell([] as any[]);
		return { l, bgUpdater: handler({}, { type: "object", properties: { l: { type: "array", asCell: true } } } as any,
			(_e: any, s: any) => { setTimeout(() => { s.l.push({ t: 1, [ID]: "k1" }); s.l.push({ t: 2, [ID]: "k1" }); }, 1); })({ l }) };
	});`, newHost())
	m.run(t, "", task{"mode": "cast", "charm": charm, "process": parent})
	r := m.run(t, "", task{"mode": "event", "charm": charm, "process": parent, "stream": []string{"bgUpdater"}, "event": struct{}{}})
	if got := m.docs[want]; got != `{"value":{"t":2},"source":{"/":"`+parent+`"}}` || len(r.Failures) > 0 {
		t.Errorf("%s is %q, failures %v", want, got, r.Failures)
	}
	if got := fmt.Sprint(m.raw(t, parent).(map[string]any)["internal"].(map[string]any)["l"]); strings.Count(got, want) != 2 {
		t.Errorf("the list holds %s", got)
	}
}

// What can't be stored as it is vanishes, becomes null or is refused, as JSON.stringify would have it.
func TestStoredValuesAreJSON(t *testing.T) {
	t.Parallel()
	m, r := runOnce(t, `export default recipe("x", () => { const o = cell({} as any); return { o, bgUpdater: handler((e: any, s: any) => {
		s.o.nan = NaN; s.o.inf = [1 / 0]; s.o.fn = () => 1; s.o.neg = -0; s.o.symbol = Symbol("s");
		s.o.gone = undefined; s.o.recipe = recipe("r", () => ({}));
		try { s.o.big = 1n; } catch (e: any) { s.o.error = e.message; }
		const deep: any = {}; let at = deep; for (let i = 0; i < 600; i++) at = at.d = {};
		try { s.o.deep = deep; } catch (e: any) { s.o.tooDeep = e.name; }
	})({ o }) }; });`, struct{}{})
	if len(r.Failures) > 0 {
		t.Fatal(r.Failures)
	}
	o, _ := m.live(t, processID("once"), []string{"internal", "o"})
	want := map[string]any{
		"nan": nil, "inf": []any{nil}, "neg": 0.0, "error": "A BigInt can't be stored", "tooDeep": "RangeError",
		"recipe": map[string]any{
			"argumentSchema": map[string]any{"type": "object", "properties": map[string]any{}, "description": "r"},
			"resultSchema":   map[string]any{}, "initial": map[string]any{}, "result": map[string]any{}, "nodes": []any{},
		},
	}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Error(diff)
	}
}
