package live

import (
	"charmd/internal/jsontext"
)

// diff lists what turns old into fresh, as a browser is told: each an array that
// begins with the kind and the id of the node,
//
//	["t", id, text]                    another text
//	["a", id, {name: value or null}]   attributes that changed
//	["o", id, [event, …]]              the events that are handled
//	["b", id, {name: value, …}]        the cells that it writes
//	["k", id, from, count, [node, …]]  children: count of them from there make
//	                                   place for these; an id is a child that stays
func diff(old, fresh *node) []any { return appendDiff(nil, old, fresh) }

func appendDiff(ops []any, old, fresh *node) []any {
	if old == fresh {
		return ops
	}
	if old.text != fresh.text {
		return append(ops, []any{"t", fresh.id, fresh.text})
	}
	if changed := changedAttrs(old.attrs, fresh.attrs); changed.Len() > 0 {
		ops = append(ops, []any{"a", fresh.id, changed})
	}
	if on := eventsJSON(fresh.on); !jsontext.Equal(eventsJSON(old.on), on) {
		ops = append(ops, []any{"o", fresh.id, on})
	}
	if b := boundJSON(fresh.bound); !jsontext.Equal(boundJSON(old.bound), b) {
		ops = append(ops, []any{"b", fresh.id, b})
	}
	return appendKids(ops, old, fresh)
}

func changedAttrs(old, fresh []attr) *jsontext.Object {
	o := jsontext.NewObject()
	for _, a := range old {
		o.Set(a.name, nil)
	}
	for _, a := range fresh {
		o.Set(a.name, a.value)
	}
	for _, a := range old {
		if v, _ := o.Get(a.name); jsontext.Equal(v, a.value) {
			o.Delete(a.name)
		}
	}
	return o
}

// appendKids tells of children that came, went and moved, then of what changed
// within those that stayed.
func appendKids(ops []any, old, fresh *node) []any {
	from := 0
	for from < len(old.kids) && from < len(fresh.kids) && old.kids[from].id == fresh.kids[from].id {
		from++
	}
	endOld, endFresh := len(old.kids), len(fresh.kids)
	for endOld > from && endFresh > from && old.kids[endOld-1].id == fresh.kids[endFresh-1].id {
		endOld--
		endFresh--
	}
	known := byID(old.kids[from:endOld])
	if endOld > from || endFresh > from {
		items := make([]any, 0, endFresh-from)
		for _, kid := range fresh.kids[from:endFresh] {
			if known[kid.id] != nil {
				items = append(items, kid.id)
			} else {
				items = append(items, kid.json())
			}
		}
		ops = append(ops, []any{"k", fresh.id, float64(from), float64(endOld - from), items})
	}
	for i, kid := range fresh.kids {
		switch {
		case i < from:
			ops = appendDiff(ops, old.kids[i], kid)
		case i >= endFresh:
			ops = appendDiff(ops, old.kids[i-endFresh+endOld], kid)
		case known[kid.id] != nil:
			ops = appendDiff(ops, known[kid.id], kid)
		}
	}
	return ops
}
