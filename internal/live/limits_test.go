package live

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"charmd/internal/jsontext"
	"charmd/internal/store"
)

// Whatever a charm shows, what browsers are told of it is no larger than a page may
// be, and it is said that a part is missing.
func TestPageIsBounded(t *testing.T) {
	t.Parallel()
	many := func(n int, one string) string { return strings.Repeat(one+",", n-1) + one }
	text := alias("process", `["text"]`)
	process := func(text string) string { return `{"value":{"text":"` + text + `","stream":{"$stream":true}}}` }
	props := func(n int, format string) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(format, i))
		}
		return `{"value":{` + strings.Join(list, ",") + `}}`
	}
	linked := `{"type":"vnode","name":"div","props":` + link("props", "[]") + `,"children":[]}`
	mib := strings.Repeat("x", 1<<20)
	for name, docs := range map[string]shop{
		"a text bound by many":         stock(t, vnode("div", "{}", many(1500, vnode("input", `{"$value":`+text+`}`))), "process", process(mib)),
		"an account that many have":    stock(t, vnode("div", "{}", many(1500, vnode("common-google-oauth", `{"$auth":`+alias("process", "[]")+`}`))), "process", `{"value":{"token":"x","user":{"name":"`+mib+`"}}}`),
		"a text that grows when told":  stock(t, vnode("p", "{}", `"`+strings.Repeat(`\u0001`, 2<<20)+`"`)),
		"data that many tables have":   stock(t, vnode("div", "{}", many(1500, vnode("common-table", `{"data":[`+text+`]}`))), "process", process(mib)),
		"data of nothing":              stock(t, vnode("div", "{}", many(1500, vnode("common-table", `{"data":`+link("props", "[]")+`}`))), "props", props(20_000, `"k%d":{"$stream":true}`)),
		"properties that many have":    stock(t, vnode("div", "{}", many(50, linked)), "props", props(100_000, `"aria-x%d":true`)),
		"properties that are not told": stock(t, vnode("div", "{}", many(50, linked)), "props", props(100_000, `"strange%d":true`)),
		"many properties in all":       stock(t, vnode("div", "{}", many(400, linked)), "props", props(200, `"data-x%d":1`)),
		"handlers that many have":      stock(t, vnode("div", "{}", many(50, linked)), "props", props(2000, `"onclick%d":1`)),
		"long paths":                   stock(t, vnode("div", "{}", many(50, link("list", "[]"))), "list", `{"value":[`+many(100, alias("process", `["`+strings.Repeat("k", 200<<10)+`"]`))+`]}`, "process", process("")),
		"a name":                       stock(t, vnode("p", "{}"), "charm", `{"value":{"$NAME":"`+strings.Repeat(mib, 9)+`","$UI":"x"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := draw(t, docs)
			told := len(jsontext.Append(nil, p.root.json())) + len(p.title)
			if count, _ := measure(p.root, 1); told > mostText+1<<10 || count > mostNodes+1 || !p.cut {
				t.Errorf("%d nodes in %d bytes are told, and that a part is missing: %v", count, told, p.cut)
			}
			if most := mostOf(p.root); most > mostProps {
				t.Errorf("an element has %d properties", most)
			}
		})
	}
}

// mostOf is the number of properties of the element that has most of them.
func mostOf(n *node) int {
	most := len(n.attrs) + len(n.on) + len(n.bound)
	for _, kid := range n.kids {
		most = max(most, mostOf(kid))
	}
	return most
}

// ending is documents whose reader gives up after the first.
type ending struct {
	shop
	end   context.CancelCauseFunc
	asked int
}

var errEnough = errors.New("enough")

func (e *ending) Document(id string) (*jsontext.Object, error) {
	e.asked++
	e.end(errEnough)
	return e.shop.Document(id)
}

// A page that is closed while it is drawn is not drawn to the end.
func TestDrawingEndsWithThePage(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancelCause(t.Context())
	docs := &ending{shop: stock(t, vnode("div", "{}", strings.Repeat(link("a", "[]")+",", 999)+link("a", "[]")), "a", `{"value":"x"}`), end: end}
	if _, err := render(ctx, docs, theCharm); !errors.Is(err, errEnough) || docs.asked > 5 {
		t.Errorf("%d documents were asked for, and it ended with %v", docs.asked, err)
	}
}

// watched is a store that counts what is read in one view.
type watched struct {
	store.Store
	mu   sync.Mutex
	most int
}

type watchedReader struct {
	store.Reader
	heads int
}

func (r *watchedReader) Head(space int64, the, of string) (store.Fact, error) {
	r.heads++
	return r.Reader.Head(space, the, of)
}

func (w *watched) View(ctx context.Context, fn func(store.Reader) error) error {
	return w.Store.View(ctx, func(r store.Reader) error {
		counted := &watchedReader{Reader: r}
		err := fn(counted)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.most = max(w.most, counted.heads)
		return err
	})
}

// However many documents a page is drawn from, the store is not kept from tidying
// up meanwhile.
func TestDrawingHoldsNoView(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	st := &watched{Store: w.server.o.Store}
	w.server.o.Store = st
	w.showUI(vnode("p", "{}", `"first"`, link("a", "[]"), link("b", "[]"), link("c", "[]")))
	readUntil(t, w.open(), "first")
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.most != 1 {
		t.Errorf("%d documents were read in one view", st.most)
	}
}

// A page is drawn from so many bytes of documents, those that changed since among
// them, and no more.
func TestDocumentsOfAPageAreBounded(t *testing.T) {
	t.Parallel()
	large := jsontext.NewObject()
	large.Set("value", strings.Repeat("x", mostRead/2))
	known := map[string]document{}
	var links []string
	for _, name := range []string{"a", "b", "c"} {
		known[id(name)] = document{value: large}
		links = append(links, vnode("p", `{"title":`+link(name, `["length"]`)+`}`))
	}
	charm := stock(t, vnode("div", "{}", links...))
	known[theCharm.ID] = document{value: charm[theCharm.ID]}
	used := map[string]document{}
	p, err := render(t.Context(), &shelf{ctx: t.Context(), known: known, used: used, left: mostRead}, theCharm)
	if err != nil || !p.cut || len(used) != 3 {
		t.Errorf("it is drawn from %d documents, and that a part is missing is said: %v (%v)", len(used), p.cut, err)
	}
}
