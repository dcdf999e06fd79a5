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
	if r.memory.Copies() {
		return r.owe(tx, debt{Kind: toRegister, Space: c.Space, ID: c.ID})
	}
	e, err := r.edit(tx)
	if err != nil {
		return err
	}
	stands, err := e.register(c, s)
	if err != nil {
		return err
	}
	if err := rememberDisabledAt(tx, c.Row, stands); err != nil {
		return err
	}
	return e.commit(tx)
}

// register puts charm c with state s into the cell, and returns the disabledAt that
// stands there then.
func (e *edit) register(c charm.Charm, s charm.State) (float64, error) {
	entries, err := e.entries()
	if err != nil {
		return 0, err
	}
	now, stands := float64(e.registry.now().UnixMilli()), disabledAt(s)
	i := slices.IndexFunc(entries, func(x Entry) bool { return x.Space == c.Space && x.CharmID == c.ID })
	switch {
	case i < 0:
		list, err := e.list()
		if err != nil {
			return 0, err
		}
		id := entryID(c.Space, c.ID)
		entry := Entry{
			Space: c.Space, CharmID: c.ID, Integration: c.Integration, CreatedAt: now, UpdatedAt: now,
			DisabledAt: disabledAt(s), Status: "Initializing",
		}
		if err := e.put(id, entry.value()); err != nil {
			return 0, err
		}
		return stands, e.put(ID(), append(slices.Clone(list), cell.Location{ID: id}.Link()))
	case entries[i].doc == "":
		return entries[i].DisabledAt, nil
	case entries[i].DisabledAt != stands:
		entry := entries[i]
		entry.DisabledAt, entry.UpdatedAt = stands, now
		return stands, e.put(entry.doc, entry.value())
	}
	return stands, nil
}

// Unregister takes charm c out of the cell, inside the transaction that takes it
// out of the table.
func (r *Registry) Unregister(tx store.Tx, c charm.Charm) error {
	if r.memory.Copies() {
		return r.owe(tx, debt{Kind: toDrop, Space: c.Space, ID: c.ID})
	}
	e, err := r.edit(tx)
	if err != nil {
		return err
	}
	if err := e.unregister(c.Space, c.ID); err != nil {
		return err
	}
	return e.commit(tx)
}

func (e *edit) unregister(space, id string) error {
	list, err := e.list()
	if err != nil {
		return err
	}
	kept := []any{}
	for i, v := range list {
		entry, ok, err := e.entry(i)
		if err != nil {
			return err
		}
		if !ok || entry.Space != space || entry.CharmID != id {
			kept = append(kept, v)
		}
	}
	if len(kept) == len(list) {
		return nil
	}
	return e.put(ID(), kept)
}

// Enable is the state s of charm c enabled, with no failures counted, and written
// to its entry inside the transaction that enables it.
func (r *Registry) Enable(tx store.Tx, c charm.Charm, s charm.State) (_ charm.State, err error) {
	s = state.Enable(s)
	s.NextRun = time.Time{}
	if s, err = r.Waits(tx, c, s); err != nil {
		return s, err
	}
	return s, r.Transition(tx, c, s)
}

// Transition writes that a charm was disabled or enabled, or what integration it is
// of now, inside the transaction that does it.
func (r *Registry) Transition(tx store.Tx, c charm.Charm, s charm.State) error {
	if r.memory.Copies() {
		return r.owe(tx, debt{Kind: toTell, Space: c.Space, ID: c.ID})
	}
	e, err := r.edit(tx)
	if err != nil {
		return err
	}
	ours, err := e.transition(c, s)
	if err == nil && ours {
		err = rememberDisabledAt(tx, c.Row, disabledAt(s))
	}
	if err != nil {
		return err
	}
	return e.commit(tx)
}

// transition writes charm c and its state s to its entry, and reports whether
// disabledAt is the state's then: a person may have changed it, who wins as soon as
// that is taken up.
func (e *edit) transition(c charm.Charm, s charm.State) (ours bool, err error) {
	entry, ok, err := e.own(c)
	if err != nil || !ok {
		return false, err
	}
	seen, err := rememberedDisabledAt(e.reader, c.Row)
	if err != nil {
		return false, err
	}
	if ours = seen == entry.DisabledAt; !ours && entry.Integration == c.Integration {
		return false, nil
	}
	entry.Integration, entry.UpdatedAt = c.Integration, float64(e.registry.now().UnixMilli())
	if ours {
		entry.DisabledAt, entry.Status = disabledAt(s), statusText(s)
	}
	return ours, e.put(entry.doc, entry.value())
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
