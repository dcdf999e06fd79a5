package service_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/oklog/ulid/v2"

	"charmd/internal/charm"
	"charmd/internal/client"
)

// livePage is an open page, as a browser's script has it.
type livePage struct {
	*daemon
	ws *websocket.Conn
}

// heard is one message to a page.
type heard struct {
	V     int             `json:"v"`
	Tree  json.RawMessage `json:"tree"`
	Ops   json.RawMessage `json:"ops"`
	Page  map[string]any  `json:"page"`
	Done  string          `json:"done"`
	Again string          `json:"again"`
	Error string          `json:"error"`
	At    string          `json:"at"`
}

func (d *daemon) openPage(ref client.Ref) *livePage {
	d.t.Helper()
	ws, _, err := websocket.Dial(d.t.Context(), "ws"+strings.TrimPrefix(d.URL, "http")+"/api/v1/charms/"+ref.Space+"/"+ref.Charm+"/live",
		&websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + d.token()}}})
	if err != nil {
		d.t.Fatal(err)
	}
	ws.SetReadLimit(32 << 20)
	d.t.Cleanup(func() { _ = ws.CloseNow() })
	return &livePage{d, ws}
}

// until reads messages until one is as wanted.
func (p *livePage) until(what string, is func(heard, string) bool) heard {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience*20*time.Second)
	defer cancel()
	for {
		_, data, err := p.ws.Read(ctx)
		if err != nil {
			p.t.Fatalf("%s: %v", what, err)
		}
		var m heard
		if err := json.Unmarshal(data, &m); err != nil {
			p.t.Fatalf("%s: %v", data, err)
		}
		if is(m, string(data)) {
			return m
		}
	}
}

func (p *livePage) send(v map[string]any) {
	p.t.Helper()
	text, err := json.Marshal(v)
	if err == nil {
		err = p.ws.Write(p.t.Context(), websocket.MessageText, text)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *livePage) answer(id string) heard {
	p.t.Helper()
	return p.until("the answer to "+id, func(m heard, _ string) bool { return m.Done == id || m.Again == id })
}

// nodeOf is the id of the first node with the text in its own JSON, children left out.
func nodeOf(t *testing.T, tree json.RawMessage, of string) string {
	t.Helper()
	var n struct {
		I, E string
		K    []json.RawMessage
		A    map[string]any
	}
	if err := json.Unmarshal(tree, &n); err != nil {
		t.Fatal(err)
	}
	if n.E == of || n.A["id"] == "charm-"+of {
		return n.I
	}
	for _, kid := range n.K {
		if id := nodeOf(t, kid, of); id != "" {
			return id
		}
	}
	return ""
}

const clicker = `import { h } from "@commontools/html";
import { handler, NAME, recipe, str, UI, derive } from "@commontools/builder";
const add = handler<any, any>((_event, state) => { state.value = state.value + 1; });
const fail = handler<any, any>(() => {
  throw new Error("not today");
});
const slow = handler<any, any>(async (_event, state) => { await fetch(state.url); state.value = state.value + 100; });
export default recipe(
  { type: "object", properties: { value: { type: "number", default: 0 }, name: { type: "string", default: "" }, url: { type: "string", default: "" } } },
  ({ value, name, url }: any) => ({
    [NAME]: str` + "`Clicks of ${name}`" + `,
    [UI]: <div><p>{value} clicks</p>
      <button id="add" onClick={add({ value })}>more</button>
      <button id="fail" onClick={fail({})}>fail</button>
      <common-input $value={name} />
      <b>{derive(name, (n: string) => "for " + n)}</b></div>,
    value, name,
    bgUpdater: slow({ value, url }),
  }));
`

func newID() string { return ulid.Make().String() }

func TestPageShowsAndActs(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	ref := d.add(clicker, "home", "clicks", notRegistered)
	p, other := d.openPage(ref), d.openPage(ref)
	first := p.until("the tree", func(m heard, _ string) bool { return m.Tree != nil })
	other.until("the tree", func(m heard, _ string) bool { return m.Tree != nil })
	if first.V != 1 || first.Page["registered"] != false {
		t.Errorf("the first message is of version %d and says %v", first.V, first.Page)
	}
	id := newID()
	click := map[string]any{"id": id, "node": nodeOf(t, first.Tree, "add"), "event": "click", "value": map[string]any{"type": "click"}}
	p.send(click)
	for _, page := range []*livePage{p, other} {
		page.until("one click", func(_ heard, text string) bool { return strings.Contains(text, `,"1"]`) })
	}
	p.send(click) // its answer was lost, say
	if m := p.answer(id); m.Error != "" {
		t.Errorf("sent again it came to %q", m.Error)
	}
	if v := result[counted](t, d.show(ref)); v.Value != 1 {
		t.Errorf("two clicks with one id made %d", v.Value)
	}
	runs, err := d.Client.RunsOf(t.Context(), ref, client.Query{})
	if err != nil || len(runs) != 1 || runs[0].Reason != "event" || runs[0].Job != id {
		t.Errorf("the record of the click is %+v (%v)", runs, err)
	}

	id = newID()
	p.send(map[string]any{"id": id, "node": nodeOf(t, first.Tree, "fail"), "event": "click", "value": map[string]any{}})
	if m := p.answer(id); m.Error != "not today" || m.At != "clicks.tsx:5:13" {
		t.Errorf("the failure is told as %q at %q", m.Error, m.At)
	}
	if c := d.show(ref); c.State.TotalFailures != 0 || c.State.ConsecutiveFailures != 0 {
		t.Errorf("an event that failed counts as %+v", c.State)
	}

	id = newID()
	p.send(map[string]any{"id": id, "node": nodeOf(t, first.Tree, "common-input"), "set": "value", "value": "Ada"})
	other.until("what follows from the cell", func(_ heard, text string) bool { return strings.Contains(text, `"for Ada"`) })
	other.send(map[string]any{"id": newID(), "node": "nowhere", "event": "click", "value": nil})
	other.until("a refusal", func(m heard, _ string) bool { return m.Error == "this is not on the page any more" })
	if err := d.Stop(); err != nil { // pages that are open do not keep it
		t.Error(err)
	}
}

// An event does not wait for the charm's run in the background, which is made
// again when both wrote the same; an answer that was lost with the daemon is
// given by the next one.
func TestPageOverKillAndBackgroundRun(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan struct{}, 10), make(chan struct{})
	url, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-answer:
		case <-r.Context().Done():
		}
	})
	d := startDaemon(t, t.TempDir())
	ref := d.add(clicker, "home", "clicks", allow(host), argument(`{"url":%q}`, url), notRegistered)
	ran := d.begin(ref)
	<-asked
	p := d.openPage(ref)
	first := p.until("the tree", func(m heard, _ string) bool { return m.Tree != nil })
	id := newID()
	click := map[string]any{"id": id, "node": nodeOf(t, first.Tree, "add"), "event": "click", "value": map[string]any{}}
	p.send(click)
	if m := p.answer(id); m.Error != "" {
		t.Fatal(m.Error)
	}
	close(answer)
	if r := <-ran; r.Outcome != charm.OK || result[counted](t, d.show(ref)).Value != 101 {
		t.Errorf("the run in the background ended as %s: %s", r.Outcome, r.Error)
	}

	d.Kill()
	d, err := d.again(t)
	if err != nil {
		t.Fatal(err)
	}
	p = d.openPage(ref)
	again := p.until("the tree", func(m heard, _ string) bool { return m.Tree != nil })
	if nodeOf(t, again.Tree, "add") != click["node"] {
		t.Error("after a restart the button has another name")
	}
	p.send(click)
	if m := p.answer(id); m.Error != "" {
		t.Fatal(m.Error)
	}
	if v := result[counted](t, d.show(ref)); v.Value != 101 {
		t.Errorf("a click that was sent again after a restart made %d of 101", v.Value)
	}
}
