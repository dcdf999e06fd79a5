package live

import (
	"strconv"
	"strings"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
)

// The limits of one page: links let a small document look endless.
const (
	mostNodes = 50_000  // children that are looked at
	mostText  = 8 << 20 // bytes of texts and attributes together
	deepest   = 64      // elements within elements
)

// page is what a charm's $UI comes to.
type page struct {
	title string
	root  *node
	cut   bool // it was larger than a page may be, and is shown in part
}

// render draws the $UI of the charm from its documents. Values that cannot be
// followed are left out, as they are in a charm that has not written them yet.
func render(docs cell.Documents, c charm.Charm) (page, error) {
	r := &renderer{docs: docs, space: c.Space, nodes: mostNodes, bytes: mostText}
	root := &node{id: idOf("", "", c.ID), name: fragment}
	r.child(&family{of: root}, r.at(cell.Location{ID: c.ID, Path: []string{"$UI"}}), "ui", 0, 0)
	title, _ := r.at(cell.Location{ID: c.ID, Path: []string{"$NAME"}}).value.(string)
	return page{title: title, root: root, cut: r.nodes < 0 || r.bytes < 0}, r.err
}

type renderer struct {
	docs  cell.Documents
	space string
	nodes int
	bytes int
	err   error // of the store; what is wrong with a document is none
}

// family is a node that gets its children.
type family struct {
	of    *node
	times map[string]int // that a name was given
}

// add names a child by its key. What stands there more than once is counted.
func (f *family) add(n *node, key string) {
	n.id = idOf(f.of.id, key, n.name)
	if f.times == nil {
		f.times = map[string]int{}
	}
	times := f.times[n.id]
	if f.times[n.id]++; times > 0 {
		n.id = idOf(n.id, "again", strconv.Itoa(times))
	}
	f.of.kids = append(f.of.kids, n)
}

// place is a value and where it stands.
type place struct {
	cell.Location
	value any
}

// at is what stands at a location, aliases and links followed; its value is nil
// when there is nothing.
func (r *renderer) at(l cell.Location) place {
	to, v, exists, err := cell.Resolve(r.docs, l, true)
	if err != nil && charm.CodeOf(err) != charm.CodeInvalid && r.err == nil {
		r.err = err
	}
	if err != nil || !exists {
		return place{Location: to}
	}
	return place{to, v}
}

// read follows v, when it is a link or an alias in document doc.
func (r *renderer) read(v any, doc string) (p place, followed bool) {
	if to, ok := cell.Pointer(v, doc); ok {
		return r.at(to), true
	}
	return place{cell.Location{ID: doc}, v}, false
}

// child adds what p is to the children of n. hops is how many links led here.
func (r *renderer) child(n *family, p place, key string, depth, hops int) {
	switch v := p.value.(type) {
	case nil:
	case string:
		r.text(n, v, key)
	case float64, bool:
		r.text(n, jsontext.Text(v), key)
	case []any:
		for i, e := range v {
			r.item(n, e, p.ID, key+"/", i, depth, hops)
		}
	case *jsontext.Object:
		if ui, ok := v.Get("$UI"); ok && hops < cell.MaxHops { // a charm within a charm
			r.item(n, ui, p.ID, key+"$", 0, depth, hops+1)
			return
		}
		if kind, _ := v.Get("type"); kind == "vnode" {
			r.element(n, v, p.ID, key, depth, hops)
		} else if v.Len() > 0 && !cell.IsStream(v) { // an empty one is where a recipe said null
			r.text(n, jsontext.Text(v), key)
		}
	}
}

// item adds the i-th of several children. One that is linked is known by its
// link, so that it stays the same wherever it moves; any other by its place.
func (r *renderer) item(n *family, v any, doc, prefix string, i, depth, hops int) {
	if r.nodes--; r.nodes < 0 || r.bytes < 0 {
		return
	}
	to, linked := cell.Pointer(v, doc)
	if !linked {
		r.child(n, place{cell.Location{ID: doc}, v}, prefix+strconv.Itoa(i), depth, hops)
		return
	}
	if hops >= cell.MaxHops {
		return
	}
	r.child(n, r.at(to), prefix+to.ID+"/"+strings.Join(to.Path, "/"), depth, hops+1)
}

func (r *renderer) text(n *family, text, key string) {
	if r.bytes -= len(text); r.bytes < 0 || text == "" {
		return
	}
	n.add(&node{text: text}, key)
}

func (r *renderer) element(parent *family, v *jsontext.Object, doc, key string, depth, hops int) {
	given, _ := v.Get("name")
	text, _ := given.(string)
	name := element(text)
	if name == "" || depth >= deepest {
		return
	}
	n := &node{name: name}
	parent.add(n, key)
	props, _ := v.Get("props")
	if p, _ := r.read(props, doc); p.value != nil {
		if o, ok := p.value.(*jsontext.Object); ok {
			for prop, value := range o.All() {
				r.prop(n, prop, value, p.ID)
			}
		}
	}
	kids, _ := v.Get("children")
	p, followed := r.read(kids, doc)
	if followed {
		hops++
	}
	if list, ok := p.value.([]any); ok && hops <= cell.MaxHops {
		inner := &family{of: n}
		for i, kid := range list {
			r.item(inner, kid, p.ID, "", i, depth+1, hops)
		}
	}
}

// prop adds one property: a handler, a cell that is bound, or an attribute.
func (r *renderer) prop(n *node, prop string, v any, doc string) {
	if name, ok := strings.CutPrefix(prop, "$"); ok {
		told, may := writable[n.name][name]
		if at, linked := cell.Pointer(v, doc); may && linked {
			is := r.at(at)
			n.bound = append(n.bound, bound{name, at, told(is.value, authLink(r.space, is.Location))})
		}
		return
	}
	p, followed := r.read(v, doc)
	if event := eventName(prop); event != "" {
		if followed && cell.IsStream(p.value) {
			n.on = append(n.on, handler{event, p.Location})
		}
		return
	}
	value := p.value
	if prop == "style" || structured[n.name+" "+prop] {
		value = r.whole(v, doc)
	}
	if name, value, ok := attribute(n.name, prop, value); ok {
		if s, isText := value.(string); isText {
			r.bytes -= len(s)
		}
		n.attrs = append(n.attrs, attr{name, value})
	}
}

// whole is v with all links in it followed, nil when it is too large.
func (r *renderer) whole(v any, doc string) any {
	out, exists, err := cell.ExportValue(r.docs, doc, v)
	if err != nil || !exists {
		return nil
	}
	r.bytes -= len(jsontext.Append(nil, out))
	return out
}
