package service_test

import (
	"net/http"
	"testing"
)

const hanger = `import { h } from "@commontools/html";
import { handler, NAME, recipe, UI } from "@commontools/builder";
const hang = handler<any, any>(async (_event, state) => { await fetch(state.url); });
export default recipe(
  { type: "object", properties: { url: { type: "string", default: "" } } },
  ({ url }: any) => ({ [NAME]: "Hangs", [UI]: <button id="hang" onClick={hang({ url })}>hang</button>, url }),
);
`

// Acts that hang keep the pages of no other space waiting, and not those of their
// own for ever.
func TestHungActsStopNoOtherSpace(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan struct{}, 10), make(chan struct{})
	url, host := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-answer:
		case <-r.Context().Done():
		}
	})
	d := startDaemon(t, t.TempDir())
	hung := d.add(hanger, "away", "hangs", allow(host), argument(`{"url":%q}`, url), notRegistered)
	clicks := d.add(clicker, "home", "clicks", notRegistered)
	click := func(p *livePage, tree heard, on string) string {
		id := newID()
		p.send(map[string]any{"id": id, "node": nodeOf(t, tree.Tree, on), "event": "click", "value": map[string]any{}})
		return id
	}
	open := func() (*livePage, heard) {
		p := d.openPage(hung)
		return p, p.until("the tree", func(m heard, _ string) bool { return m.Tree != nil })
	}
	one, tree := open()
	first := click(one, tree, "hang")
	two, tree := open()
	second := click(two, tree, "hang")
	<-asked
	<-asked
	p := d.openPage(clicks)
	tree = p.until("the tree", func(m heard, _ string) bool { return m.Tree != nil })
	three, other := open()
	third := click(three, other, "hang") // waits: its space has two
	if m := p.answer(click(p, tree, "add")); m.Error != "" {
		t.Error(m.Error)
	}
	close(answer)
	for page, id := range map[*livePage]string{one: first, two: second, three: third} {
		if m := page.answer(id); m.Error != "" {
			t.Error(m.Error)
		}
	}
}

// A page is told nothing of another charm's acts, whatever id it sends.
func TestActsOfAnotherCharmAreNotTold(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	p := d.openPage(d.add(clicker, "home", "clicks", notRegistered))
	tree := p.until("the tree", func(m heard, _ string) bool { return m.Tree != nil })
	id := newID()
	p.send(map[string]any{"id": id, "node": nodeOf(t, tree.Tree, "fail"), "event": "click", "value": map[string]any{}})
	if m := p.answer(id); m.Error != "not today" {
		t.Fatalf("the failure is told as %q", m.Error)
	}
	other := d.openPage(d.add(clicker, "away", "clicks", notRegistered))
	tree = other.until("the tree", func(m heard, _ string) bool { return m.Tree != nil })
	other.send(map[string]any{"id": id, "node": nodeOf(t, tree.Tree, "add"), "event": "click", "value": map[string]any{}})
	if m := other.answer(id); m.Error != "" {
		t.Errorf("another charm's page is told %q", m.Error)
	}
}
