package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"charmd/internal/blobby"
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/schedule"
	"charmd/internal/state"
	"charmd/internal/store"
)

// Listen notes what transactions change of the cell and of lists of charms, until
// cancel is called; Run does it by itself.
func (r *Registry) Listen() (cancel func()) { return r.memory.Subscribe("", r.heard) }

// heard is told of every transaction. What the invocation says of its maker does
// not count: whoever may write the system space may say so too.
func (r *Registry) heard(e memory.Effect) {
	r.hearLists(e)
	if e.Space == r.system && e.By != by {
		r.look()
	}
}

// look has Run compare the cell with the table.
func (r *Registry) look() {
	select {
	case r.changed <- struct{}{}:
	default: // it is known already that there is something to look at
	}
}

// Sync takes up what others changed in the cell: new entries, entries that are
// gone, and a disabledAt that is not the one we wrote.
func (r *Registry) Sync(ctx context.Context) error {
	return r.store.Update(ctx, func(tx store.Tx) error {
		tx.AfterCommit(r.moved)
		e, err := r.edit(tx)
		if err != nil {
			return err
		}
		entries, err := e.entries()
		if err != nil {
			return err
		}
		owed, err := unpaid(tx)
		if err != nil {
			return err
		}
		listed := make(map[string]bool, len(entries))
		for _, entry := range entries {
			listed[entry.Space+entry.CharmID] = true
			if owed[entry.Space+entry.CharmID] == toDrop {
				continue
			}
			if err := r.take(tx, entry); err != nil {
				return fmt.Errorf("registry entry of %s in %s: %w", entry.CharmID, entry.Space, err)
			}
		}
		charms, err := tx.Charms("")
		if err != nil {
			return err
		}
		for _, c := range charms {
			if c.Registered && !listed[c.Space+c.ID] && owed[c.Space+c.ID] != toRegister {
				if err := r.dropped(tx, c); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// take brings the table in step with one entry.
func (r *Registry) take(tx store.Tx, entry Entry) error {
	c, err := tx.CharmByID(entry.Space, entry.CharmID)
	if errors.Is(err, store.ErrNotFound) {
		return r.adopt(tx, entry)
	}
	if err != nil {
		return err
	}
	s, err := tx.State(c.Row)
	if err != nil {
		return err
	}
	seen, err := rememberedDisabledAt(tx, c.Row)
	if err != nil {
		return err
	}
	if c.Registered && seen == entry.DisabledAt {
		return nil
	}
	if !c.Registered {
		c.Registered, c.UpdatedAt = true, r.now()
		if _, err := tx.PutCharm(c); err != nil {
			return err
		}
		if s, err = r.Waits(tx, c, s); err != nil { // nobody looked while it was not registered
			return err
		}
	}
	if seen != entry.DisabledAt {
		if s, err = r.person(tx, c, s, entry); err != nil {
			return err
		}
	}
	return r.queue.Put(tx, c, s)
}

// person applies what somebody did to an entry's disabledAt.
func (r *Registry) person(tx store.Tx, c charm.Charm, s charm.State, entry Entry) (charm.State, error) {
	if entry.DisabledAt == 0 {
		s = state.Enable(s)
		r.logger.Info("charm enabled in the registry", "charm", c.Ref())
	} else {
		s = state.Disable(s, charm.ByPerson, "disabled in the registry", time.UnixMilli(int64(entry.DisabledAt)))
		r.logger.Info("charm disabled in the registry", "charm", c.Ref())
	}
	return s, rememberDisabledAt(tx, c.Row, entry.DisabledAt)
}

// Adopt registers a charm the table does not know, inside tx. CodeNotFound: it
// is not in that space.
func (r *Registry) Adopt(tx store.Tx, space, charmID, integration string) error {
	notThere := charm.Errorf(charm.CodeNotFound, "there is no charm %s in space %s", charmID, space)
	s, err := tx.Space(space)
	if errors.Is(err, store.ErrNotFound) {
		return notThere
	}
	if err != nil {
		return err
	}
	if _, err := merkle.ParseLink(charmID); err != nil {
		return notThere
	}
	if id, err := recipeOf(cell.NewSnapshot(tx, s), charmID); err != nil || id == "" {
		return errors.Join(notThere, err)
	}
	if err := r.adopt(tx, Entry{Space: space, CharmID: charmID, Integration: integration}); err != nil {
		return err
	}
	c, err := tx.CharmByID(space, charmID)
	if err != nil {
		return err
	}
	return r.Register(tx, c, charm.State{})
}

// adopt takes up a charm that somebody else registered.
func (r *Registry) adopt(tx store.Tx, entry Entry) error {
	space, err := tx.Space(entry.Space)
	if errors.Is(err, store.ErrNotFound) {
		space = charm.Space{DID: entry.Space, CreatedAt: r.now(), Since: -1}
		space.Row, err = tx.PutSpace(space)
	}
	if err != nil {
		return err
	}
	now := r.now()
	c := charm.Charm{
		Space: entry.Space, SpaceName: space.Name, ID: entry.CharmID, Name: entry.CharmID[:16], Integration: entry.Integration,
		Schedule: charm.Schedule{Every: r.every}, Registered: true, CreatedAt: now, UpdatedAt: now,
	}
	var s charm.State
	if c.Recipe, err = recipeOf(cell.NewSnapshot(tx, space), c.ID); err != nil {
		return err
	}
	if s, err = r.Waits(tx, c, s); err != nil {
		return err
	}
	if entry.DisabledAt != 0 {
		s = state.Disable(s, charm.ByPerson, "disabled in the registry", time.UnixMilli(int64(entry.DisabledAt)))
	}
	if c.Row, err = tx.PutCharm(c); err != nil {
		return err
	}
	if err := rememberDisabledAt(tx, c.Row, entry.DisabledAt); err != nil {
		return err
	}
	r.logger.Info("charm registered by another", "charm", c.Ref(), "integration", c.Integration)
	tx.AfterCommit(func() { r.memory.Follow(c.Space) })
	return r.queue.Put(tx, c, s)
}

// lookAgain is what the documents of charm c say of its recipe now.
func (r *Registry) lookAgain(tx store.Tx, c charm.Charm, s charm.State) error {
	space, err := tx.Space(c.Space)
	if err != nil {
		return err
	}
	if c.Recipe == "" {
		if c.Recipe, err = recipeOf(cell.NewSnapshot(tx, space), c.ID); err != nil || c.Recipe == "" {
			return err
		}
		if _, err := tx.PutCharm(c); err != nil {
			return err
		}
	}
	if s, err = r.Waits(tx, c, s); err != nil {
		return err
	}
	return r.queue.Put(tx, c, s)
}

// Waits is s with what the charm's space, its recipe and its schedule say now of
// whether it can run although nothing disabled it. A charm that waits for its account
// still does: what ends that looks here again.
func (r *Registry) Waits(tx store.Reader, c charm.Charm, s charm.State) (charm.State, error) {
	space, err := tx.Space(c.Space)
	if err != nil {
		return s, err
	}
	has, err := listsOf(cell.NewSnapshot(tx, space))
	if err != nil {
		return s, err
	}
	return r.waits(tx, c, s, has)
}

func (r *Registry) waits(tx store.Reader, c charm.Charm, s charm.State, has lists) (charm.State, error) {
	if s.WaitsForAccount() {
		return s, nil
	}
	if c.Recipe == "" {
		s.Waiting = charm.Wait{For: charm.ForDocuments, Why: "its documents are not in its space"}
		return s, nil
	}
	if s.Waiting = has.absence(c.ID); s.Waiting.Is() {
		return s, nil
	}
	_, err := blobby.Recipe(tx, c.Recipe)
	if errors.Is(err, store.ErrNotFound) {
		s.Waiting = charm.Wait{For: charm.ForRecipe, Why: "its recipe is not stored here"}
		return s, nil
	}
	s.Waiting = schedule.Unusable(c.Schedule)
	return s, err
}

// recipeOf is the recipe id a charm's process document names, "" when the charm
// is not there.
func recipeOf(docs cell.Documents, charmID string) (string, error) {
	process, err := cell.Process(docs, charmID)
	if err != nil {
		return "", err
	}
	doc, err := docs.Document(process)
	if err != nil || doc == nil {
		return "", err
	}
	value, _ := doc.Get("value")
	fields, ok := value.(*jsontext.Object)
	if !ok {
		return "", nil
	}
	recipe, _ := fields.Get("$TYPE")
	text, _ := recipe.(string)
	return text, nil
}

// dropped unregisters a charm whose entry somebody took out of the cell.
func (r *Registry) dropped(tx store.Tx, c charm.Charm) error {
	c.Registered, c.UpdatedAt = false, r.now()
	if _, err := tx.PutCharm(c); err != nil {
		return err
	}
	s, err := tx.State(c.Row)
	if err != nil {
		return err
	}
	r.logger.Info("charm taken out of the registry", "charm", c.Ref())
	return r.queue.Put(tx, c, s)
}
