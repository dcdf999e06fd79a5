package manager

import (
	"context"
	"time"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// lostAccount is the provider of the account that keeps a charm waiting: its own,
// or one of its space; "" for none.
func lostAccount(r store.Reader, c charm.Charm) (provider string, err error) {
	list, err := r.Connections()
	for _, known := range list {
		if known.Space == c.Space && known.State == charm.Disconnected && (known.Charm == c.ID || provider == "") {
			provider = known.Provider
		}
	}
	return provider, err
}

// AuthCell is a charm, and where its recipe expects an account: at the path from its
// result; without one at "auth", in its result or its argument. The zero place: the
// recipe has none.
func (m *Manager) AuthCell(ctx context.Context, space, name string, path []string) (c charm.Charm, at charm.AuthCell, err error) {
	err = m.view(ctx, space, name, func(_ store.Reader, found charm.Charm, docs *cell.Snapshot) error {
		c = found
		places := []cell.Location{result(c, path)}
		if len(path) == 0 {
			id, err := merkle.ParseLink(c.ID)
			if err != nil {
				return err
			}
			places = []cell.Location{result(c, []string{"auth"}), {ID: merkle.ProcessID(id).Link(), Path: []string{"argument", "auth"}}}
		}
		for _, place := range places {
			// What an alias leads to need not have been written yet.
			_, _, exists, err := cell.Resolve(docs, place, false)
			if err != nil {
				return err
			}
			if exists {
				to, _, _, err := cell.Resolve(docs, place, true)
				at = charm.AuthCell{ID: to.ID, Path: to.Path}
				return err
			}
		}
		if len(path) > 0 {
			return charm.Errorf(charm.CodeNotFound, "%s has no cell for an account there", c.Ref()).WithHint("see what it has with: charmd show %s", c.Ref())
		}
		return nil
	})
	return c, at, err
}

// ReadCell is the JSON value at a place of a space, nil when there is none.
func (m *Manager) ReadCell(r store.Reader, space string, at charm.AuthCell) ([]byte, error) {
	s, err := r.Space(space)
	if err != nil {
		return nil, err
	}
	return cellText(cell.NewSnapshot(r, s), at)
}

func cellText(docs *cell.Snapshot, at charm.AuthCell) ([]byte, error) {
	v, exists, err := cell.Export(docs, cell.Location{ID: at.ID, Path: at.Path})
	if err != nil || !exists {
		return nil, err
	}
	return jsontext.Append(nil, v), nil
}

// How long a toolshed has to take a cell, and how often it is asked that did not say
// whether it did: the same again is no harm.
const (
	cellWithin = 20 * time.Second
	cellTries  = 3
)

// ChangeCell makes what change says of the JSON value at a place of a space, nil when
// there is none, the value there; nil leaves it. then, which may be nil, writes what
// belongs to it, as one with it. It does not wait for a run that holds the document:
// that one finds a conflict.
func (m *Manager) ChangeCell(ctx context.Context, space string, at charm.AuthCell, change func(now []byte) []byte, then func(tx store.Tx) error) (err error) {
	w := memory.Write{Draft: func(r store.Reader, s charm.Space) (*memory.Draft, error) { return m.changed(r, s, at, change) }}
	if then != nil {
		w.Then = func(tx store.Tx, _ memory.Receipt) error { return then(tx) }
	}
	if m.memory.Copies() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cellWithin)
		defer cancel()
	}
	for range cellTries {
		if err = m.memory.Write(ctx, space, w); charm.CodeOf(err) != charm.CodeUnanswered {
			break
		}
	}
	return err
}

// changed is the transaction that makes what change says the value at a place; nil for
// none.
func (m *Manager) changed(r store.Reader, s charm.Space, at charm.AuthCell, change func(now []byte) []byte) (*memory.Draft, error) {
	docs := cell.NewSnapshot(r, s)
	now, err := cellText(docs, at)
	if err != nil {
		return nil, err
	}
	value := change(now)
	if value == nil {
		return nil, nil
	}
	v, err := jsontext.Parse(value, jsontext.DefaultLimits)
	if err != nil {
		return nil, err
	}
	id, doc, err := cell.Set(docs, cell.Location{ID: at.ID, Path: at.Path}, v)
	if err != nil {
		return nil, err
	}
	was := docs.Version(id)
	draft, err := memory.NewDraft(s, m.memory.Issuer(), []memory.Change{memory.Assert(was.Of, was.Cause(), doc)}, nil, m.now())
	if err == nil {
		draft.Anyway = true
	}
	return draft, err
}

// Reconnected lets the charms of a space go on, inside tx, that wait for an account
// to be connected again: they run at once. One whose account is another still runs
// once and says so.
func (m *Manager) Reconnected(tx store.Tx, space string) error {
	list, err := tx.Charms(space)
	if err != nil {
		return err
	}
	for _, c := range list {
		s, err := tx.State(c.Row)
		if err != nil {
			return err
		}
		if !s.WaitsForAccount() {
			continue
		}
		s.Waiting = charm.Wait{}
		if s, err = m.registry.Waits(tx, c, s); err != nil {
			return err
		}
		if !s.Waiting.Is() && !s.Disabled && c.Registered {
			s.NextRun = m.now()
		}
		if err := m.queue.Put(tx, c, s); err != nil {
			return err
		}
	}
	return nil
}

// Follow is the place that a cell's aliases and links lead to, so that a cell has one
// name however it was reached. CodeNotFound: the space is not here.
func (m *Manager) Follow(ctx context.Context, space string, at charm.AuthCell) (to charm.AuthCell, err error) {
	return to, m.store.View(ctx, func(r store.Reader) error {
		s, err := findSpace(r, space)
		if err != nil {
			return err
		}
		found, _, _, err := cell.Resolve(cell.NewSnapshot(r, s), cell.Location{ID: at.ID, Path: at.Path}, true)
		to = charm.AuthCell{ID: found.ID, Path: found.Path}
		return err
	})
}

// RefOf is how people write the charm with the id.
func (m *Manager) RefOf(ctx context.Context, space, id string) (ref string, err error) {
	return ref, m.store.View(ctx, func(r store.Reader) error {
		c, err := r.CharmByID(space, id)
		ref = c.Ref()
		return err
	})
}
