package service_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/egress"
)

// treasure is a charm of another space, whose value nobody else may see or change.
const treasure = `import { cell, handler, recipe } from "@commontools/builder";
const go = handler({}, { type: "object", properties: { value: { type: "string", asCell: true } } }, (_event, state) => { state.value.get(); });
export default recipe({ type: "object", properties: {} }, () => {
  const value = cell("untouched");
  return { value, bgUpdater: go({ value }) };
});
`

// jsEscapes are what a recipe may try. Each throws what it found out, or "nothing";
// GUESSED is the id of another space's charm, ADMIN the service's address.
var jsEscapes = []struct{ name, body, says string }{
	{"modules", `const fs = ["f", "s"].join(""); try { require(fs); } catch (e) { throw new Error("nothing: " + e.message); } throw new Error("found");`, "nothing"},
	{"dynamic-import", `const file = ["", "etc", "passwd"].join("/"); return import(file).then(() => { throw new Error("found"); }, (e) => { throw new Error("nothing: " + e.message); });`, "nothing"},
	{"globals", `const known = ["process", "Deno", "Bun", "std", "os", "bjson", "WebAssembly", "Worker", "SharedArrayBuffer", "XMLHttpRequest", "WebSocket", "indexedDB", "localStorage"].filter((n) => typeof globalThis[n] !== "undefined" && n !== "SharedArrayBuffer"); throw new Error(known.length ? "found " + known : "nothing");`, "nothing"},
	{"function-constructor", `const g = (() => {}).constructor("return this")(); throw new Error(typeof g.require === "function" || typeof g.process !== "undefined" ? "found" : "nothing");`, "nothing"},
	{"names-of-the-host", `const found = Object.getOwnPropertyNames(globalThis).filter((n) => /host|charmd|native|secret|token/i.test(n)); throw new Error(found.length ? "found " + found : "nothing");`, "nothing"},
	{"files-by-fetch", `return fetch("file:///etc/passwd").then(() => { throw new Error("found"); });`, "file"},
	{"the-service-by-fetch", `return fetch("ADMIN/api/v1/charms").then(() => { throw new Error("found"); });`, "refused"},
	{"the-service-by-its-own-origin", `return fetch("/api/v1/charms").then(() => { throw new Error("found"); });`, "refused"},
	{"metadata-by-fetch", `return fetch("http://169.254.169.254/latest/meta-data/").then(() => { throw new Error("found"); });`, "169.254.169.254"},
	{"mail-by-fetch", `return fetch("http://example.com:25/").then(() => { throw new Error("found"); });`, "25"},
	{"another-protocol", `return fetch("gopher://example.com/").then(() => { throw new Error("found"); });`, "gopher"},
	{"a-stolen-token", `return fetch("ADMIN/api/v1/charms", { headers: { Authorization: "Bearer x" } }).then(() => { throw new Error("found"); });`, "refused"},
	{"guessed-id", `state.n.set({ cell: { "/": "GUESSED" }, path: ["value"] }); const v = state.n.get(); throw new Error(JSON.stringify(v ?? null).includes("untouched") ? "found" : "nothing");`, "nothing"},
	{"pollution", `for (const p of [Object.prototype, Array.prototype]) { Object.defineProperty(p, "value", { get() { return "stolen"; }, set() {}, configurable: true }); Object.defineProperty(p, "toJSON", { value() { return { id: "GUESSED", value: "changed" }; }, configurable: true }); } state.n.set(2); throw new Error("nothing");`, ""},
	{"a-report-of-its-own", `Object.prototype.toJSON = function () { return "report" in this || "failures" in this ? { handled: true, updater: true, name: "", integration: "", again: true, stuck: null, failures: [], changed: 0 } : this; }; throw new Error("nothing");`, "nothing"},
	{"a-document-of-its-own", `for (const p of [Object.prototype, Array.prototype]) Object.defineProperty(p, "toJSON", { value() { return "forged"; } }); state.n.set(2);`, "toJSON"},
	{"functions-replaced", `JSON.stringify = () => '[{"id":"GUESSED","value":{"value":"changed"}}]'; Array.prototype.push = function () { return 0; }; Map.prototype.get = () => "GUESSED"; Object.keys = () => ["GUESSED"]; String.prototype.startsWith = () => true; state.n.set(2); throw new Error("nothing");`, ""},
	{"prototype-by-parsing", `Object.assign({}, JSON.parse('{"__proto__":{"id":"GUESSED"}}')); state.n.set(JSON.parse('{"__proto__":{"stolen":1},"constructor":{"prototype":{"stolen":1}}}')); throw new Error(({} as any).stolen ? "found" : "nothing");`, "nothing"},
	{"the-event-as-a-changeset", `return { changed: [{ id: "GUESSED", value: { value: "changed" } }], report: { handled: true }, again: true };`, "-"},
	{"a-getter-for-then", `return { get then() { throw new Error("nothing"); } };`, "nothing"},
	{"stack-of-the-runtime", `try { null.x; } catch (e) { throw new Error(/\/(root|home|tmp|work|src)\//.test(e.stack) ? "found " + e.stack : "nothing"); }`, "nothing"},
}

// TestFault08_RecipesThatReachOut: what a recipe can write down, and the runs' records
// of it. Code that broke out of the VM is tried in package worker.
func TestFault08_RecipesThatReachOut(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir(), "--max-retries", "0", "--max-concurrent", "2")
	owner := d.add(treasure, "treasury", "treasure", notRegistered)
	bystander := d.add(counter, "beside", "counter", notRegistered)
	for _, e := range jsEscapes {
		body := strings.NewReplacer("GUESSED", owner.Charm, "ADMIN", d.URL).Replace(e.body)
		r := d.run(d.add("// @ts-nocheck\n"+failing(body), "hostile", e.name, notRegistered, timeout(time.Minute)))
		switch {
		case e.says == "-": // what it returns means nothing
			if r.Outcome != charm.OK || r.Changed != 0 {
				t.Errorf("%s: ended as %s (%d documents changed): %s", e.name, r.Outcome, r.Changed, r.Error)
			}
		case strings.Contains(r.Error, "found") && !strings.Contains(r.Error, "not found"), r.Outcome == charm.OK && e.says != "":
			t.Errorf("%s: ended as %s: %s", e.name, r.Outcome, r.Error)
		case !strings.Contains(r.Error, e.says):
			t.Errorf("%s: ended as %s, without %q: %s", e.name, r.Outcome, e.says, r.Error)
		}
		t.Logf("%s: %s: %s", e.name, r.Outcome, r.Error)
		if got := result[struct{ Value string }](t, d.show(owner)).Value; got != "untouched" {
			t.Fatalf("%s changed another space: %s", e.name, got)
		}
	}
	d.runOK(bystander)
	d.runOK(owner)
}

// TestFault06_ALogWithoutEnd: a gigabyte of lines is cut and the run goes on to its
// own end.
func TestFault06_ALogWithoutEnd(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir(), "--max-retries", "0", "--max-concurrent", "2")
	ref := d.add(failing(`const line = "x".repeat(1 << 20); for (let i = 0; i < 1024; i++) console.log(line);`), "s", "flood", notRegistered, timeout(5*time.Minute))
	r := d.run(ref)
	if r.Outcome != charm.OK || len(r.Log) > charm.MaxLogBytes+100 || !strings.Contains(r.Log, "… log cut at 64 KiB") {
		t.Errorf("it ended as %s with %d bytes of log: %s", r.Outcome, len(r.Log), r.Error)
	}
	d.runOK(d.add(counter, "s", "counter", notRegistered))
}

// TestFault22_OneHostBehindAll: many charms that ask one host at once ask it few at a
// time, and all of them get their answer.
func TestFault22_OneHostBehindAll(t *testing.T) {
	t.Parallel()
	const charms = 24
	most := int64(egress.DefaultLimits().PerHost)
	var now, highest, asked atomic.Int64
	full := make(chan struct{})
	url, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		n := now.Add(1)
		defer now.Add(-1)
		for old := highest.Load(); n > old && !highest.CompareAndSwap(old, n); old = highest.Load() {
		}
		if n == most { // as many as there may be: nobody waits for more
			select {
			case <-full:
			default:
				close(full)
			}
		}
		select {
		case <-full:
		case <-r.Context().Done():
		}
		fmt.Fprint(w, "1")
	})
	d := startDaemon(t, t.TempDir(), "--max-concurrent", "8", "--max-retries", "0")
	refs, ends := make([]client.Ref, charms), make([]<-chan api.Run, charms)
	for i := range refs {
		refs[i] = d.add(slow, fmt.Sprintf("s%d", i%3), fmt.Sprintf("c%d", i), notRegistered, allow(host), argument(`{"url":%q}`, url))
	}
	for i, ref := range refs {
		ends[i] = d.begin(ref)
	}
	for _, end := range ends {
		if r := <-end; r.Outcome != charm.OK {
			t.Errorf("a run ended as %s: %s", r.Outcome, r.Error)
		}
	}
	if asked.Load() != charms || highest.Load() != most {
		t.Errorf("the host was asked %d times, %d at once", asked.Load(), highest.Load())
	}
}
