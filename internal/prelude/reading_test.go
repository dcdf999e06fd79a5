package prelude_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a lift gets through a schema from one and the same argument, and what of it JSON shows.
func TestReadingThroughSchemas(t *testing.T) {
	t.Parallel()
	const argument = `{"n":4,"s":"text","o":{"a":1,"b":2},"l":[1,"x"],"rows":[{"a":1,"b":2,"c":3}],"nul":null,"yes":true,"empty":{},` +
		`"gone":[{"cell":{"/":"none"},"path":[]},{"cell":{"/":"none"},"path":[]}],"missing":{"m":{"cell":{"/":"none"},"path":[]}}}`
	tests := []struct{ name, schema, part, want string }{
		{"no schema", `true`, "o", `[{"a":1,"b":2}]`},
		{"nothing said", `{}`, "o", `[{"a":1,"b":2}]`},
		{"an object of which nothing more is said", `{ type: "object" }`, "o", `[{"a":1,"b":2}]`},
		{"no properties", `{ type: "object", properties: {} }`, "o", `[{}]`},
		{"properties without a type", `{ properties: { a: {} } }`, "o", `[{"a":1,"b":2}]`},
		{"an object of a list", `{ type: "object", additionalProperties: true }`, "l", `[{"0":1,"1":"x"}]`},
		{"an object of a text", `{ type: "object", properties: { a: { default: 1 }, length: {} } }`, "s", `[{"a":1}]`},
		{"an object of null", `{ type: "object", properties: { a: { default: 1 } } }`, "nul", `[{"a":1}]`},
		{"a list of an object", `{ type: "array", items: {} }`, "o", `[[]]`},
		{"a property without a schema", `{ type: "object", properties: { a: true } }`, "o", `[{"a":1}]`},

		{"a default", `{ type: "number", default: 7 }`, "none", `[7]`},
		{"a default for null", `{ type: "number", default: 7 }`, "nul", `[null]`},
		{"a default without a type", `{ default: { a: 1 } }`, "none", `[{"a":1}]`},
		{"a default of an open object", `{ type: "object", default: { a: 1 } }`, "none", `[{"a":1}]`},
		{"a member that is an open object", `{ type: "object", properties: { m: { type: "object", default: { a: 1 } } } }`, "empty", `[{"m":{"a":1}}]`},
		{"a default that its schema completes", `{ type: "object", properties: { m: { type: "object", properties: { x: { default: 1 }, y: { default: 2 }, z: {} }, default: { x: 9, w: 8 } } } }`, "empty",
			`[{"m":{"x":9,"y":2}}]`},
		{"a default with other properties", `{ type: "object", properties: { x: {} }, additionalProperties: { type: "object", properties: { k: {} } }, default: { x: 1, y: { k: 2, j: 3 } } }`, "none",
			`[{"x":1,"y":{"k":2}}]`},
		{"a default with properties that every object has", `{ type: "object", properties: { x: {} }, additionalProperties: true, default: { constructor: 1, x: 2, toString: "t" } }`, "none",
			`[{"x":2,"constructor":1,"toString":"t"}]`},
		{"a default of a list", `{ type: "array", items: { type: "object", properties: { k: {}, d: { default: 1 } } }, default: [{ k: 2, j: 3 }] }`, "none", `[[{"k":2,"d":1}]]`},
		{"null as the default of an object", `{ type: "object", properties: { x: { default: 1 } }, default: null }`, "none", `[null]`},
		{"null as the default of objects that are linked to", `{ type: "array", items: { type: "object", properties: { x: {} }, default: null } }`, "gone", `[[null,null]]`},
		{"a text as the default of one", `{ type: "object", properties: { m: { type: "object", properties: { x: {} }, default: "d" } } }`, "missing", `[{"m":"d"}]`},
		{"a default of alternatives", `{ anyOf: [{ type: "string" }], default: "d" }`, "none", `["d"]`},

		{"alternatives by type", `{ anyOf: [{ type: "string" }, { type: "integer" }] }`, "n", `[4]`},
		{"no alternative fits", `{ anyOf: [{ type: "string" }, { type: "object", properties: { a: {} } }] }`, "n", `[null]`},
		{"an alternative without a type", `{ anyOf: [{}] }`, "n", `[null]`},
		{"an alternative without a type, of an object", `{ anyOf: [{}] }`, "o", `[null]`},
		{"an open object among alternatives", `{ anyOf: [{ type: "object" }] }`, "o", `[null]`},
		{"an open object beside another", `{ anyOf: [{ type: "object" }, { type: "object", properties: { a: {} } }] }`, "o", `[{"a":1}]`},
		{"objects together", `{ anyOf: [{ type: "object", properties: { a: {} } }, { type: "object", properties: { b: {}, d: { default: 3 } } }] }`, "o", `[{"a":1,"b":2,"d":3}]`},
		{"one kind of list", `{ anyOf: [{ type: "array", items: { type: "string" } }, { type: "string" }] }`, "l", `[[1,"x"]]`},
		{"an open list", `{ anyOf: [{ type: "array" }] }`, "l", `[[1,"x"]]`},
		{"an open list beside another", `{ anyOf: [{ type: "array", items: { type: "number" } }, { type: "array" }] }`, "l", `[[1,null]]`},
		{"lists of alternatives together", `{ anyOf: [{ type: "array", items: { anyOf: [{ type: "number" }] } }, { type: "array", items: { type: "string" } }] }`, "l", `[[1,"x"]]`},
		{"lists of cells together", `{ anyOf: [{ type: "array", items: { type: "object", properties: { a: {} }, asCell: true } }, { type: "array", items: { anyOf: [{ type: "string", asCell: true }] } }] }`, "rows",
			`[[{"cell":{"/":"baedreifpokbrtny7hlaycyglzv777xryibe7ygn6o7qonekrbuldxigrb4"},"path":["argument","rows",0]}]]`},
		{"lists of objects together", `{ anyOf: [{ type: "array", items: { type: "object", properties: { a: {} } } }, { type: "array", items: { type: "object", properties: { b: {} } } }] }`, "rows",
			`[[{"a":1,"b":2}]]`},
		{"null fits nothing", `{ anyOf: [{ type: "null" }, { type: "string" }] }`, "nul", `[null]`},
	}
	body := `const read = (schema: any, part: any) => lift(schema, {} as any, (x: any) => JSON.stringify([x]))(part);
		export default recipe("x", (a: any) => ({`
	for i, tt := range tests {
		body += keyOf(i) + `: read(` + tt.schema + `, a.` + tt.part + `), `
	}
	m := load(t, imports+body+`}));`, newHost())
	var given any
	decode(t, argument, &given)
	if r := m.cast(t, "reading", given); len(r.Failures) > 0 {
		t.Fatal(r.Failures)
	}
	got, _ := m.result(t, "reading").(map[string]any)
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got[keyOf(i)] != tt.want {
				t.Errorf("%s reads %v, want %s", tt.schema, got[keyOf(i)], tt.want)
			}
		})
	}
}

func keyOf(i int) string { return "r" + string(rune('a'+i/26)) + string(rune('a'+i%26)) }

// Cells in a default are those of the place that has none yet: what is written to them is kept.
func TestCellsInDefaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       any
		out        string
	}{
		{"of an object", schemas(`{ type: "object", properties: { c: { type: "number", asCell: true }, d: { type: "number", default: 7, asCell: true }, e: {} }, default: { c: 5, e: "x" } }`, `undefined`,
			`const seen = [s.v.c.get(), s.v.d.get(), s.v.e]; s.v.c.set(6); s.v.d.set(8); return seen;`),
			object{"c": 6.0, "d": 8.0}, `[5,7,"x"]`},
		{"of a list", schemas(`{ type: "array", items: { type: "number", asCell: true }, default: [1, 2] }`, `undefined`,
			`const seen = s.v.map((c: any) => c.get()); s.v[0].set(3); return seen;`),
			[]any{3.0}, `[1,2]`},
		{"of further properties", schemas(`{ type: "object", additionalProperties: { type: "number", asCell: true }, default: { c: 1 } }`, `undefined`,
			`const seen = s.v.c.get(); s.v.c.set(2); return seen;`),
			object{"c": 2.0}, `1`},
		{"in a member", schemas(`{ type: "object", properties: { m: { type: "object", properties: { c: { asCell: true } }, default: { c: { k: 1 } } } } }`, `{ q: 1 }`,
			`const seen = s.v.m.c.get(); s.v.m.c.set({ k: 2 }); return seen;`),
			object{"q": 1.0, "m": object{"c": object{"k": 2.0}}}, `{"k":1}`},
		{"an open object in a cell", schemas(`{ type: "object", default: { a: 1 }, asCell: true }`, `undefined`, `s.v.key("b").set(2); return s.v.get();`), object{"b": 2.0}, `{"b":2}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, r := runOnce(t, tt.body, struct{}{})
			if len(r.Failures) > 0 {
				t.Fatal(r.Failures)
			}
			got, _ := m.live(t, processID("once"), []string{"internal", "v"})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if out, _ := m.live(t, processID("once"), []string{"internal", "out"}); out != tt.out {
				t.Errorf("out is %v, want %s", out, tt.out)
			}
		})
	}
}
