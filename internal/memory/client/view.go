package client

import (
	"slices"

	"charmd/internal/jsontext"
	"charmd/internal/merkle"
)

// view is what a subscription knows of its places. Effects are put in by their
// causes and not by the order they come in: one that does not follow what is held
// is old, or others before it are missing, and then the toolshed is asked.
type view struct {
	held  map[Place]*held
	clock int64 // counts effects
	news  []Fact
}

// held is one place of a view.
type held struct {
	fact   Fact
	passed []merkle.Ref // what it was before, the newest last
	moved  int64        // the clock when an effect was last taken
	missed int64        // the clock when one came that did not follow
	asked  bool         // a query for it is on its way
}

const (
	maxPassed = 64   // versions of a place that are known as old
	maxNews   = 1024 // changes that may wait to be read
)

func (v *view) at(p Place) *held {
	h := v.held[p]
	if h == nil {
		h = &held{fact: Fact{Place: p}}
		v.held[p] = h
	}
	return h
}

// effect puts in the facts that a transaction made and returns the places that
// the toolshed has to be asked for.
func (v *view) effect(changes *jsontext.Object, wanted func(Place) bool) (doubtful Selection, err error) {
	err = eachChange(changes, wanted, func(f Fact) {
		h := v.at(f.Place)
		if h.fact.Ref == f.Ref || h.fact.follows(f) || slices.Contains(h.passed, f.Ref) {
			return
		}
		v.clock++
		if f.follows(h.fact) {
			h.moved = v.clock
			v.take(h, f, true)
			return
		}
		h.missed = v.clock
		if !h.asked {
			h.asked = true
			doubtful = append(doubtful, f.Place)
		}
	})
	return doubtful, err
}

// answer puts in what the toolshed answered to the question for sel, which was
// asked when the clock stood at since, and returns the places to ask for again:
// effects have spoken of them meanwhile, and the answer may be older or newer. It
// is news unless it is the first that is heard of them.
func (v *view) answer(sel Selection, facts []Fact, since int64, news bool) (again Selection) {
	got := make(map[Place]bool, len(facts))
	put := func(f Fact) {
		h := v.at(f.Place)
		h.asked = h.missed > since
		switch {
		case h.fact.Ref == f.Ref:
		case h.moved <= since || f.follows(h.fact):
			v.take(h, f, news)
		case h.fact.follows(f) || slices.Contains(h.passed, f.Ref): // the answer is the older one
		default:
			h.asked = true
		}
		if h.asked {
			again = append(again, f.Place)
		}
	}
	for _, f := range facts {
		got[f.Place] = true
		put(f)
	}
	for p := range v.held {
		if !got[p] && sel.covers(p) {
			put(Fact{Place: p})
		}
	}
	return again
}

// take makes f what is held.
func (v *view) take(h *held, f Fact, news bool) {
	if len(h.passed) == maxPassed {
		h.passed = slices.Delete(h.passed, 0, 1)
	}
	h.passed = append(h.passed, h.fact.Ref)
	h.fact = f
	if !news {
		return
	}
	if len(v.news) >= maxNews {
		v.news = newest(v.news)
	}
	v.news = append(v.news, f)
}

// newest is the last of the changes of each place: what a reader gets who is
// slower than the writers.
func newest(news []Fact) []Fact {
	seen := map[Place]bool{}
	var kept []Fact
	for _, f := range slices.Backward(news) {
		if !seen[f.Place] {
			seen[f.Place] = true
			kept = append(kept, f)
		}
	}
	slices.Reverse(kept)
	return kept
}

// knows reports whether the place of f is, or was, f.
func (v *view) knows(f Fact) bool {
	h := v.held[f.Place]
	return h != nil && (h.fact.Ref == f.Ref || slices.Contains(h.passed, f.Ref))
}
