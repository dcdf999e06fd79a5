package registry

import (
	"slices"
	"strconv"
	"time"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/state"
	"charmd/internal/store"
)

// Register puts charm c with state s into the cell, inside the transaction that
// writes it to the table. An entry of others is left as it is.
func (r *Registry) Register(tx store.Tx, c charm.Charm, s charm.State) error {
	e, err := r.edit(tx)
	if err != nil {
		return err
	}
	entries, err := e.entries()
	if err != nil {
		return err
	}
	now, stands := float64(r.now().UnixMilli()), disabledAt(s)
	i := slices.IndexFunc(entries, func(x Entry) bool { return x.Space == c.Space && x.CharmID == c.ID })
	switch {
	case i < 0:
		list, err := e.list()
		if err != nil {
			return err
		}
		id := entryID(c.Space, c.ID)
		entry := Entry{
			Space: c.Space, CharmID: c.ID, Integration: c.Integration, CreatedAt: now, UpdatedAt: now,
			DisabledAt: disabledAt(s), Status: "Initializing",
		}
		if err := e.put(id, entry.value()); err != nil {
			return err
		}
		if err := e.put(ID(), append(slices.Clone(list), cell.Location{ID: id}.Link())); err != nil {
			return err
		}
	case entries[i].doc != "" && entries[i].DisabledAt != disabledAt(s):
		entry := entries[i]
		entry.DisabledAt, entry.UpdatedAt = disabledAt(s), now
		if err := e.put(entry.doc, entry.value()); err != nil {
			return err
		}
	case entries[i].doc == "":
		stands = entries[i].DisabledAt
	}
	if err := rememberDisabledAt(tx, c.Row, stands); err != nil {
		return err
	}
	return e.commit()
}

// Unregister takes charm c out of the cell, inside the transaction that takes it
// out of the table.
func (r *Registry) Unregister(tx store.Tx, c charm.Charm) error {
	e, err := r.edit(tx)
	if err != nil {
		return err
	}
	list, err := e.list()
	if err != nil {
		return err
	}
	var kept []any
	for i, v := range list {
		entry, ok, err := e.entry(i)
		if err != nil {
			return err
		}
		if !ok || entry.Space != c.Space || entry.CharmID != c.ID {
			kept = append(kept, v)
		}
	}
	if len(kept) == len(list) {
		return nil
	}
	if kept == nil {
		kept = []any{}
	}
	if err := e.put(ID(), kept); err != nil {
		return err
	}
	return e.commit()
}

// Enable is the state s of charm c enabled, with no failures counted, and written
// to its entry inside the transaction that enables it.
func (r *Registry) Enable(tx store.Tx, c charm.Charm, s charm.State) (_ charm.State, err error) {
	s = state.Enable(s)
	s.NextRun = time.Time{}
	if s.Waiting, err = r.Waiting(tx, c); err != nil {
		return s, err
	}
	return s, r.Transition(tx, c, s)
}

// Transition writes that a charm was disabled or enabled, inside the transaction
// that does it.
func (r *Registry) Transition(tx store.Tx, c charm.Charm, s charm.State) error {
	e, err := r.edit(tx)
	if err != nil {
		return err
	}
	entry, ok, err := e.own(c)
	if err != nil || !ok {
		return err
	}
	seen, err := rememberedDisabledAt(tx, c.Row)
	if err != nil {
		return err
	}
	if seen != entry.DisabledAt {
		return nil // a person has changed it, and wins as soon as that is taken up
	}
	entry.DisabledAt, entry.UpdatedAt = disabledAt(s), float64(r.now().UnixMilli())
	entry.Status = statusText(s)
	if err := e.put(entry.doc, entry.value()); err != nil {
		return err
	}
	if err := rememberDisabledAt(tx, c.Row, disabledAt(s)); err != nil {
		return err
	}
	return e.commit()
}

func disabledAt(s charm.State) float64 {
	if !s.Disabled {
		return 0
	}
	return float64(s.DisabledAt.UnixMilli())
}

// statusText is the entry's status for people.
func statusText(s charm.State) string {
	switch {
	case s.Disabled:
		return "Disabled: " + s.DisabledReason
	case s.LastOutcome == "":
		return "Initializing"
	case s.LastOutcome == charm.OK:
		return "Success"
	}
	return s.LastError
}

// What we wrote, or last saw, as an entry's disabledAt: a different value was
// put there by a person.
func disabledAtKey(row int64) string { return "registry.disabledAt." + strconv.FormatInt(row, 10) }

func rememberDisabledAt(tx store.Tx, row int64, ms float64) error {
	return tx.SetValue(disabledAtKey(row), strconv.FormatFloat(ms, 'f', -1, 64))
}

func rememberedDisabledAt(tx store.Reader, row int64) (float64, error) {
	text, err := tx.Value(disabledAtKey(row))
	if err != nil || text == "" {
		return 0, err
	}
	return strconv.ParseFloat(text, 64)
}
