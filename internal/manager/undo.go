package manager

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// Undo makes the documents that a run changed what they were before it, in one
// transaction that names the run in the space's log. CodeConflict: one of them has
// been changed since, or what it was is not kept any more; nothing is written then.
func (m *Manager) Undo(ctx context.Context, id string) (api.Undone, error) {
	var t trace
	var draft *memory.Draft
	err := m.store.View(ctx, func(r store.Reader) (err error) {
		if t, err = m.trace(r, id); err != nil {
			return err
		}
		if t.run.Changed == 0 {
			return charm.Errorf(charm.CodeInvalid, "run %s changed nothing", id)
		}
		if err := undoable(t); err != nil {
			return err
		}
		changes, err := reversed(t)
		if err != nil {
			return err
		}
		draft, err = memory.NewDraft(t.space, m.memory.Issuer(), changes, map[string]string{"undo": id}, m.now())
		return err
	})
	if err != nil {
		return api.Undone{}, err
	}
	receipt, err := m.transact(ctx, draft)
	if conflict, ok := errors.AsType[*memory.Conflict](err); ok {
		return api.Undone{}, charm.Errorf(charm.CodeConflict, "run %s cannot be undone: %s has been changed at this moment", id, conflict.Of)
	}
	if err != nil {
		return api.Undone{}, err
	}
	done := api.Undone{Run: id, Charm: t.charm.Ref(), Commit: receipt.Since, Documents: []api.UndoneDocument{}}
	for _, c := range t.states {
		done.Documents = append(done.Documents, api.UndoneDocument{ID: c.id(), Name: t.names[c.id()], Removed: c.before.Is == nil})
	}
	m.logger.Info("run undone", "charm", t.charm.Ref(), "run", id, "documents", len(done.Documents))
	return done, nil
}

// mostListed bounds how many documents an error names.
const mostListed = 10

// undoable is why the run cannot be undone.
func undoable(t trace) error {
	var since, gone []string
	for _, c := range t.states {
		switch {
		case !c.head:
			since = append(since, t.name(c))
		case c.gone:
			gone = append(gone, t.name(c))
		}
	}
	if n := t.forgotten(); n > 0 {
		since = append(since, fmt.Sprintf("%d whose states are not kept any more", n))
	}
	switch {
	case len(since) > 0:
		return charm.Errorf(charm.CodeConflict, "run %s cannot be undone: changed since are %s", t.run.ID, listed(since)).
			WithHint("charmd runs %s --changes shows what it did; charmd set writes single values", t.run.ID)
	case len(gone) > 0:
		return charm.Errorf(charm.CodeConflict, "run %s cannot be undone: what was before is not kept any more of %s", t.run.ID, listed(gone)).
			WithHint("the last %d superseded states of a document are kept, for %d days", charm.KeepVersions, int(charm.KeepVersionsFor.Hours()/24))
	}
	return nil
}

func listed(names []string) string {
	if n := len(names) - mostListed; n > 0 {
		names = append(names[:mostListed:mostListed], fmt.Sprintf("%d more", n))
	}
	return strings.Join(names, ", ")
}

// reversed are the changes from what the run wrote to what was before.
func reversed(t trace) ([]memory.Change, error) {
	var changes []memory.Change
	for _, c := range t.states {
		back := memory.Change{The: c.fact.The, Of: c.fact.Of, Cause: merkle.Ref(c.fact.Ref)}
		if c.before.Is != nil {
			v, err := parsed(c.before)
			if err != nil {
				return nil, err
			}
			back.Is, back.Has = v, true
		}
		changes = append(changes, back)
	}
	return changes, nil
}
