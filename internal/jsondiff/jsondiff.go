// Package jsondiff says how one JSON value differs from another, as the places
// that differ. It exists so that people see what a run changed in a document of
// thousands of values.
package jsondiff

import (
	"slices"
	"strconv"

	"charmd/internal/jsontext"
)

// Edit is one place that differs. Was and Is tell whether there was, and is, a
// value: null is one.
type Edit struct {
	Path          []string // keys and indexes; indexes are those of after, or of before where nothing is
	Before, After any      // jsontext values
	Was, Is       bool
}

// Diff lists the places where after differs from before, in order of after, at
// most limit of them; more says that there are others. What objects have in
// common is gone into, and what lists have in common between what is the same at
// their ends.
func Diff(before, after any, limit int) (edits []Edit, more bool) {
	d := differ{limit: limit}
	d.values(nil, before, after)
	return d.edits, d.more
}

type differ struct {
	edits []Edit
	limit int
	more  bool
}

func (d *differ) add(path []string, e Edit) {
	if len(d.edits) >= d.limit {
		d.more = true
		return
	}
	e.Path = slices.Clone(path)
	d.edits = append(d.edits, e)
}

func (d *differ) values(path []string, before, after any) {
	if d.more {
		return
	}
	switch b := before.(type) {
	case *jsontext.Object:
		if a, ok := after.(*jsontext.Object); ok {
			d.objects(path, b, a)
			return
		}
	case []any:
		if a, ok := after.([]any); ok {
			d.lists(path, b, a)
			return
		}
	}
	if !jsontext.Equal(before, after) {
		d.add(path, Edit{Before: before, After: after, Was: true, Is: true})
	}
}

func (d *differ) objects(path []string, before, after *jsontext.Object) {
	for key, a := range after.All() {
		at := append(path, key)
		if b, ok := before.Get(key); ok {
			d.values(at, b, a)
		} else {
			d.add(at, Edit{After: a, Is: true})
		}
	}
	for key, b := range before.All() {
		if _, ok := after.Get(key); !ok {
			d.add(append(path, key), Edit{Before: b, Was: true})
		}
	}
}

func (d *differ) lists(path []string, before, after []any) {
	head := 0
	for head < min(len(before), len(after)) && jsontext.Equal(before[head], after[head]) {
		head++
	}
	b, a := before[head:], after[head:]
	for len(b) > 0 && len(a) > 0 && jsontext.Equal(b[len(b)-1], a[len(a)-1]) {
		b, a = b[:len(b)-1], a[:len(a)-1]
	}
	for i := range max(len(b), len(a)) {
		at := append(path, strconv.Itoa(head+i))
		switch {
		case i >= len(b):
			d.add(at, Edit{After: a[i], Is: true})
		case i >= len(a):
			d.add(at, Edit{Before: b[i], Was: true})
		default:
			d.values(at, b[i], a[i])
		}
	}
}
