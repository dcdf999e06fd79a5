package manager

import (
	"context"
	"errors"
	"fmt"

	"charmd/internal/api"
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/queue"
	"charmd/internal/runcharm"
	"charmd/internal/store"
	"charmd/internal/wire"
)

// Update gives a charm another recipe, or with Back the one it had before, in one
// transaction; with DryRun it only tells what that does. CodeCompile: the recipe
// does not load on the charm's documents. CodeConflict: the charm does not have
// the recipe that it was to have.
func (m *Manager) Update(ctx context.Context, space, name string, req api.UpdateRequest) (out api.Updated, err error) {
	change := m.recast
	if req.Back {
		change = m.goBack
	}
	for tries := 1; ; tries++ {
		out, err = change(ctx, space, name, req)
		if _, changed := errors.AsType[*memory.Conflict](err); !changed || tries > charm.MaxConflicts {
			return out, err
		}
	}
}

// recasting is a charm on its way to another recipe.
type recasting struct {
	charm   charm.Charm
	space   charm.Space
	process string           // id of the process document
	doc     *jsontext.Object // its stored form
}

func (m *Manager) recast(ctx context.Context, space, name string, req api.UpdateRequest) (out api.Updated, err error) {
	rec, err := m.runner.Compile(ctx, req.Entry, req.Files)
	if err != nil {
		return out, err
	}
	u, err := m.recasting(ctx, space, name, req.From)
	if err != nil {
		return out, err
	}
	out = api.Updated{
		Charm: u.charm.Ref(), Before: u.charm.Recipe, After: rec.ID, File: rec.Name, DryRun: req.DryRun,
		Cells: []api.UpdatedCell{}, Documents: []api.ChangedDocument{},
	}
	if rec.ID == u.charm.Recipe {
		return out, nil
	}
	plan, err := m.cellPlan(ctx, u, rec, req.Moves)
	if err != nil {
		return out, err
	}
	out.Cells, out.Loses = plan.cells, plan.loses
	r, err := m.take(ctx, u, rec, plan)
	if err != nil {
		return out, err
	}
	if u.charm.Registered && !r.Report.Updater {
		return out, charm.Errorf(charm.CodeNoUpdater, "%s: the result has no bgUpdater handler, so %s would have nothing to run in the background", exportPosition(rec), u.charm.Ref()).
			WithHint("expose one as bgUpdater")
	}
	if err := m.store.View(ctx, func(v store.Reader) error { return describe(v, u.charm.ID, r.Draft, &out) }); err != nil || req.DryRun {
		return out, err
	}
	if m.publish != nil {
		if err := m.inTime(ctx, func(ctx context.Context) error { return m.publish(ctx, rec) }); err != nil {
			return out, err
		}
	}
	err = m.commit(ctx, u.charm.Space, memory.Write{
		Draft: func(v store.Reader, space charm.Space) (*memory.Draft, error) {
			if err := memory.Check(v, space, r.Read); err != nil {
				return nil, fmt.Errorf("what the recipe took up: %w", err)
			}
			r.Draft.Read = r.Read
			return r.Draft, stillHas(v, u.charm)
		},
		Then: func(tx store.Tx, receipt memory.Receipt) error {
			out.Commit = receipt.Since
			if err := tx.PutRecipe(rec); err != nil {
				return err
			}
			if err := m.enterRecast(tx, u.charm, rec.ID); err != nil {
				return err
			}
			if err := m.runner.SaveHosts(tx, r); err != nil {
				return err
			}
			return tx.AddRecast(store.Recast{Charm: u.charm.Row, Since: out.Commit, At: m.now(), Before: u.charm.Recipe, After: rec.ID}, charm.KeepRecasts)
		},
	})
	if err != nil {
		return out, err
	}
	m.logger.Info("charm updated", "charm", u.charm.Ref(), "from", out.Before, "to", out.After, "commit", out.Commit)
	return out, m.queue.TryAfterChange(ctx, u.charm.Row)
}

// recasting reads the charm as it is.
func (m *Manager) recasting(ctx context.Context, space, name, from string) (u recasting, err error) {
	err = m.view(ctx, space, name, func(_ store.Reader, c charm.Charm, docs *cell.Snapshot) error {
		u.charm, u.space = c, docs.Space()
		if c.Timeout == 0 {
			u.charm.Timeout = m.timeout
		}
		if from != "" && c.Recipe != from {
			return charm.Errorf(charm.CodeConflict, "%s has been given another recipe meanwhile", c.Ref()).WithHint("look again, and try again")
		}
		ref, err := merkle.ParseLink(c.ID)
		if err != nil {
			return err
		}
		u.process = merkle.ProcessID(ref).Link()
		u.doc, err = docs.Document(u.process)
		return err
	})
	return u, err
}

// cellPlan asks both recipes for their cells. The one before may be what is to be
// repaired, and is not needed then.
func (m *Manager) cellPlan(ctx context.Context, u recasting, rec charm.Recipe, moves map[string]string) (cellPlan, error) {
	stored := jsontext.NewObject()
	if u.doc != nil {
		value, _ := u.doc.Get("value")
		if process, ok := value.(*jsontext.Object); ok {
			if internal, ok := process.Get("internal"); ok {
				stored, _ = internal.(*jsontext.Object)
			}
		}
	}
	after, err := m.runner.Cells(ctx, rec, u.charm)
	if err != nil {
		return cellPlan{}, err
	}
	var before []wire.Cell
	old, err := m.runner.StoredRecipe(ctx, u.charm.Recipe)
	if err == nil {
		before, err = m.runner.Cells(ctx, old, u.charm)
	}
	if err != nil {
		before = storedCells(stored)
	}
	return planCells(stored, before, after, moves)
}

// take lets the recipe take the charm's documents up, with its cells as planned.
// Nothing is written.
func (m *Manager) take(ctx context.Context, u recasting, rec charm.Recipe, plan cellPlan) (runcharm.Result, error) {
	work := runcharm.Work{
		Run: queue.NewID(m.now()), Occasion: u.charm.ID, Mode: wire.ModeTake, Charm: u.charm, Recipe: &rec, Timeout: u.charm.Timeout,
	}
	if u.doc != nil {
		doc := jsontext.Clone(u.doc).(*jsontext.Object)
		value, _ := doc.Get("value")
		if process, ok := value.(*jsontext.Object); ok {
			process.Set("internal", plan.internal)
		}
		work.Documents = map[string][]byte{u.process: jsontext.Append(nil, doc)}
	}
	session, err := m.runner.Open(ctx, work)
	if err != nil {
		return runcharm.Result{}, err
	}
	r := session.Attempt(ctx)
	return r, r.Failure(rec)
}

// describe tells how the draft changes documents.
func describe(v store.Reader, id string, draft *memory.Draft, out *api.Updated) error {
	if draft == nil {
		return nil
	}
	names, err := DocumentNames(cell.NewSnapshot(v, draft.Space), id)
	if err != nil {
		return err
	}
	t := trace{names: names}
	for _, c := range draft.Changes {
		head, err := v.Head(draft.Space.Row, c.The, c.Of)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		after := c.Is
		if !c.Has {
			after = jsontext.NewObject()
		}
		if err := t.add(&out.Documents, change{fact: store.Fact{Of: c.Of}}.id(), head, after); err != nil {
			return err
		}
	}
	return nil
}

// stillHas reports whether charm c has the recipe that it had.
func stillHas(v store.Reader, c charm.Charm) error {
	stored, err := v.Charm(c.Row)
	if err == nil && stored.Recipe != c.Recipe {
		err = charm.Errorf(charm.CodeConflict, "%s has been given another recipe at this moment", c.Ref()).WithHint("look again, and try again")
	}
	return err
}

// enterRecast gives the charm the recipe that its documents have been written for.
func (m *Manager) enterRecast(tx store.Tx, c charm.Charm, recipe string) error {
	stored, err := tx.Charm(c.Row)
	if err != nil {
		return err
	}
	stored.Recipe, stored.UpdatedAt = recipe, m.now()
	if _, err := tx.PutCharm(stored); err != nil {
		return err
	}
	s, err := tx.State(c.Row)
	if err != nil {
		return err
	}
	if s.Waiting.Is() { // as a rule for the recipe
		if s, err = m.registry.Waits(tx, stored, s); err != nil {
			return err
		}
	}
	return m.queue.Put(tx, stored, s)
}
