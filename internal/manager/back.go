package manager

import (
	"context"
	"errors"

	"charmd/internal/api"
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// goBack gives a charm the recipe that it had before its last update, and its
// documents as they were then, as far as those states are kept.
func (m *Manager) goBack(ctx context.Context, space, name string, req api.UpdateRequest) (out api.Updated, err error) {
	u, err := m.recasting(ctx, space, name, req.From)
	if err != nil {
		return out, err
	}
	var last store.Recast
	var draft *memory.Draft
	err = m.store.View(ctx, func(r store.Reader) error {
		if last, err = m.lastRecast(r, u.charm); err != nil {
			return err
		}
		out = api.Updated{
			Charm: u.charm.Ref(), Before: u.charm.Recipe, After: last.Before, DryRun: req.DryRun, Back: true,
			Cells: []api.UpdatedCell{}, Documents: []api.ChangedDocument{},
		}
		old, err := r.Recipe(last.Before)
		if err != nil {
			return charm.Errorf(charm.CodeInvalid, "%s cannot go back: the recipe %s is not stored any more", u.charm.Ref(), last.Before)
		}
		out.File = old.Name
		runs, err := r.Runs(store.RunFilter{Charm: u.charm.Row, Since: last.At, Limit: charm.KeepRuns})
		if err != nil {
			return err
		}
		for _, run := range runs {
			if run.Since > last.Since {
				out.Runs++
			}
		}
		out.Loses = out.Runs > 0
		if draft, out.Forgotten, err = m.backwards(r, u, last); err != nil {
			return err
		}
		return describe(r, u.charm.ID, draft, &out)
	})
	if err != nil || req.DryRun {
		return out, err
	}
	err = m.commit(ctx, u.charm.Space, memory.Write{
		Draft: func(v store.Reader, _ charm.Space) (*memory.Draft, error) {
			if err := stillHas(v, u.charm); err != nil {
				return nil, err
			}
			draft, _, err := m.backwards(v, u, last)
			return draft, err
		},
		Then: func(tx store.Tx, receipt memory.Receipt) error {
			out.Commit = receipt.Since
			if err := m.enterRecast(tx, u.charm, last.Before); err != nil {
				return err
			}
			return tx.DropRecast(u.charm.Row)
		},
	})
	if err != nil {
		return out, err
	}
	m.logger.Info("charm went back to the recipe before", "charm", u.charm.Ref(), "from", out.Before, "to", out.After, "commit", out.Commit)
	return out, m.queue.TryAfterChange(ctx, u.charm.Row)
}

func (m *Manager) lastRecast(r store.Reader, c charm.Charm) (store.Recast, error) {
	list, err := r.Recasts(c.Row)
	if err != nil {
		return store.Recast{}, err
	}
	if len(list) == 0 || list[0].After != c.Recipe {
		return store.Recast{}, charm.Errorf(charm.CodeInvalid, "%s cannot go back: it has not been updated, or went back already", c.Ref()).
			WithHint("charmd update %s FILE.tsx gives it any recipe", c.Ref())
	}
	return list[0], nil
}

// backwards is the transaction that makes the charm's own documents what they were
// before the update. Those whose state then is not kept stay as they are, and are
// counted; the process document must not be one of them.
func (m *Manager) backwards(r store.Reader, u recasting, last store.Recast) (*memory.Draft, int, error) {
	ids, err := m.ownDocuments(r, u, last)
	if err != nil {
		return nil, 0, err
	}
	var changes []memory.Change
	forgotten := 0
	for _, id := range ids {
		head, err := r.Head(u.space.Row, memory.JSON, memory.Of(id))
		if errors.Is(err, store.ErrNotFound) || err == nil && head.Since < last.Since {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		then, err := r.FactAsOf(u.space.Row, memory.JSON, memory.Of(id), last.Since-1)
		switch {
		case errors.Is(err, store.ErrForgotten) && id == u.process:
			return nil, 0, charm.Errorf(charm.CodeInvalid, "%s cannot go back: its state before the update is not kept any more", u.charm.Ref()).
				WithHint("charmd update %s with the file of the recipe before keeps the state as it is now", u.charm.Ref())
		case errors.Is(err, store.ErrForgotten):
			forgotten++
			continue
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return nil, 0, err
		}
		back := memory.Change{The: memory.JSON, Of: memory.Of(id), Cause: merkle.Ref(head.Ref)}
		if then.Is != nil {
			if back.Is, err = parsed(then); err != nil {
				return nil, 0, err
			}
			back.Has = true
		} else if head.Is == nil {
			continue // it was gone, and is
		}
		changes = append(changes, back)
	}
	draft, err := memory.NewDraft(u.space, m.memory.Issuer(), changes, map[string]string{"back": last.Before}, m.now())
	return draft, forgotten, err
}

// mostOwn bounds how many documents of a charm are looked at.
const mostOwn = 100_000

// ownDocuments are the ids of the charm's own documents: result and process, and
// what they link to, now or before the update, whose source leads to them.
// Documents of other charms that it links to are not.
func (m *Manager) ownDocuments(r store.Reader, u recasting, last store.Recast) ([]string, error) {
	own := map[string]bool{u.charm.ID: true, u.process: true}
	list := []string{u.charm.ID, u.process}
	for at := 0; at < len(list) && len(list) < mostOwn; at++ {
		states, err := bothStates(r, u.space, list[at], last)
		if err != nil {
			return nil, err
		}
		for _, doc := range states {
			value, _ := doc.Get("value")
			for _, id := range cell.Linked(value) {
				if own[id] {
					continue
				}
				linked, err := bothStates(r, u.space, id, last)
				if err != nil {
					return nil, err
				}
				for _, d := range linked {
					if source, ok := cell.Source(d); ok && own[source] && !own[id] {
						own[id] = true
						list = append(list, id)
					}
				}
			}
		}
	}
	return list, nil
}

// bothStates is a document as it is, and as it was before the update, as far as
// there is one and it is kept.
func bothStates(r store.Reader, space charm.Space, id string, last store.Recast) (states []*jsontext.Object, err error) {
	head, err := r.Head(space.Row, memory.JSON, memory.Of(id))
	facts := []store.Fact{head}
	if err == nil && head.Since >= last.Since {
		var then store.Fact
		then, err = r.FactAsOf(space.Row, memory.JSON, memory.Of(id), last.Since-1)
		facts = append(facts, then)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrForgotten) {
		return nil, err
	}
	for _, f := range facts {
		v, err := parsed(f)
		if err != nil {
			return nil, err
		}
		if doc, ok := v.(*jsontext.Object); ok && doc.Len() > 0 {
			states = append(states, doc)
		}
	}
	return states, nil
}
