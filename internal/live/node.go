package live

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"

	"charmd/internal/cell"
	"charmd/internal/jsontext"
)

// node is one element or text of a page. Nodes are not changed once they are
// shown, so that pages share them and equal pointers are equal trees.
type node struct {
	id    string
	name  string // of the element; "" for a text
	text  string
	attrs []attr
	on    []handler // the events that somebody handles
	bound []bound   // what the element itself writes
	kids  []*node
}

// attr is an attribute or property that is allowed, with a scalar or, for our own
// elements, any JSON as its value.
type attr struct {
	name  string
	value any // jsontext
}

// handler is where an event goes: to a stream.
type handler struct {
	event  string
	stream cell.Location
}

// bound is a cell that an element shows and writes.
type bound struct {
	name  string
	cell  cell.Location
	value any // what the element is told of it; nil for nothing
}

// idOf names a node by where it is. The name is the same after a restart, so that
// a page that connects again keeps its elements, and what was sent before finds
// its place.
func idOf(parent, key, name string) string {
	sum := sha256.Sum256([]byte(parent + "\x00" + key + "\x00" + name))
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}

// find is the node with the id below n, nil when there is none.
func (n *node) find(id string) *node {
	if n == nil || n.id == id {
		return n
	}
	for _, kid := range n.kids {
		if found := kid.find(id); found != nil {
			return found
		}
	}
	return nil
}

// share returns fresh with all that is equal in old replaced by that: old itself
// when nothing has changed.
func share(old, fresh *node) *node {
	if old == nil || old.id != fresh.id {
		return fresh
	}
	same := old.text == fresh.text && slices.EqualFunc(old.attrs, fresh.attrs, equalAttr) &&
		slices.EqualFunc(old.on, fresh.on, equalHandler) && slices.EqualFunc(old.bound, fresh.bound, equalBound) &&
		len(old.kids) == len(fresh.kids)
	var known map[string]*node
	for i, kid := range fresh.kids {
		if i < len(old.kids) && old.kids[i].id == kid.id {
			fresh.kids[i] = share(old.kids[i], kid)
		} else {
			if known == nil {
				known = byID(old.kids)
			}
			fresh.kids[i] = share(known[kid.id], kid)
		}
		same = same && fresh.kids[i] == old.kids[i]
	}
	if same {
		return old
	}
	return fresh
}

func byID(nodes []*node) map[string]*node {
	m := make(map[string]*node, len(nodes))
	for _, n := range nodes {
		m[n.id] = n
	}
	return m
}

func equalAttr(a, b attr) bool { return a.name == b.name && jsontext.Equal(a.value, b.value) }

func equalHandler(a, b handler) bool { return a.event == b.event && equalLocation(a.stream, b.stream) }

func equalBound(a, b bound) bool {
	return a.name == b.name && equalLocation(a.cell, b.cell) && jsontext.Equal(a.value, b.value)
}

func equalLocation(a, b cell.Location) bool { return a.ID == b.ID && slices.Equal(a.Path, b.Path) }

// json is the node as a browser is told of it: where events and writes go is not
// among that.
func (n *node) json() any {
	o := jsontext.NewObject()
	o.Set("i", n.id)
	if n.name == "" {
		o.Set("t", n.text)
		return o
	}
	o.Set("e", n.name)
	if len(n.attrs) > 0 {
		o.Set("a", attrsJSON(n.attrs))
	}
	if len(n.on) > 0 {
		o.Set("o", eventsJSON(n.on))
	}
	if len(n.bound) > 0 {
		o.Set("b", boundJSON(n.bound))
	}
	if len(n.kids) > 0 {
		kids := make([]any, len(n.kids))
		for i, kid := range n.kids {
			kids[i] = kid.json()
		}
		o.Set("k", kids)
	}
	return o
}

func attrsJSON(attrs []attr) any {
	o := jsontext.NewObject()
	for _, a := range attrs {
		o.Set(a.name, a.value)
	}
	return o
}

func eventsJSON(on []handler) any {
	list := make([]any, len(on))
	for i, h := range on {
		list[i] = h.event
	}
	return list
}

func boundJSON(all []bound) any {
	o := jsontext.NewObject()
	for _, b := range all {
		o.Set(b.name, b.value)
	}
	return o
}
