package registry

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/store"
)

// debt is a change of the table that the cell in another toolshed does not show
// yet. It is kept until the toolshed has taken it.
type debt struct {
	Number int64  `json:"n"`
	Kind   string `json:"kind"`
	Space  string `json:"space"`
	ID     string `json:"id"`
}

// What is owed to the cell, of which the last that is said of a charm counts.
const (
	toRegister = "register"
	toDrop     = "drop"
	toTell     = "tell" // that it was disabled or enabled, or is of another integration
)

const owedKey = "registry.owed"

func owed(r store.Reader) (list []debt, err error) {
	err = store.DecodeValue(r, owedKey, &list)
	return list, err
}

func putOwed(tx store.Tx, list []debt) error {
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return tx.SetValue(owedKey, string(text))
}

// owe notes a debt inside the transaction that makes it.
func (r *Registry) owe(tx store.Tx, d debt) error {
	list, err := owed(tx)
	if err != nil {
		return err
	}
	d.Number = 1
	if n := len(list); n > 0 {
		d.Number = list[n-1].Number + 1
	}
	same := func(o debt) bool { return o.Space == d.Space && o.ID == d.ID }
	if i := slices.IndexFunc(list, same); i >= 0 && d.Kind == toTell && list[i].Kind != toTell {
		d.Kind = list[i].Kind // what is to be registered, or dropped, says all of it
	}
	tx.AfterCommit(func() { r.owing.Store(true) })
	return putOwed(tx, append(slices.DeleteFunc(list, same), d))
}

// pushWithin is how long another toolshed is waited for before anything else is done.
const pushWithin = 3 * time.Second

// Push writes to the cell in another toolshed what it is owed.
func (r *Registry) Push(ctx context.Context) error {
	if !r.memory.Copies() || !r.owing.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, pushWithin)
	defer cancel()
	r.owing.Store(false)
	var list []debt
	var e *edit
	stands := map[int64]float64{}
	err := r.memory.Write(ctx, r.system, memory.Write{
		Draft: func(v store.Reader, _ charm.Space) (*memory.Draft, error) {
			var err error
			if list, err = owed(v); err != nil {
				return nil, err
			}
			if e, err = r.edit(v); err != nil {
				return nil, err
			}
			clear(stands)
			for _, d := range list {
				if err := e.pay(d, stands); err != nil {
					return nil, err
				}
			}
			return e.draft()
		},
		Then: func(tx store.Tx, _ memory.Receipt) error {
			for row, ms := range stands {
				if err := rememberDisabledAt(tx, row, ms); err != nil {
					return err
				}
			}
			e.told(tx)
			tx.AfterCommit(r.moved)
			now, err := owed(tx)
			if err != nil || len(list) == 0 {
				return err
			}
			return putOwed(tx, slices.DeleteFunc(now, func(d debt) bool { return slices.Contains(list, d) }))
		},
	})
	if err != nil {
		r.owing.Store(true)
	}
	return err
}

// pay writes one debt, as the table stands now, and puts into stands which
// disabledAt the entry has then.
func (e *edit) pay(d debt, stands map[int64]float64) error {
	if d.Kind == toDrop {
		return e.unregister(d.Space, d.ID)
	}
	c, err := e.reader.CharmByID(d.Space, d.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil // it was removed since
	}
	if err != nil {
		return err
	}
	s, err := e.reader.State(c.Row)
	if err != nil {
		return err
	}
	if d.Kind == toRegister {
		stands[c.Row], err = e.register(c, s)
		return err
	}
	ours, err := e.transition(c, s)
	if ours {
		stands[c.Row] = disabledAt(s)
	}
	return err
}

// unpaid is what is owed of each charm, by space and id together.
func unpaid(r store.Reader) (map[string]string, error) {
	list, err := owed(r)
	kinds := make(map[string]string, len(list))
	for _, d := range list {
		kinds[d.Space+d.ID] = d.Kind
	}
	return kinds, err
}

// Arrived looks again at the charms of a space of which another toolshed has told
// something, inside the transaction that copies it: those that had no documents, or
// no recipe, may run now.
func (r *Registry) Arrived(tx store.Tx, did string) error {
	charms, err := tx.Charms(did)
	if err != nil {
		return err
	}
	for _, c := range charms {
		s, err := tx.State(c.Row)
		if err != nil {
			return err
		}
		if !s.Waiting.Is() {
			continue
		}
		if err := r.lookAgain(tx, c, s); err != nil {
			return err
		}
	}
	return nil
}
