package prelude_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// evaluate returns the value of an expression in a lift, as JSON has it.
func evaluate(t *testing.T, h *host, expression string) (any, report) {
	t.Helper()
	m := load(t, imports+`export default recipe("x", () => ({ out: lift(async () => (`+expression+`))(1) }));`, h)
	if !m.loaded.OK {
		t.Fatalf("loading: %+v", m.loaded.Error)
	}
	r := m.cast(t, "expression", nil)
	out, _ := m.live(t, processID("expression"), []string{"internal", "out"})
	return out, r
}

func TestWebFunctions(t *testing.T) {
	t.Parallel()
	list := func(items ...any) any { return append([]any{}, items...) }
	tests := []struct {
		name, expression string
		want             any
	}{
		{"URL", `[new URL("../b?x=1#y", "http://h.test/a/c").href, String(new URL("HTTP://U:p@H.test:80/")), JSON.stringify({ u: new URL("http://h.test") })]`,
			list("http://h.test/b?x=1#y", "http://U:p@h.test/", `{"u":"http://h.test/"}`)},
		{"URL parts", `(() => { const u = new URL("http://h.test/p"); u.port = "99"; u.search = "a=1"; u.searchParams.append("b", "c d"); u.hash = "z"; return [u.href, u.host, u.searchParams.get("a"), Object.keys(u)]; })()`,
			list("http://h.test:99/p?a=1&b=c+d#z", "h.test:99", "1", list())},
		{"URL invalid", `(() => { try { new URL("nope"); } catch (e: any) { return [e instanceof TypeError, e.message, URL.canParse("/x", "http://h"), URL.canParse("x")]; } })()`,
			list(true, "Invalid URL: nope", true, false)},
		{"URLSearchParams", `(() => { const p = new URLSearchParams("?a=1&b=%E4%BD%A0&a=2&c=%zz&d=a+b"); p.set("a", "9"); p.delete("d"); return [p.toString(), [...p].length, p.getAll("b"), p.has("x"), p.size]; })()`,
			list("a=9&b=%E4%BD%A0&c=%25zz", 3.0, list("你"), false, 3.0)},
		{"URLSearchParams from", `[String(new URLSearchParams({ a: "1", b: "x y" })), String(new URLSearchParams([["k", "v"]])), String(new URLSearchParams(new URLSearchParams("q=~!")))]`,
			list("a=1&b=x+y", "k=v", "q=%7E%21")},
		{"URLSearchParams of broken text", `[String(new URLSearchParams({ a: "\ud800" })), new URLSearchParams("a=\ud800").get("a") === "\ud800", new URLSearchParams("a=%EF%BB%BF%FF").get("a")]`,
			list("a=%EF%BF%BD", true, "\uFEFF\uFFFD")},
		{"base64", `[btoa("hé"), atob("aMOp").length, (() => { try { btoa("你"); } catch (e: any) { return e.name; } })(), (() => { try { atob("%"); } catch (e: any) { return e.name; } })()]`,
			list("aOk=", 3.0, "InvalidCharacterError", "InvalidCharacterError")},
		{"text", `[[...new TextEncoder().encode("é€")], new TextDecoder().decode(new Uint8Array([0xe2, 0x82, 0xac])), new TextDecoder("latin1").decode(new Uint8Array([0xe9]).buffer), (() => { try { new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([0xff])); } catch (e: any) { return e.name; } })(), (() => { try { new TextDecoder("nonsense"); } catch (e: any) { return e.name; } })()]`,
			list(list(195.0, 169.0, 226.0, 130.0, 172.0), "€", "é", "TypeError", "RangeError")},
		{"clock", `(() => { class D extends Date { plus() { return +this + 1; } } const d = new D(); return [Date.now() === +new Date(), d.plus() - Date.now(), d instanceof Date, new Date(0).toISOString(), typeof Date(), new Date(2020, 0, 2).getDate(), Date.UTC(1970, 0, 2), new Date().constructor === Date]; })()`,
			list(true, 1.0, true, "1970-01-01T00:00:00.000Z", "string", 2.0, 86400000.0, true)},
		{"timers", `(async () => { const out: any[] = []; const t = performance.now(); setTimeout((x: any) => out.push(x), 20, "b"); setTimeout(() => out.push("a"), 10);
			const i = setInterval(() => { out.push("i"); if (out.filter((o) => o === "i").length === 3) clearInterval(i); }, 4);
			clearTimeout(setTimeout(() => out.push("never"), 5)); queueMicrotask(() => out.push("m")); await sleep(30); return [out, performance.now() - t]; })()`,
			list(list("m", "i", "i", "a", "i", "b"), 30.0)},
		{"crypto", `[/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()), crypto.getRandomValues(new Uint16Array(3)).length, (() => { try { crypto.getRandomValues(new Uint8Array(70000)); } catch (e: any) { return e.name; } })()]`,
			list(true, 3.0, "RangeError")},
		{"structuredClone", `(() => { const o: any = { d: new Date(5), m: new Map([["k", new Set([1])]]), b: new Uint8Array([7]), e: new RangeError("r") }; o.self = o; const c = structuredClone(o);
			return [c !== o, c.self === c, +c.d, [...c.m.get("k")], c.b[0], c.e.name + c.e.message, (() => { try { structuredClone(() => 1); } catch (e: any) { return [e.name, e.code]; } })()]; })()`,
			list(true, true, 5.0, list(1.0), 7.0, "RangeErrorr", list("DataCloneError", 25.0))},
		{"headers", `(() => { const h = new Headers({ "X-A": "1", b: " 2 " }); h.append("x-a", "3"); const bad = (f: () => unknown) => { try { f(); } catch (e: any) { return e.name; } };
			return [[...h], h.get("B"), h.has("c"), bad(() => h.set("a b", "")), bad(() => h.set("a", "x\r\ny")), [...new Headers([["q", "r"]]).values()]]; })()`,
			list(list(list("b", "2"), list("x-a", "1, 3")), "2", false, "TypeError", "TypeError", list("r"))},
		{"response", `(async () => { const r = new Response("{\"a\":1}", { status: 404, headers: { x: "y" } }); const c = r.clone(); const a = await r.json(); let again = ""; try { await r.text(); } catch (e: any) { again = e.name; }
			return [a, r.ok, r.status, r.bodyUsed, again, await c.text(), await Response.json([1]).text(), (await new Response(new Uint8Array([104, 105])).text()), new Response().status]; })()`,
			list(map[string]any{"a": 1.0}, false, 404.0, true, "TypeError", `{"a":1}`, "[1]", "hi", 200.0)},
		{"connection", `(() => { const r = new Request("/x", { connection: "google" }); return [r.connection, r.clone().connection, new Request(r, { connection: "github" }).connection, "connection" in new Request("/x")]; })()`,
			list("google", "google", "github", false)},
		{"abort", `(async () => { const c = new AbortController(); let heard = 0; c.signal.addEventListener("abort", () => heard++); c.abort("why"); c.abort(); try { await fetch("/x", { signal: c.signal }); } catch (e) { return [e, heard, c.signal.aborted, AbortSignal.abort().reason.name]; } })()`,
			list("why", 1.0, true, "AbortError")},
		{"errors", `(() => { class E extends Error { name = "Mine"; } Error.captureStackTrace?.({}); return [new E("x").toString(), new DOMException("m", "AbortError").code, new DOMException() instanceof Error]; })()`,
			list("Mine: x", 20.0, true)},
		{"html", `(() => { const d = new DOMParser().parseFromString("<title> T </title><ul id=l><li class='a b'>1<li data-x=2>2<!-- c --></ul><p>p&amp;q", "text/html");
			const q = (s: string) => [...d.querySelectorAll(s)].map((e: any) => e.textContent);
			return [d.title, q("li"), q("ul > li.a"), q("#l li:last-child"), q("li[data-x='2']"), q("li + li"), q("p, title"), q("li:not(.a)"), q("li:nth-child(1)"), q("[data-x^=2]"),
				d.body.querySelector("p").innerHTML, d.querySelector("li").closest("ul").id, d.querySelector("li").tagName, d.getElementById("l").children.length, d.getElementsByClassName("b a").length, d.querySelector("li").nextElementSibling.getAttribute("DATA-X")]; })()`,
			list("T", list("1", "2"), list("1"), list("2"), list("2"), list("2"), list(" T ", "p&q"), list("2"), list("1"), list("2"), "p&amp;q", "l", "LI", 2.0, 1.0, "2")},
		{"xml", `(() => { const d = new DOMParser().parseFromString("<f:feed xmlns:f='x'><entry id='1'><f:t>a</f:t><![CDATA[<raw>]]></entry><Entry/></f:feed>", "text/xml");
			return [d.documentElement.tagName, d.querySelector("entry").textContent, d.querySelectorAll("t").length, d.querySelectorAll("f\\:t").length, d.getElementsByTagName("f:t")[0].outerHTML, d.getElementsByTagName("Entry").length, d.getElementsByTagNameNS("*", "t").length, d.querySelector("entry").firstChild.nodeName]; })()`,
			list("f:feed", "a<raw>", 1.0, 1.0, "<f:t>a</f:t>", 1.0, 1.0, "f:t")},
		{"broken xml", `new DOMParser().parseFromString("<a><b></a>", "text/xml").querySelector("parsererror") !== null`, true},
		{"bad selector", `(() => { try { new DOMParser().parseFromString("<a/>", "text/xml").querySelector("a:hover"); } catch (e: any) { return e.name; } })()`, "SyntaxError"},
		{"selectors", `(() => { const d = new DOMParser().parseFromString("<ul><li class='a.b' title>1<li lang='de at'>2</ul>", "text/html"), invalid = (s: string) => { try { d.querySelector(s); } catch (e: any) { return [e instanceof DOMException, e.message]; } };
			const q = (s: string) => [...d.querySelectorAll(s)].map((e: any) => e.textContent);
			return [q("> li"), q(".a\\.b"), q("li[title], [lang~=at]"), q("li ~ li:nth-child( 2 )"), invalid("li:not(:hover)")]; })()`,
			list(list("1", "2"), list("1"), list("1", "2"), list("2"), list(true, "':hover' is not a selector that is supported"))},
		{"environment", `(() => { const e = getRecipeEnvironment(); return [e.apiUrl.href, e.occasion]; })()`, list(apiURL+"/", "occasion-1")},
		{"this", `[typeof self, typeof globalThis.__host, typeof globalThis.__charmd]`, list("object", "undefined", "undefined")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, r := evaluate(t, newHost(), tt.expression)
			if diff := cmp.Diff(tt.want, got); diff != "" || len(r.Failures) > 0 {
				t.Errorf("%s\nfailures %v", diff, r.Failures)
			}
		})
	}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	h := newHost()
	h.replies["/api/x"] = reply{Status: 201, Body: `{"a":"é"}`, Headers: [][2]string{{"Content-Type", "application/json"}}}
	h.replies["http://far.test/"] = reply{Status: 500, Body: "oops"}
	got, r := evaluate(t, h, `(async () => {
		const a = await fetch("/api/x"), b = await fetch(new URL("http://far.test"), { method: "post", body: new URLSearchParams({ q: "1" }), headers: { "X-Y": "z" } });
		const refused = await fetch("http://none.test/").catch((e) => [e.name, e.message, e.code]);
		const invalid = await fetch("http://").catch((e) => e.name);
		const body = await fetch("/api/x", { body: "no" }).catch((e) => e.message);
		return [a.status, a.ok, a.url, a.headers.get("content-type"), await a.json(), b.ok, await b.text(), refused, invalid, body];
	})()`)
	want := []any{
		201.0, true, apiURL + "/api/x", "application/json", map[string]any{"a": "é"}, false, "oops",
		[]any{"TypeError", "connection refused", "connect"}, "TypeError", "Request with GET/HEAD method cannot have body",
	}
	if diff := cmp.Diff(want, got); diff != "" || len(r.Failures) > 0 {
		t.Errorf("%s\nfailures %v", diff, r.Failures)
	}
	sent := request{
		URL: "http://far.test/", Method: "POST", Body: "q=1",
		Headers: [][2]string{{"content-type", "application/x-www-form-urlencoded;charset=UTF-8"}, {"x-y", "z"}},
	}
	if diff := cmp.Diff(sent, h.requests[1]); diff != "" {
		t.Error(diff)
	}
}

// An abandoned request is given up at the host too.
func TestFetchAbort(t *testing.T) {
	t.Parallel()
	h := newHost()
	got, _ := evaluate(t, h, `(async () => {
		const c = new AbortController();
		const asked = fetch("/slow", { signal: c.signal }).catch((e) => e.name);
		c.abort();
		return [await asked, await fetch("/slow", { signal: AbortSignal.timeout(0) }).catch((e) => e.message)];
	})()`)
	if diff := cmp.Diff([]any{"AbortError", "connection refused"}, got); diff != "" || len(h.canceled) != 1 {
		t.Errorf("%s, canceled %v", diff, h.canceled)
	}
}

func TestConsole(t *testing.T) {
	t.Parallel()
	h := newHost()
	evaluate(t, h, `(() => {
		console.log("text", 1, { a: [true, null, undefined], "b c": { d: { e: { f: {} } } } });
		console.info(new Date(0), /x/g, () => 1, 2n, new Map([[1, "a"]]), new Set(["b"]), Symbol("s"));
		console.warn({}); console.debug([]); console.assert(1 === 1, "no"); console.assert(false, "yes"); console.error(new TypeError("bad").message);
		class A { x = 1; } console.log(new A(), new Error("with stack") instanceof Error);
	})()`)
	want := []string{
		`log text 1 { a: [true, null, undefined], "b c": { d: { e: { f: {…} } } } }`,
		`info 1970-01-01T00:00:00.000Z /x/g [function anonymous] 2n Map {1 => "a"} Set {"b"} Symbol(s)`,
		"warn {}", "debug []", "error Assertion failed: yes", "error bad", "log { x: 1 } true",
	}
	if diff := cmp.Diff(want, h.logs); diff != "" {
		t.Error(diff)
	}
}

// Timers and intervals do not outlive the run; an interval alone does not keep it alive.
func TestIntervalAloneEndsTheRun(t *testing.T) {
	t.Parallel()
	h := newHost()
	got, _ := evaluate(t, h, `(setInterval(() => console.log("tick"), 10), 7)`)
	if got != 7.0 || len(h.logs) != 0 {
		t.Errorf("%v, logs %v", got, h.logs)
	}
}
