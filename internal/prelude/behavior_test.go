package prelude_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lists makes a recipe whose handler, without schemas, runs code on the list s.l and puts what it
// logs into s.out.
func lists(initial, code string) string {
	return `export default recipe("x", () => { const l = cell(` + initial + ` as any), out = cell(""), o = cell({} as any);
		return { l, out, o, bgUpdater: handler((e: any, s: any) => { s.out = JSON.stringify((() => { ` + code + ` })() ?? null); })({ l, out, o }) }; });`
}

// schemas makes one whose handler reads s through a schema.
func schemas(schema, initial, code string) string {
	return `export default recipe("x", () => { const v = cell(` + initial + ` as any), out = cell("");
		return { v, out, bgUpdater: handler({}, { type: "object", properties: { v: ` + schema + `, out: { asCell: true } } } as any,
			(e: any, s: any) => { s.out.set(JSON.stringify((() => { ` + code + ` })() ?? null)); })({ v, out } as any) }; });`
}

func TestHandlersChangeCells(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		event      any
		field      string
		want       any
		out        string
	}{
		{"pop and shift", lists(`[1, { a: 2 }, 3]`, `return [s.l.pop(), s.l.shift(), s.l.pop().a, s.l.pop()];`), nil, "l", []any{}, `[3,1,2,null]`},
		{"unshift", lists(`[1]`, `return s.l.unshift({ a: 1 }, 2);`), nil, "l", []any{map[string]any{"a": 1.0}, 2.0, 1.0}, `3`},
		{"splice", lists(`[1, { a: 2 }, 3, 4]`, `return s.l.splice(1, 2, "x");`), nil, "l", []any{1.0, "x", 4.0}, `[{"a":2},3]`},
		{"splice to the end", lists(`[1, 2, 3]`, `return s.l.splice(1);`), nil, "l", []any{1.0}, `[2,3]`},
		{"reverse keeps objects apart", lists(`[{ a: 1 }, { b: 2 }, { c: 3 }]`, `return s.l.reverse().length;`), nil, "l",
			[]any{map[string]any{"c": 3.0}, map[string]any{"b": 2.0}, map[string]any{"a": 1.0}}, `3`},
		{"sort", lists(`[{ n: 3 }, { n: 1 }, { n: 2 }]`, `s.l.sort((a: any, b: any) => a.n - b.n); return s.l.map((x: any) => x.n);`), nil, "l",
			[]any{map[string]any{"n": 1.0}, map[string]any{"n": 2.0}, map[string]any{"n": 3.0}}, `[1,2,3]`},
		{"sort as text", lists(`[10, 9, "b", 1]`, `s.l.sort();`), nil, "l", []any{1.0, 10.0, 9.0, "b"}, `null`},
		{"filtered onto itself", lists(`[{ a: 1 }, { a: 2 }, { a: 3 }]`, `s.l = s.l.filter((x: any) => x.a !== 1); return s.l;`), nil, "l",
			[]any{map[string]any{"a": 2.0}, map[string]any{"a": 3.0}}, `[{"a":2},{"a":3}]`},
		{"something before and behind its own elements", lists(`[{ a: 1, in: { z: 1 } }, { a: 2 }, { a: 3 }]`, `s.l = [{ a: 0 }, ...s.l]; s.l = [...s.l.filter((x: any) => x.a !== 2), { a: 9 }]; s.l = s.l.map((x: any) => x.a === 1 ? { ...x, b: 1 } : x); return s.l.map((x: any) => x.a);`), nil, "l",
			[]any{map[string]any{"a": 0.0}, map[string]any{"a": 1.0, "b": 1.0, "in": map[string]any{"z": 1.0}}, map[string]any{"a": 3.0}, map[string]any{"a": 9.0}}, `[0,1,3,9]`},
		{"turned", lists(`[1, { a: 2 }, 3]`, `s.l.unshift(s.l.pop()); s.l.push(s.l.shift(), s.l.shift()); return s.l.length;`), nil, "l", []any{map[string]any{"a": 2.0}, 3.0, 1.0}, `3`},
		{"nothing between what is pushed, and no splice", lists(`[1]`, `return [s.l.push(undefined, { a: 1 }), s.l.splice(), s.l.length];`), nil, "l", []any{1.0, nil, map[string]any{"a": 1.0}}, `[3,[],3]`},
		{"a list given back to itself", lists(`[{ a: 1 }, 2]`, `s.l = s.l; s.l[0] = s.l[0]; return s.l;`), nil, "l", []any{map[string]any{"a": 1.0}, 2.0}, `[{"a":1},2]`},
		{"its own elements in another order, one twice", lists(`[{ a: 1 }, { a: 2 }]`, `s.l = [s.l[1], s.l[0], s.l[1]]; s.l[0].a = 5; return s.l;`), nil, "l",
			[]any{map[string]any{"a": 5.0}, map[string]any{"a": 1.0}, map[string]any{"a": 2.0}}, `[{"a":5},{"a":1},{"a":2}]`},
		{"fill", lists(`[1, 2, 3]`, `s.l.fill(0, 1);`), nil, "l", []any{1.0, 0.0, 0.0}, `null`},
		{"push", lists(`[1]`, `return s.l.push({ a: [2] }, 3);`), nil, "l", []any{1.0, map[string]any{"a": []any{2.0}}, 3.0}, `3`},
		{"reading methods", lists(`[3, 1, 2]`, `return [s.l.at(-1), s.l.concat([9]), s.l.slice(1), s.l.join("-"), s.l.indexOf(1), s.l.some((x: any) => x > 2), [...s.l.entries()][0], s.l.with(0, 7), s.l.reduce((a: any, b: any) => a + b), String(s.l)];`), nil, "l",
			[]any{3.0, 1.0, 2.0}, `[2,[3,1,2,9],[1,2],"3-1-2",1,true,[0,3],[7,1,2],6,"3,1,2"]`},
		{"native methods", lists(`[[1], [2]]`, `return [s.l.flat(), s.l.flatMap((x: any) => x), [...s.l].length, Array.from(s.l, (x: any) => x[0]), s.l.length];`), nil, "l",
			[]any{[]any{1.0}, []any{2.0}}, `[[1,2],[1,2],2,[1,2],2]`},
		{"a view outlives what it showed", lists(`[{ a: 1 }]`, `const x = s.l[0]; s.l = [{ b: 2 }]; const y = s.l; s.l = { length: 5 }; return [x.a, x.b, y.length];`), nil, "l",
			map[string]any{"length": 5.0}, `[null,null,5]`},
		{"views of views", lists(`{ a: { b: { c: 1 } } }`, `const { a } = s.l; a.b.c++; s.o.link = a.b; a.b.c++; return [s.o.link.c, { ...a }.b.c, Object.entries(a).length, "b" in a, Object.keys(a)];`), nil, "o",
			map[string]any{"link": map[string]any{"c": 3.0}}, `[3,3,1,true,["b"]]`},
		{"structures are copied", lists(`[]`, `const v = { a: [1] }; s.l = [v, v]; v.a.push(2); s.l[0].a.push(3); return s.l;`), nil, "l",
			[]any{map[string]any{"a": []any{1.0, 3.0}}, map[string]any{"a": []any{1.0}}}, `[{"a":[1,3]},{"a":[1]}]`},
		{"event values", lists(`[]`, `s.l = e.list.map((x: any) => x * 2);`), map[string]any{"list": []int{1, 2}}, "l", []any{2.0, 4.0}, `null`},

		{"snapshots are fresh", schemas(`{ type: "array", items: { type: "object", properties: { n: { type: "number" } } }, asCell: true }`, `[{ n: 1, x: 2 }]`,
			`const a = s.v.get(); a[0].n = 9; a.push({ n: 5 }); return [a, s.v.get()];`), nil, "v", []any{map[string]any{"n": 1.0, "x": 2.0}}, `[[{"n":9},{"n":5}],[{"n":1}]]`},
		{"snapshots of documents are fresh", schemas(`{ type: "array", items: { type: "object", properties: { n: { type: "number" } } }, asCell: true }`, `[]`,
			`s.v.push({ n: 1 }); const a = s.v.get(); a[0].n = 9; const b = s.v.get(); s.v.key(0).set({ n: 2 }); s.v.get(); const c = s.v.get(); return [a, b, c];`), nil, "v", []any{map[string]any{"n": 2.0}}, `[[{"n":9}],[{"n":1}],[{"n":2}]]`},
		{"a list without items", schemas(`{ type: "array" }`, `[1, { a: 1 }]`, `s.v.push(3); s.v[1].a = 5; return s.v;`), nil, "v", []any{1.0, map[string]any{"a": 5.0}, 3.0}, `[1,{"a":5},3]`},
		{"no schema writes through", schemas(`{}`, `{ a: 1 }`, `s.v.a = 2; delete s.v.b; return s.v;`), nil, "v", map[string]any{"a": 2.0}, `{"a":2}`},
		{"scalars are not checked", schemas(`{ type: "string" }`, `{ a: [1] }`, `s.v.a.push(2); return s.v;`), nil, "v", map[string]any{"a": []any{1.0}}, `{"a":[1,2]}`},
		{"wrong kinds", schemas(`{ type: "object", properties: { l: { type: "array", items: {} }, o: { type: "object", properties: { d: { default: 4 } } } } }`, `{ l: 5, o: [1] }`, `return s.v;`), nil, "v",
			map[string]any{"l": 5.0, "o": []any{1.0}}, `{"l":[],"o":{"d":4}}`},
		{"additional properties", schemas(`{ type: "object", properties: { a: { type: "number" } }, additionalProperties: { type: "object", properties: { k: {} } } }`, `{ a: 1, b: { k: 2, z: 3 }, c: { z: 1 } }`, `return s.v;`), nil, "v",
			map[string]any{"a": 1.0, "b": map[string]any{"k": 2.0, "z": 3.0}, "c": map[string]any{"z": 1.0}}, `{"a":1,"b":{"k":2},"c":{}}`},
		{"defaults", schemas(`{ type: "object", properties: { a: { default: { x: [1] } }, b: { type: "array", items: { type: "number" }, default: [7] }, c: { asCell: true, type: "number", default: 3 } } }`, `{}`,
			`s.v.a.x.push(2); s.v.b.push(8); s.v.c.set(s.v.c.get() + 1); return [s.v.a, s.v.b, s.v.c.get()];`), nil, "v", map[string]any{"c": 4.0}, `[{"x":[1,2]},[7,8],4]`},
		{"cells of members", schemas(`{ type: "array", items: { asCell: true, type: "object", properties: { n: { type: "number" } } } }`, `[{ n: 1 }, { n: 2 }]`,
			`for (const c of s.v) c.key("n").set(c.get().n * 10); s.v[0].update({ m: 5 }); return [s.v.map((c: any) => c.get()), s.v[0].equals(s.v[0]), s.v[0].equals(s.v[1])];`), nil, "v",
			[]any{map[string]any{"n": 10.0, "m": 5.0}, map[string]any{"n": 20.0}}, `[[{"n":10},{"n":20}],true,false]`},
		{"a cell in a cell is a link", schemas(`{ asCell: true }`, `{ a: { k: 1 } }`, `s.v.key("b").set(s.v.key("a")); s.v.key("a").key("k").set(2); return [s.v.key("b").get().k, s.v.getAsQueryResult(["b", "k"])];`), nil, "v",
			map[string]any{"a": map[string]any{"k": 2.0}, "b": map[string]any{"k": 2.0}}, `[2,2]`},
		{"an object with its own parts", schemas(`{ asCell: true }`, `{ k: 1, in: { z: [1] }, l: [{ q: 1 }] }`, `const { v } = s; v.set(v.get()); v.set(v); v.set({ ...v.get(), k: 2, in: { ...v.get().in, y: 2 } }); v.update({ l: v.key("l").get() });
			const o = v.get(); o.l ??= []; o.in = o.in || {}; return o;`), nil, "v",
			map[string]any{"k": 2.0, "in": map[string]any{"z": []any{1.0}, "y": 2.0}, "l": []any{map[string]any{"q": 1.0}}}, `{"k":2,"in":{"z":[1],"y":2},"l":[{"q":1}]}`},
		{"set replaces a link", schemas(`{ asCell: true }`, `{ a: { k: 1 } }`, `s.v.key("b").set(s.v.key("a")); s.v.key("b").set({ k: 9 }); return s.v.get().a.k;`), nil, "v",
			map[string]any{"a": map[string]any{"k": 1.0}, "b": map[string]any{"k": 9.0}}, `1`},
		{"missing containers are made", schemas(`{ asCell: true }`, `{}`, `s.v.key("a").key("b").set(1); try { s.v.key("a").key("b").key("c").set(1); } catch (e: any) { return e.message; }`), nil, "v",
			map[string]any{"a": map[string]any{"b": 1.0}}, `"Can't set \"c\" of a number"`},
		{"sinks", schemas(`{ asCell: true, type: "number" }`, `1`, `const seen: any[] = []; const stop = s.v.sink((x: any) => { seen.push(x); s.out.set(seen.join()); }); setTimeout(() => s.v.set(2), 1); setTimeout(() => { stop(); s.v.set(3); }, 2);`), nil, "out", "1,2", ``},
		{"circles are found", schemas(`{ asCell: true }`, `{}`, `s.v.key("a").set(s.v.key("b")); s.v.key("b").set(s.v.key("a")); try { s.v.key("a").get(); } catch (e: any) { return e.message.slice(0, 24); }`), nil, "v", nil, `"Reference cycle detected"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			event := tt.event
			if event == nil {
				event = struct{}{}
			}
			m, r := runOnce(t, tt.body, event)
			if len(r.Failures)+len(r.rejections) > 0 {
				t.Fatalf("%v %v", r.Failures, r.rejections)
			}
			if tt.want != nil {
				got, _ := m.live(t, processID("once"), []string{"internal", tt.field})
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Error(diff)
				}
			}
			if out, _ := m.live(t, processID("once"), []string{"internal", "out"}); tt.out != "" && out != tt.out {
				t.Errorf("out is %v, want %s", out, tt.out)
			}
		})
	}
}

func TestGraphs(t *testing.T) {
	t.Parallel()
	object := func(pairs ...any) map[string]any {
		out := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i].(string)] = pairs[i+1]
		}
		return out
	}
	stream := object("$stream", true)
	tests := []struct {
		name, body string
		event      any
		want       any
	}{
		{"a map with an outer cell", `export default recipe("x", () => { const l = cell([1, 2]), f = cell(10);
			return { m: (l as any).map((x: any, i: any) => ({ v: lift((a: any) => a.x * a.f + a.i)({ x, f, i }), f })), bgUpdater: handler((e: any, s: any) => { s.f = 100; s.l.push(3); })({ l, f }) }; });`,
			struct{}{}, object("m", []any{object("v", 100.0, "f", 100.0), object("v", 201.0, "f", 100.0), object("v", 302.0, "f", 100.0)}, "bgUpdater", stream)},
		{"a map in a map", `export default recipe("x", () => { const l = cell([[1], [2, 3]]), k = cell(5);
			return { m: (l as any).map((row: any) => row.map((x: any) => lift((a: any) => a.x + a.k + a.n)({ x, k, n: row.length }))) }; });`,
			nil, object("m", []any{[]any{7.0}, []any{9.0, 10.0}})},
		{"a map with closures", `export default recipe("x", () => { const k = cell(5); return { m: (cell([1, 2]) as any).map((x: any) => compute(() => (x as any).get() + (k as any).get())) }; });`,
			nil, object("m", []any{6.0, 7.0})},
		{"a map over a plain list", `export default recipe("x", () => { const m = lift((a: any) => a)([1]) as any; return { m: m.map((x: any) => ({ x })) }; });`,
			nil, object("m", []any{object("x", 1.0)})},
		{"ifElse with primitives", `export default recipe("x", () => { const c = cell(1), a = cell("yes"); return { p: ifElse(c, 1, 2), r: ifElse(c, a, "no"), bgUpdater: handler((e: any, s: any) => { s.c = 0; })({ c }) }; });`,
			struct{}{}, object("p", 2.0, "r", "no", "bgUpdater", stream)},
		{"ifElse writes through", `export default recipe("x", () => { const a = cell({ k: 1 }); const r = ifElse(cell(1), a, {}); return { a, bgUpdater: handler((e: any, s: any) => { s.r.k = 2; })({ r }) }; });`,
			struct{}{}, object("a", object("k", 2.0), "bgUpdater", stream)},
		{"a lift that returns a captured cell", `export default recipe("x", () => { const a = cell({ k: 1 }); return { b: lift((n: any) => n > 0 ? { a } : {})(cell(1)) }; });`,
			nil, object("b", object("a", object("k", 1.0)))},
		{"a lift that returns a page with a handler", `export default recipe("x", () => { const n = cell(1); const add = handler((e: any, s: any) => { s.n += e.by; });
			const inner = lift((v: any) => ({ go: add({ n }), v }))(n); return { n, bgUpdater: inner.go }; });`,
			map[string]int{"by": 4}, object("n", 5.0, "bgUpdater", stream)},
		{"a handler that returns a graph of the outer one", `export default recipe("x", () => { const n = cell(1); const o = cell({} as any);
			return { n, bgUpdater: handler((e: any, s: any) => { const d = derive(n, (x: any) => { s.o.seen = x + 1; }); return { d }; })({ o }), o }; });`,
			struct{}{}, object("n", 1.0, "o", object("seen", 2.0), "bgUpdater", stream)},
		{"streams as props", `export default recipe("x", () => { const n = cell(1); const second = handler((e: any, s: any) => { s.n += e.k; })({ n });
			return { n, bgUpdater: handler({}, { type: "object", properties: { next: { asStream: true } } } as any, (e: any, s: any) => { s.next.send({ k: 2 }); s.next.send({ k: 3 }); })({ next: second } as any) }; });`,
			struct{}{}, object("n", 6.0, "bgUpdater", stream)},
		{"nested recipes", `const Inner = recipe({ type: "object", properties: { a: { type: "number" }, b: { type: "number", default: 3 } } } as any, ({ a, b }: any) => ({ sum: lift((v: any) => v.a + v.b)({ a, b }), bump: handler((e: any, s: any) => { s.b = 10; })({ b }) }));
			export default recipe("x", () => { const one = Inner({ a: cell(1) }) as any, two = Inner({ a: one.sum, b: 0 }) as any; return { sum: two.sum, one: one.sum, bgUpdater: one.bump }; });`,
			struct{}{}, object("sum", 11.0, "one", 11.0, "bgUpdater", stream)},
		{"defaults", `export default recipe({ type: "object", default: { z: 1 }, properties: { a: { type: "number", default: 1 }, o: { type: "object", default: { q: 1 }, properties: { p: { default: [1] }, r: {} } } } } as any, ({ a, o }: any) => ({ a, o }));`,
			nil, object("a", 1.0, "o", object("p", []any{1.0}))},
		{"render", `export default recipe("x", () => { const n = cell(1); const page = render(() => ({ title: (n as any).get(), click: () => 1 })); return { title: (page as any).title }; });`,
			nil, object("title", 1.0)},
		{"set on a ref", `export default recipe("x", () => { const a = cell(); a.set({ k: 1 }); const b = cell({ q: 1 }) as any; b.q = 2; const c = cell([5]); return { a, b, first: c[0], n: a.k }; });`,
			nil, object("a", object("k", 1.0), "b", object("q", 2.0), "first", 5.0, "n", 1.0)},
		{"navigateTo does nothing", `export default recipe("x", () => ({ n: 1, bgUpdater: handler(() => navigateTo(recipe("y", () => ({ z: 1 }))({})))({}) }));`,
			struct{}{}, object("n", 1.0, "bgUpdater", stream)},
		{"order of lifts", `export default recipe("x", () => { const a = cell(1); const log: string[] = []; const out = cell("");
			const d = lift((v: any) => { log.push("d"); return v; }), e = lift((v: any) => { log.push("e"); return v; });
			const c3 = derive(e(d(a)), (v: any) => { log.push("f"); return log.join(""); }); return { c3 }; });`,
			nil, object("c3", "def")},
		{"order of lifts that read the same one", `const log: string[] = []; export default recipe("x", () => { const k = cell(1), m = cell(1), n = cell(1), out = cell("") as any;
			const a = derive(n, (x: any) => { log.push("a"); return x; }); derive({ a, m }, (x: any) => { log.push("b" + x.a + x.m); }); derive({ a, k }, (x: any) => { log.push("c" + x.a + x.k); });
			return { out, bgUpdater: handler((e: any, s: any) => { log.length = 0; s.k = 2; s.m = 2; s.n = 2; setTimeout(() => s.out = log.join(), 1); })({ n, k, m, out }) }; });`,
			struct{}{}, object("out", "a,c22,b22", "bgUpdater", stream)},
		{"order of lifts that read each other", `const log: string[] = []; const step = (name: string, read: () => any) => compute(() => { log.push(name + read()); return 1; });
			export default recipe("x", () => { const n = cell(1), out = cell("") as any; let y: any;
				const x = step("x", () => (n as any).get() + (y.get() ?? 0)) as any; y = step("y", () => (n as any).get() + (x.get() ?? 0));
				return { n, out, bgUpdater: handler((e: any, s: any) => { s.out = log.join(); log.length = 0; s.n = 2; setTimeout(() => s.out += ";" + log.join(), 1); })({ n, out }) }; });`,
			struct{}{}, object("n", 2.0, "out", "x2,y2;y3,x3", "bgUpdater", stream)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, r := runOnce(t, tt.body, tt.event)
			if len(r.Failures)+len(r.rejections) > 0 || !r.Handled {
				t.Fatalf("handled %v, %v %v", r.Handled, r.Failures, r.rejections)
			}
			if diff := cmp.Diff(tt.want, m.result(t, "once")); diff != "" {
				t.Error(diff)
			}
			// A later run comes to the same, and has nothing to write.
			if r := m.settle(t, "once"); r.Changed != 0 || len(r.Failures) > 0 {
				t.Errorf("again: %d changed (%v), %v", r.Changed, m.put, r.Failures)
			}
			if diff := cmp.Diff(tt.want, m.result(t, "once")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
