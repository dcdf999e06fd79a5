package prelude_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a handler leaves in the process document, as it is stored: "@" stands for that document.
func TestStoredForms(t *testing.T) {
	t.Parallel()
	const rows = `[{ a: { b: 1 } }, { a: { b: 2 } }]`
	tests := []struct{ name, body, field, want, out string }{
		{"a link of an index is a text", lists(rows, `s.o.x = s.l[0]; s.o.y = s.l["1"].a;`), "o", `{"x":["internal","l","0"],"y":["internal","l","1","a"]}`, `null`},
		{"a link of a method's element is a number", lists(rows, `s.o.x = s.l.find((x: any) => x.a.b === 2); s.o.y = s.l.at(0).a;`), "o", `{"x":["internal","l",1],"y":["internal","l",0,"a"]}`, `null`},
		{"whichever came first", lists(rows, `s.l.map((x: any) => x.a.b); s.o.x = s.l[1]; s.o.y = s.l[1].a; s.l[0] = { a: {} }; s.o.z = s.l.filter(() => true)[0];`), "o",
			`{"x":["internal","l","1"],"y":["internal","l","1","a"],"z":["internal","l",0]}`, `null`},
		{"a link through a link", lists(rows, `s.o.x = s.l[0]; s.o.y = s.o.x.a;`), "o", `{"x":["internal","l","0"],"y":["internal","l","0","a"]}`, `null`},

		{"push of what has an equal field", schemas(`{ type: "array", items: { type: "object", properties: { k: {}, v: {} } }, asCell: true }`, `[]`,
			`const like = (k: string, v: number) => ({ k, v, [ID_FIELD]: "k" }); s.v.push(like("a", 1)); s.v.push(like("a", 2), like("b", 3)); return [s.v.get(), s.v.key(0).equals(s.v.key(1))];`), "", "",
			`[[{"k":"a","v":2},{"k":"a","v":2},{"k":"b","v":3}],false]`},
		{"two of a push are not each other's", schemas(`{ type: "array", items: {}, asCell: true }`, `[]`,
			`s.v.push({ k: 1, v: 1, [ID_FIELD]: "k" }, { k: 1, v: 2, [ID_FIELD]: "k" }); return s.v.get();`), "", "", `[{"k":1,"v":1},{"k":1,"v":2}]`},
		{"push to null", schemas(`{ asCell: true }`, `[]`, `s.v.set(null); try { s.v.push(1); } catch (e: any) { return e.message; }`), "v", `null`, `"Can't push into non-array value"`},
		{"update of a list", schemas(`{ asCell: true }`, `[1, 2]`, `s.v.update([5]); for (const no of [null, undefined, "s", 1]) try { s.v.update(no); return no; } catch {}`), "v", `[5,2]`, `null`},
		{"null in an initial value", lists(`[1, null, { a: null, l: [null] }]`, `return s.l;`), "l", `[1,null,{"a":null,"l":[null]}]`, `[1,null,{"a":null,"l":[null]}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, r := runOnce(t, `import { ID_FIELD } from "@commontools/builder";`+tt.body, struct{}{})
			if len(r.Failures) > 0 {
				t.Fatal(r.Failures)
			}
			internal := m.raw(t, processID("once")).(object)["internal"].(object)
			if got := encoded(ownLinks(internal[tt.field])); tt.field != "" && got != tt.want {
				t.Errorf("%s is stored as %s, want %s", tt.field, got, tt.want)
			}
			if internal["out"] != tt.out {
				t.Errorf("out is %v, want %s", internal["out"], tt.out)
			}
		})
	}
}

// ownLinks is a stored value with the paths of the links into the process document in their stead.
func ownLinks(v any) any {
	fields, ok := v.(object)
	if !ok {
		return v
	}
	if target, _ := fields["cell"].(object); target["/"] == processID("once") {
		return fields["path"]
	}
	out := object{}
	for key, field := range fields {
		out[key] = ownLinks(field)
	}
	return out
}

// The JSON of a recipe, which stored documents show.
func TestRecipeJSON(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, part, want string }{
		{"nothing returned", `recipe("x", () => {})`, "result", `{}`},
		{"null returned", `recipe("x", () => null)`, "result", `{}`},
		{"a row of nothing", `recipe("x", ({ l }: any) => ({ m: l.map(() => {}) })).nodes[0].inputs.op`, "result", `{}`},
		{"null and undefined in a result", `recipe("x", () => [null, undefined, { a: null, b: undefined }])`, "result", `[{},null,{"a":{}}]`},
		{"null in an initial value", `recipe("x", () => ({ c: cell({ a: null, l: [null, { b: null }] }) }))`, "initial", `{"internal":{"c":{"a":null,"l":[null,{"b":null}]}}}`},
		{"the output of a lift has no schema", `recipe("x", ({ v }: any) => ({ d: lift({ type: "number" }, { type: "number" }, (n: any) => n)(v) }))`, "result", `{"d":{"$alias":{"path":["internal","d"]}}}`},
		{"parts by name have one", `recipe({ type: "object", properties: { p: { type: "array", items: { type: "number" } } } }, ({ p }: any) => ({ a: p[0] }))`, "result",
			`{"a":{"$alias":{"path":["argument","p","0"],"rootSchema":{"properties":{"p":{"items":{"type":"number"},"type":"array"}},"type":"object"},"schema":{"type":"number"}}}}`},
		{"parts by place have none", `recipe({ type: "object", properties: { p: { type: "array", items: { type: "number" } } } }, ({ p: [a] }: any) => ({ a }))`, "result", `{"a":{"$alias":{"path":["argument","p",0]}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := load(t, imports+`const of: any = recipe; const made: any = (`+strings.Replace(tt.body, "recipe(", "of(", 1)+`);
				export default recipe("x", () => ({ json: JSON.stringify(made) }));`, newHost())
			if m.cast(t, "json", nil); !m.loaded.OK {
				t.Fatal(m.loaded.Error)
			}
			var parts map[string]json.RawMessage
			decode(t, m.result(t, "json").(object)["json"].(string), &parts)
			var got any
			decode(t, string(parts[tt.part]), &got)
			if encoded(got) != tt.want {
				t.Errorf("%s is %s, want %s", tt.part, encoded(got), tt.want)
			}
		})
	}
}

// What a charm's argument is in the process document, by what it was given and what the schema says.
func TestArguments(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, schema string
		argument     any
		want         string
	}{
		{"none", `"x"`, object{}, `{}`},
		{"a list", `"x"`, []int{5, 6}, `[5,6]`},
		{"a text", `"x"`, "text", `"text"`},
		{"what is false is none", `"x"`, 0, `absent`},
		{"an empty text is none", `"x"`, "", `absent`},
		{"what is false stands against defaults", `{ type: "object", properties: { v: { default: 3 } } }`, false, `absent`},
		{"defaults", `{ type: "object", properties: { v: { type: "number", default: 0 }, n: { default: null }, o: { type: "object", properties: { p: { default: [1] } } } } }`, object{"o": object{"q": 1}},
			`{"n":null,"o":{"p":[1],"q":1},"v":0}`},
		{"no defaults without a type", `{ properties: { v: { default: 3 } } }`, object{}, `{}`},
		{"no defaults in what has no type", `{ type: "object", properties: { v: { properties: { w: { default: 3 } } } } }`, object{}, `{}`},
		{"the default of what has no type", `{ type: "object", properties: { v: { properties: { w: { default: 3 } }, default: 4 } } }`, object{}, `{"v":4}`},
		{"an object's own default is not one", `{ type: "object", default: { v: 1 }, properties: { o: { type: "object", default: { w: 2 } } } }`, object{}, `{}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := load(t, imports+`export default recipe(`+tt.schema+` as any, (a: any) => ({ v: a.v }));`, newHost())
			m.cast(t, "once", tt.argument)
			got, want := "absent", tt.want
			if argument, ok := m.raw(t, processID("once")).(object)["argument"]; ok {
				got = encoded(argument)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
