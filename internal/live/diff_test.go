package live

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"charmd/internal/cell"
	"charmd/internal/jsontext"
)

// shown is a page as a browser has it: what it was told, applied.
type shown map[string]*jsontext.Object

func (s shown) build(json any) string {
	o := json.(*jsontext.Object)
	id, _ := o.Get("i")
	if kids, ok := o.Get("k"); ok {
		for _, kid := range kids.([]any) {
			s.build(kid)
		}
	}
	s[id.(string)] = o
	return id.(string)
}

func (s shown) apply(ops []any) {
	for _, op := range ops {
		op := op.([]any)
		o := s[op[1].(string)]
		switch op[0] {
		case "t":
			o.Set("t", op[2])
		case "a":
			old, _ := o.Get("a")
			attrs, _ := old.(*jsontext.Object)
			if attrs == nil {
				attrs = jsontext.NewObject()
			}
			for name, v := range op[2].(*jsontext.Object).All() {
				if attrs.Set(name, v); v == nil {
					attrs.Delete(name)
				}
			}
			o.Set("a", attrs)
			if attrs.Len() == 0 {
				o.Delete("a")
			}
		case "o", "b":
			o.Set(op[0].(string), op[2])
		case "k":
			old, _ := o.Get("k")
			kids, _ := old.([]any)
			kids = slices.Clone(kids)
			var items []any
			for _, item := range op[4].([]any) {
				id, stays := item.(string)
				if !stays {
					id = s.build(jsontext.Clone(item))
				}
				items = append(items, s[id])
			}
			from := int(op[2].(float64))
			kids = slices.Replace(kids, from, from+int(op[3].(float64)), items...)
			if o.Set("k", kids); len(kids) == 0 {
				o.Delete("k")
			}
		}
	}
}

// Whatever a page becomes, a browser that is told the difference shows it.
func TestDiffLeadsToTheSamePage(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		told := someTree(r)
		browser := shown{}
		browser.build(jsontext.Clone(told.json()))
		for step := range 5 {
			next := share(told, someTree(r))
			browser.apply(diff(told, next))
			if got, want := browser[next.id], next.json(); !jsontext.Equal(got, want) {
				t.Fatalf("seed %d, step %d:\ngot  %s\nwant %s", seed, step, jsontext.Text(got), jsontext.Text(want))
			}
			told = next
		}
	}
}

func someTree(r *rand.Rand) *node { return someNode(r, "root", 0) }

func someNode(r *rand.Rand, id string, depth int) *node {
	n := &node{id: id, name: "p"}
	for _, name := range []string{"title", "lang"} {
		if r.IntN(2) == 0 {
			n.attrs = append(n.attrs, attr{name, float64(r.IntN(2))})
		}
	}
	// Events and cells, once there, only change: none is left out when there are none.
	n.on = []handler{{[]string{"click", "keydown"}[r.IntN(2)], cell.Location{ID: "x"}}}
	n.bound = []bound{{"value", cell.Location{ID: "x"}, float64(r.IntN(2))}}
	for _, i := range r.Perm(6)[:r.IntN(6)] {
		kid := fmt.Sprint(id, "/", i)
		if depth == 2 || i > 3 {
			n.kids = append(n.kids, &node{id: kid, text: fmt.Sprint("text ", r.IntN(3))})
			continue
		}
		n.kids = append(n.kids, someNode(r, kid, depth+1))
	}
	return n
}
