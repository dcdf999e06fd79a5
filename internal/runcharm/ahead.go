package runcharm

import (
	"errors"

	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/store"
	"charmd/internal/wire"
)

// Ahead is what a run begins with, read in the transaction that claims it. The pages
// lie ready there, where a view of the run's own has to find and read them again. What
// has changed by the time the run begins is found out as any change is: at its end.
type Ahead struct {
	space  charm.Space
	recipe string                // that the charm has
	facts  map[string]store.Fact // by entity id; the zero Fact where there is none
}

// What keeps the writer longer is read when the run begins.
const (
	mostAhead      = 16
	mostAheadBytes = 64 << 10
)

// seen is what a charm read in its last run.
type seen struct {
	process string // id of its process document, which takes some hashing to know
	ids     []string
	bytes   int
}

// ReadAhead reads what the next run of the charm will probably want first; nil when
// that is not known, is much, or needs more than its documents as they are.
func (r *Runner) ReadAhead(tx store.Reader, c charm.Charm) *Ahead {
	if r.accounts != nil && r.accounts.Has(c) { // to make them ready may write to what was read
		return nil
	}
	last := r.predicted(c)
	if last.process == "" || r.memory.Copies() || !r.tried(c) || len(last.ids) > mostAhead || last.bytes > mostAheadBytes {
		return nil
	}
	space, err := tx.Space(c.Space)
	if err != nil {
		return nil
	}
	now, err := tx.Charm(c.Row)
	if err != nil {
		return nil
	}
	a := &Ahead{space: space, recipe: now.Recipe, facts: make(map[string]store.Fact, len(last.ids)+2)}
	for _, id := range append([]string{c.ID, last.process}, last.ids...) {
		if _, again := a.facts[id]; again {
			continue
		}
		fact, err := tx.Head(space.Row, memory.JSON, memory.Of(id))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil
		}
		a.facts[id] = fact
	}
	return a
}

// begin makes what was read ahead what the attempt sees.
func (a *attempt) begin(ahead *Ahead, ids []string) ([]wire.Document, error) {
	a.space = ahead.space
	if ahead.recipe != a.recipe.ID {
		return nil, &recastError{ahead.recipe}
	}
	return a.documents(ids, func(id string) (store.Fact, bool, error) {
		fact, known := ahead.facts[id]
		return fact, known, nil
	})
}
