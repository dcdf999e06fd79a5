package live

import (
	"context"
	"strconv"
	"strings"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
)

// The limits of one page: links let a small document look endless.
const (
	mostNodes  = 50_000  // children and properties that are looked at
	mostProps  = 256     // properties of one element
	mostValues = 500_000 // values within the data of tables and in styles
	mostText   = 8 << 20 // bytes of the page as a browser is told of it
	deepest    = 64      // elements within elements
)

const (
	aroundNode  = 64  // bytes of the JSON around an element or a text, at most
	aroundValue = 4   // around a named value
	pathAsNode  = 256 // bytes of a path whose walk counts as much as a child
)

// page is what a charm's $UI comes to.
type page struct {
	title string
	root  *node
	cut   bool // it was larger than a page may be, and is shown in part
}

// render draws the $UI of the charm from its documents. Values that cannot be
// followed are left out, as they are in a charm that has not written them yet.
// What does not fit is left out too, and the page says so. It ends early when ctx
// does.
func render(ctx context.Context, docs cell.Documents, c charm.Charm) (page, error) {
	r := &renderer{ctx: ctx, docs: docs, space: c.Space, nodes: mostNodes, values: mostValues, bytes: mostText}
	root := &node{id: idOf("", "", c.ID), name: fragment}
	title, _ := r.at(cell.Location{ID: c.ID, Path: []string{"$NAME"}}).value.(string)
	if !r.tell("", title) {
		title = ""
	}
	r.child(&family{of: root}, r.at(cell.Location{ID: c.ID, Path: []string{"$UI"}}), "ui", 0, 0)
	return page{title: title, root: root, cut: r.cut || r.full()}, r.err
}

type renderer struct {
	ctx     context.Context
	docs    cell.Documents
	space   string
	nodes   int // what is left of each limit; below 0 the page is full
	bytes   int
	values  int
	cut     bool  // something was left out although the page is not full
	err     error // of the store; what is wrong with a document is none
	scratch []byte
}

// full reports that nothing more is drawn.
func (r *renderer) full() bool { return r.nodes < 0 || r.bytes < 0 || r.err != nil }

// look counts one thing more that is looked at; false when there were too many.
func (r *renderer) look() bool {
	if r.err == nil && r.ctx.Err() != nil {
		r.err = context.Cause(r.ctx)
	}
	r.nodes--
	return !r.full()
}

// tell counts a value that a browser is told of under a name, as it is written;
// false when it does not fit.
func (r *renderer) tell(name string, v any) bool {
	r.bytes -= len(name) + aroundValue
	if text, ok := v.(string); ok && len(text) > r.bytes {
		r.bytes = -1 // it need not be written to know
	}
	if r.bytes < 0 {
		return false
	}
	r.scratch = jsontext.Append(r.scratch[:0], v)
	r.bytes -= len(r.scratch)
	return r.bytes >= 0
}

// failed notes why something could not be read.
func (r *renderer) failed(err error) {
	switch charm.CodeOf(err) {
	case charm.CodeInvalid: // the document's fault, which shows nothing there
	case charm.CodeTooLarge:
		r.cut = true
	default:
		if r.err == nil {
			r.err = err
		}
	}
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
	walked := 0
	for _, key := range to.Path {
		walked += len(key) + 1
	}
	r.nodes -= walked / pathAsNode
	if err != nil {
		r.failed(err)
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
	if !r.look() {
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
	if text == "" || !r.tell("", text) {
		return
	}
	r.bytes -= aroundNode
	n.add(&node{text: text}, key)
}

func (r *renderer) element(parent *family, v *jsontext.Object, doc, key string, depth, hops int) {
	given, _ := v.Get("name")
	text, _ := given.(string)
	name := element(text)
	if name == "" {
		return
	}
	if depth >= deepest {
		r.cut = true
		return
	}
	r.bytes -= aroundNode + len(name)
	n := &node{name: name}
	parent.add(n, key)
	props, _ := v.Get("props")
	if p, _ := r.read(props, doc); p.value != nil {
		if o, ok := p.value.(*jsontext.Object); ok {
			r.props(n, o, p.ID)
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

func (r *renderer) props(n *node, all *jsontext.Object, doc string) {
	left := mostProps
	for prop, value := range all.All() {
		if left--; left < 0 {
			r.cut = true
			return
		}
		if !r.look() {
			return
		}
		r.prop(n, prop, value, doc)
	}
}

// prop adds one property: a handler, a cell that is bound, or an attribute.
func (r *renderer) prop(n *node, prop string, v any, doc string) {
	if name, ok := strings.CutPrefix(prop, "$"); ok {
		told, may := writable[n.name][name]
		if at, linked := cell.Pointer(v, doc); may && linked {
			is := r.at(at)
			value := told(is.value, authLink(r.space, is.Location))
			if !r.tell(name, value) {
				value = nil
			}
			n.bound = append(n.bound, bound{name, at, value})
		}
		return
	}
	p, followed := r.read(v, doc)
	if event := eventName(prop); event != "" {
		if followed && cell.IsStream(p.value) && r.tell("", event) {
			n.on = append(n.on, handler{event, p.Location})
		}
		return
	}
	value := p.value
	if prop == "style" || structured[n.name+" "+prop] {
		value = r.whole(v, doc)
	}
	if name, value, ok := attribute(n.name, prop, value); ok && r.tell(name, value) {
		n.attrs = append(n.attrs, attr{name, value})
	}
}

// whole is v with all links in it followed, nil when it is too large.
func (r *renderer) whole(v any, doc string) any {
	left := cell.Allowance{Values: r.values, Bytes: r.bytes}
	out, exists, err := cell.ExportValue(r.docs, doc, v, &left)
	r.values = left.Values
	if err != nil {
		r.failed(err)
	}
	if err != nil || !exists {
		return nil
	}
	return out
}
