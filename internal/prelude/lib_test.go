package prelude_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// libraries are the modules that recipes import beside the builder, under the names used below.
const libraries = `
import { z } from "zod";
import { zodToJsonSchema } from "zod-to-json-schema";
import { fromJSON, fromString, is, refer } from "merkle-reference";
import TurndownService from "turndown";
import { recipe as merged, h as element, getRecipeEnvironment as environment } from "commontools";
import { Classification, isCell } from "@commontools/runner";
`

func TestLibraries(t *testing.T) {
	t.Parallel()
	list := func(items ...any) any { return append([]any{}, items...) }
	object := func(pairs ...any) map[string]any {
		out := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i].(string)] = pairs[i+1]
		}
		return out
	}
	kind := func(name any, more ...any) map[string]any { return object(append([]any{"type", name}, more...)...) }
	schema := func(expression string) string {
		return `(() => { const { $schema, ...rest } = zodToJsonSchema(` + expression + `) as any; return rest; })()`
	}
	tests := []struct {
		name, expression string
		want             any
	}{
		{"zod object", schema(`z.object({ s: z.string(), n: z.number().optional(), d: z.boolean().default(true), i: z.number().int().min(1).max(9) })`),
			kind("object", "properties", object("s", kind("string"), "n", kind("number"), "d", kind("boolean", "default", true), "i", kind("integer", "minimum", 1.0, "maximum", 9.0)),
				"required", list("s", "i"), "additionalProperties", false)},
		{"zod lists", schema(`z.array(z.array(z.any())).min(1)`), kind("array", "items", kind("array"), "minItems", 1.0)},
		{"zod literals", schema(`z.union([z.literal("a"), z.literal(1)])`), kind(list("string", "number"), "enum", list("a", 1.0))},
		{"zod enums", schema(`z.union([z.enum(["a", "b"]), z.enum(["b", "c"])])`), kind("string", "enum", list("a", "b", "c"))},
		{"zod alternatives", schema(`z.union([z.string(), z.object({})]).describe("either")`),
			object("anyOf", list(kind("string"), kind("object", "properties", object(), "additionalProperties", false)), "description", "either")},
		{"zod nullable", `[z.string().nullable(), z.number().int().nullable(), z.literal(null)].map((x: any) => zodToJsonSchema(x)).map(({ $schema, ...x }: any) => x)`,
			list(kind(list("string", "null")), object("anyOf", list(kind("integer"), kind("null"))), kind("null"))},
		{"zod record, extend, partial", schema(`z.object({ a: z.string() }).extend({ r: z.record(z.string(), z.number()) }).partial()`),
			kind("object", "properties", object("a", kind("string"), "r", kind("object", "additionalProperties", kind("number"))), "additionalProperties", false)},
		{"not zod", `(() => { try { zodToJsonSchema({ type: "object" }); } catch (e: any) { return e.message; } })()`, "zodToJsonSchema takes a schema of zod"},
		{"references", `(() => { const r = refer({ a: [1, "x"] }); return [String(r) === String(fromJSON(r.toJSON())), fromString(String(r))["/"] === r["/"], is(r), is({}), String(refer(null)), refer({})["/"]]; })()`,
			list(true, true, true, false, "ba4jcamfn377raxr3mevhpgfei2q3qxzjxfbntcxaygvinpc2fd57pxph", "baedreiejlbo3grw733nk7wp5mzjfqyzpa7hquspn4yt4np6zq3375fpavq")},
		{"broken references", `[() => fromJSON({} as any), () => fromString("b!")].map((f) => { try { f(); } catch (e: any) { return e.message; } })`,
			list("Invalid reference {}", "Invalid reference !")},
		{"turndown", `new TurndownService({ headingStyle: "atx", codeBlockStyle: "fenced", emDelimiter: "*" }).addRule("no styles", { filter: ["style"], replacement: () => "" })
			.turndown("<style>a { b: c }</style><h1>Hello  <em>you</em></h1><p>A <a href='http://x.test/(1)'>link</a>.<br>Next</p><ul><li>one</li><li>two</li></ul>")`,
			"# Hello *you*\n\nA [link](http://x.test/\\(1\\)).  \nNext\n\n*   one\n*   two"},
		{"turndown's rules", `new TurndownService().addRule("mark", { filter: "mark", replacement: (text: string, node: any) => node.nodeName + node.getAttribute("id") + node.getAttribute("no") + "(" + text + ")" })
			.use((service: any) => service.remove("b")).turndown("<p>x <mark id=1>a<mark id=2>b_</mark></mark><b>gone</b></p>")`,
			"x MARK1null(aMARK2null(b\\_))"},
		{"merged module", `[typeof merged, element("p", null).name, environment().occasion]`, list("function", "p", "occasion-1")},
		{"runner", `[Classification.Secret, isCell({})]`, list("secret", false)},
		{"digest", `(async () => { const hex = async (name: any, data: any) => [...new Uint8Array(await crypto.subtle.digest(name, data))].map((b) => b.toString(16).padStart(2, "0")).join("");
			return [await hex("SHA-256", new TextEncoder().encode("abc")), (await hex({ name: "sha-1" }, new ArrayBuffer(0))).length, await hex("MD5", new Uint8Array(0)).catch((e) => e.name)]; })()`,
			list("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 40.0, "NotSupportedError")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := load(t, imports+libraries+`export default recipe("x", () => ({ out: lift(async () => (`+tt.expression+`))(1) }));`, newHost())
			if !m.loaded.OK {
				t.Fatalf("loading: %+v", m.loaded.Error)
			}
			r := m.cast(t, "library", nil)
			out, _ := m.live(t, processID("library"), []string{"internal", "out"})
			if diff := cmp.Diff(tt.want, out); diff != "" || len(r.Failures) > 0 {
				t.Errorf("%s\nfailures %v", diff, r.Failures)
			}
		})
	}
}

// Conversations may be given as such, not only as the texts of both sides in turn.
func TestMessagesOfConversations(t *testing.T) {
	t.Parallel()
	h := newHost()
	h.replies["/api/ai/llm"] = reply{Status: 200, Body: `"yes"`}
	m := load(t, imports+`export default recipe("x", () => ({ a: llm({ system: "s", messages: [{ role: "user", content: "q" }] } as any).result }));`, h)
	m.cast(t, "talk", nil)
	want := `{"messages":[{"role":"user","content":"q"}],"system":"s","max_tokens":4096,"model":"claude-3-5-sonnet","stream":true}`
	if len(m.requests) != 1 || m.requests[0].Body != want {
		t.Errorf("asked %+v", m.requests)
	}
}
