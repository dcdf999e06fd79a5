package registry

import (
	"context"
	"time"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// lists are the charms that a space has in its lists (runtime spec §4), by id. A
// charm that is in none of them was taken away there, and does not run.
type lists struct {
	kept  map[string]bool // charms, pinned or not
	trash map[string]bool
}

func listsOf(docs cell.Documents) (l lists, err error) {
	if l.kept, err = cell.Members(docs, merkle.Charms.Link(), merkle.Pinned.Link()); err == nil {
		l.trash, err = cell.Members(docs, merkle.Trash.Link())
	}
	return l, err
}

// absence is why the lists keep a charm from running.
func (l lists) absence(id string) charm.Wait {
	switch {
	case l.kept[id]:
		return charm.Wait{}
	case l.trash[id]:
		return charm.Wait{For: charm.ForLists, Why: "it is in the trash of its space"}
	}
	return charm.Wait{For: charm.ForLists, Why: "it is in none of its space's lists (charms, pinned)"}
}

// listDocuments are the documents that say what runs.
var listDocuments = map[string]bool{
	memory.Of(merkle.Charms.Link()): true, memory.Of(merkle.Pinned.Link()): true, memory.Of(merkle.Trash.Link()): true,
}

// hearLists notes that a transaction changed the lists of its space.
func (r *Registry) hearLists(e memory.Effect) {
	for _, c := range e.Changes {
		if listDocuments[c.Of] {
			r.mu.Lock()
			r.relist[e.Space] = true
			r.mu.Unlock()
			r.look()
			return
		}
	}
}

// Relist brings the registered charms in step with the lists of their spaces, as
// far as those have changed: in all spaces the first time.
func (r *Registry) Relist(ctx context.Context) error {
	r.mu.Lock()
	spaces := r.relist
	r.relist = map[string]bool{}
	r.mu.Unlock()
	if len(spaces) == 0 {
		return nil
	}
	err := r.store.Update(ctx, func(tx store.Tx) error {
		for _, did := range affected(spaces) {
			if err := r.relistSpace(tx, did); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		for did := range spaces {
			r.relist[did] = true
		}
	}
	return err
}

// everywhere stands for all spaces among those whose lists have changed.
const everywhere = ""

func affected(spaces map[string]bool) []string {
	if spaces[everywhere] {
		return []string{everywhere}
	}
	var list []string
	for did := range spaces {
		list = append(list, did)
	}
	return list
}

func (r *Registry) relistSpace(tx store.Tx, did string) error {
	charms, err := tx.Charms(did)
	if err != nil {
		return err
	}
	docs := map[string]*cell.Snapshot{}
	has := map[string]lists{}
	for _, c := range charms {
		if !c.Registered {
			continue
		}
		if docs[c.Space] == nil {
			space, err := tx.Space(c.Space)
			if err != nil {
				return err
			}
			docs[c.Space] = cell.NewSnapshot(tx, space)
			if has[c.Space], err = listsOf(docs[c.Space]); err != nil {
				return err
			}
		}
		if err := r.relistCharm(tx, c, docs[c.Space], has[c.Space]); err != nil {
			return err
		}
	}
	return nil
}

func (r *Registry) relistCharm(tx store.Tx, c charm.Charm, docs *cell.Snapshot, has lists) error {
	s, err := tx.State(c.Row)
	if err != nil {
		return err
	}
	if c.Recipe == "" { // its documents may have come with the list
		if c.Recipe, err = recipeOf(docs, c.ID); err != nil {
			return err
		}
		if c.Recipe != "" {
			if _, err := tx.PutCharm(c); err != nil {
				return err
			}
		}
	}
	before := s.Waiting
	if s, err = r.waits(tx, c, s, has); err != nil || s.Waiting == before {
		return err
	}
	if s.Waiting.Is() {
		s.NextRun = time.Time{}
		r.logger.Info("charm waits", "charm", c.Ref(), "reason", s.Waiting.Why)
	}
	return r.queue.Put(tx, c, s)
}
