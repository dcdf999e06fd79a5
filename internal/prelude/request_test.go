package prelude_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"charmd/internal/merkle"
)

// An answer that is stored is not asked for again, in whatever run; a failed request is.
func TestFetchDataAsksOnce(t *testing.T) {
	t.Parallel()
	h := newHost()
	h.replies["/a"] = reply{Status: 200, Body: `{"n":1}`}
	m := load(t, imports+`export default recipe("x", ({ url }: any) => {
		const data = fetchData({ url }) as any;
		return { n: data.result.n, pending: data.pending, failed: lift((e: any) => e !== undefined)(data.error) };
	});`, h)
	steps := []struct {
		name, url string
		asked     int
		want      map[string]any
	}{
		{"first", "/a", 1, map[string]any{"n": 1.0, "pending": false, "failed": false}},
		{"again", "/a", 0, map[string]any{"n": 1.0, "pending": false, "failed": false}},
		{"refused", "/none", 1, map[string]any{"pending": false, "failed": true}},
		{"refused again", "/none", 1, map[string]any{"pending": false, "failed": true}},
		{"none", "", 0, map[string]any{"pending": false, "failed": false}},
		{"the first again", "/a", 1, map[string]any{"n": 1.0, "pending": false, "failed": false}},
	}
	for i, step := range steps {
		var r report
		if i == 0 {
			r = m.cast(t, "data", map[string]any{"url": step.url})
		} else {
			m.write(t, processID("data"), []string{"argument", "url"}, step.url)
			r = m.settle(t, "data")
		}
		if len(m.requests) != step.asked || len(r.Failures)+len(r.rejections) > 0 {
			t.Errorf("%s: asked %v, %v %v", step.name, m.requests, r.Failures, r.rejections)
		}
		if diff := cmp.Diff(step.want, m.result(t, "data")); diff != "" {
			t.Errorf("%s: %s", step.name, diff)
		}
	}
}

// A question that changes while it is out makes the late answer void.
func TestFetchDataDropsLateAnswers(t *testing.T) {
	t.Parallel()
	h := newHost()
	h.replies["/b"] = reply{Status: 200, Body: "b"}
	m := load(t, imports+`export default recipe("x", () => {
		const url = cell("/a");
		return { data: fetchData({ url, mode: "text" }).result, bgUpdater: handler((e: any, s: any) => { s.url = "/b"; })({ url }) };
	});`, h)
	m.cast(t, "late", nil)
	h.replies["/a"] = reply{Status: 200, Body: "a"}
	if m.send(t, "late", "bgUpdater", struct{}{}); len(m.requests) != 2 {
		t.Errorf("asked %v", m.requests)
	}
	if got := m.result(t, "late").(map[string]any)["data"]; got != "b" {
		t.Errorf("the data is %v", got)
	}
}

func TestLLM(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]reply{
		"lines":  {Status: 200, Body: "\"he\"\n\"llo\"\n"},
		"object": {Status: 200, Body: `{"content":"hello"}`, Headers: [][2]string{{"content-type", "application/json"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost()
			h.replies["/api/ai/llm"] = answer
			m := load(t, imports+`export default recipe("x", () => ({ a: llm({ system: "s", prompt: "p", messages: ["q", "r"] }).result }));`, h)
			m.cast(t, "llm", nil)
			want := `{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"r"},{"role":"user","content":"p"}],` +
				`"system":"s","prompt":"p","max_tokens":4096,"model":"claude-3-5-sonnet","stream":true}`
			if len(m.requests) != 1 || m.requests[0].Body != want {
				t.Fatalf("asked %+v", m.requests)
			}
			if diff := cmp.Diff(map[string]any{"a": "hello"}, m.result(t, "llm")); diff != "" {
				t.Error(diff)
			}
			if m.settle(t, "llm"); len(m.requests) != 0 {
				t.Errorf("asked again: %v", m.requests)
			}
		})
	}
}

// When the model is asked, and what.
func TestLLMQuestions(t *testing.T) {
	t.Parallel()
	const rest = `"max_tokens":4096,"model":"claude-3-5-sonnet","stream":true}`
	tests := []struct{ name, inputs, asked string }{
		{"no system", `{ prompt: "p" }`, ""},
		{"nothing to say", `{ system: "s" }`, ""},
		{"an empty prompt", `{ system: "s", prompt: "", messages: [] }`, ""},
		{"an empty system", `{ system: "", prompt: "p" }`, `{"messages":[{"role":"user","content":"p"}],"system":"","prompt":"p",` + rest},
		{"messages with roles", `{ system: "s", messages: [{ role: "assistant", content: "c" }, "d"] }`,
			`{"messages":[{"role":"assistant","content":"c"},{"role":"assistant","content":"d"}],"system":"s",` + rest},
		{"an empty prompt after messages", `{ system: "s", prompt: "", messages: ["q"] }`, `{"messages":[{"role":"user","content":"q"}],"system":"s","prompt":"",` + rest},
		{"a model without system prompts", `{ system: "s", prompt: "p", model: "openai:o1-mini", max_tokens: 9 }`,
			`{"messages":[{"role":"user","content":"s\n\np"}],"max_tokens":9,"model":"openai:o1-mini","stream":true}`},
		{"messages for it", `{ system: "s", prompt: "p", messages: ["q"], model: "openai:o1" }`,
			`{"messages":[{"role":"user","content":"q"}],"max_tokens":4096,"model":"openai:o1","stream":true}`},
		{"a model that is no text", `{ system: "s", prompt: "p", model: 5 }`,
			`{"messages":[{"role":"user","content":"p"}],"system":"s","prompt":"p","max_tokens":4096,"model":5,"stream":true}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHost()
			h.replies["/api/ai/llm"] = reply{Status: 200, Body: `"yes"`}
			m := load(t, imports+`export default recipe("x", () => ({ a: llm(`+tt.inputs+` as any) }));`, h)
			m.cast(t, "llm", nil)
			var asked string
			for _, r := range m.requests {
				asked += r.Body
			}
			if asked != tt.asked {
				t.Errorf("asked %s, want %s", asked, tt.asked)
			}
		})
	}
}

// The hash of a question is of what the recipe asked with, as in stored documents of the original.
func TestLLMHash(t *testing.T) {
	t.Parallel()
	for inputs, about := range map[string]string{
		`{ system: "s", prompt: "p" }`:                       `{"system":"s","messages":[],"prompt":"p","stop":"","max_tokens":4096,"model":"claude-3-5-sonnet"}`,
		`{ system: "s", messages: ["a", "b"], stop: "x" }`:   `{"system":"s","messages":["a","b"],"prompt":"","stop":"x","max_tokens":4096,"model":"claude-3-5-sonnet"}`,
		`{ system: "s", prompt: "p", model: "openai:o1-a" }`: `{"messages":["s\n\np"],"model":"openai:o1-a","max_tokens":4096}`,
	} {
		h := newHost()
		h.replies["/api/ai/llm"] = reply{Status: 200, Body: `"yes"`}
		m := load(t, imports+`export default recipe("x", () => ({ a: (llm(`+inputs+` as any) as any).requestHash }));`, h)
		m.cast(t, "hash", nil)
		want, err := merkle.ReferText(about)
		check(t, err)
		if got := m.result(t, "hash").(object)["a"]; got != want.String() {
			t.Errorf("the hash of %s is %v, want %s", inputs, got, want)
		}
	}
}

// A stream that ends is read to its end, in every run.
func TestStreamData(t *testing.T) {
	t.Parallel()
	h := newHost()
	h.replies["/events"] = reply{Status: 200, Body: "id: 1\nevent: a\ndata: {\"n\":1}\n\nid: 2\r\nevent: b\r\ndata:[2]\r\n\r\nid: 3\n"}
	h.replies["/broken"] = reply{Status: 200, Body: "id: 1\nevent: a\ndata: {\n"}
	m := load(t, imports+`export default recipe("x", ({ url }: any) => ({ s: streamData({ url }) }));`, h)
	m.cast(t, "stream", map[string]any{"url": "/events"})
	want := map[string]any{"s": map[string]any{"pending": false, "result": map[string]any{"id": "2", "event": "b", "data": []any{2.0}}}}
	if diff := cmp.Diff(want, m.result(t, "stream")); diff != "" {
		t.Error(diff)
	}
	if m.settle(t, "stream"); len(m.requests) != 1 {
		t.Errorf("the next run asked %v", m.requests)
	}
	// What the events before the last one said is not kept beside it.
	h.replies["/long"] = reply{Status: 200, Body: strings.Repeat("id: 1\nevent: a\ndata: ["+strings.Repeat("[],", 200)+"1]\n\n", 3_000)}
	m.write(t, processID("stream"), []string{"argument", "url"}, "/long")
	m.settle(t, "stream")
	if s := m.result(t, "stream").(object)["s"].(object); s["result"] == nil {
		t.Errorf("a long stream is %v: %v", s, m.logs)
	}
	m.write(t, processID("stream"), []string{"argument", "url"}, "/broken")
	m.settle(t, "stream")
	want = map[string]any{"s": map[string]any{"pending": false, "error": map[string]any{}}}
	if diff := cmp.Diff(want, m.result(t, "stream")); diff != "" {
		t.Error(diff)
	}
}

// Back at a question whose answer has gone, it is asked again, although the hash of it is stored.
func TestFetchDataGoesBackToAQuestion(t *testing.T) {
	t.Parallel()
	m := load(t, imports+`export default recipe({ type: "object", properties: { name: { type: "string", default: "a" } } } as any, ({ name }: any) => {
		const answer = fetchData({ url: str`+"`https://names.test/${name}`"+` } as any);
		return { name, result: (answer as any).result, bgUpdater: handler((e: any, s: any) => { s.name = e.name; })({ name }) };
	});`, newHost())
	m.replies["https://names.test/a"] = answer("A")
	m.cast(t, "back", nil)
	m.send(t, "back", "bgUpdater", object{"name": "gone"})
	m.send(t, "back", "bgUpdater", object{"name": "a"})
	if got, _ := m.live(t, charmID("back").Link(), []string{"result"}); got != "A" {
		t.Errorf("the result is %v", got)
	}
}
