package manager

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"charmd/internal/api"
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsondiff"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/store"
)

// trace is what is still known of the changes of a run.
type trace struct {
	run    charm.Run
	charm  charm.Charm
	space  charm.Space
	states []change
	names  map[string]string // of documents by id
}

// change is one fact that a run wrote.
type change struct {
	fact   store.Fact
	before store.Fact // zero when there was nothing
	gone   bool       // what was before is not kept any more
	head   bool       // it is what the document is now
}

func (c change) id() string { return strings.TrimPrefix(c.fact.Of, memory.Of("")) }

// name is what people call the document.
func (t trace) name(c change) string {
	if name := t.names[c.id()]; name != "" {
		return name
	}
	return c.id()
}

// forgotten is how many documents the run changed of which nothing is known.
func (t trace) forgotten() int { return max(t.run.Changed-len(t.states), 0) }

// trace finds what a run wrote. CodeNotFound: there is no such run, or its charm
// is gone; CodeInvalid: which documents it changed was never recorded.
func (m *Manager) trace(r store.Reader, id string) (t trace, err error) {
	t.run, err = r.Run(id)
	if errors.Is(err, store.ErrNotFound) {
		return t, noRun(id)
	}
	if err != nil {
		return t, err
	}
	if t.run.Charm == 0 {
		return t, charm.Errorf(charm.CodeInvalid, "run %s was maintenance, which changes no documents", id)
	}
	t.charm, err = r.Charm(t.run.Charm)
	if errors.Is(err, store.ErrNotFound) {
		return t, charm.Errorf(charm.CodeNotFound, "the charm of run %s has been removed, so what the run changed cannot be found", id)
	}
	if err != nil {
		return t, err
	}
	if t.space, err = r.Space(t.charm.Space); err != nil || t.run.Changed == 0 {
		return t, err
	}
	if t.run.Since == 0 {
		return t, charm.Errorf(charm.CodeInvalid, "run %s was recorded by an older charmd, which did not keep what it changed", id)
	}
	facts, err := r.FactsAt(t.space.Row, t.run.Since)
	if err != nil {
		return t, err
	}
	for _, f := range facts {
		if f.The != memory.JSON {
			continue // the mark of the run, in another toolshed
		}
		c, err := stateOf(r, f)
		if err != nil {
			return t, err
		}
		t.states = append(t.states, c)
	}
	t.names, err = DocumentNames(cell.NewSnapshot(r, t.space), t.charm.ID)
	return t, err
}

func noRun(id string) error {
	return charm.Errorf(charm.CodeNotFound, "there is no run %s", id).WithHint("see them with: charmd runs; a run that is in flight has no record yet")
}

func stateOf(r store.Reader, f store.Fact) (c change, err error) {
	c.fact = f
	head, err := r.Head(f.Space, f.The, f.Of)
	if err != nil {
		return c, err
	}
	c.head = head.Ref == f.Ref
	c.before, err = r.FactAsOf(f.Space, f.The, f.Of, f.Since-1)
	switch {
	case errors.Is(err, store.ErrForgotten):
		c.gone, err = true, nil
	case errors.Is(err, store.ErrNotFound):
		err = nil
	}
	return c, err
}

// DocumentNames says how the documents of a charm are reached from its result and
// process documents, by id.
func DocumentNames(docs cell.Documents, id string) (map[string]string, error) {
	process, err := cell.Process(docs, id)
	if err != nil {
		return nil, fmt.Errorf("charm id %q: %w", id, err)
	}
	names := map[string]string{id: "result", process: "process"}
	return names, cell.Names(docs, names, id, process)
}

// mostEdits bounds how many changes of one document are told.
const mostEdits = 200

// Changes is what a run changed.
func (m *Manager) Changes(ctx context.Context, id string) (out api.Changes, err error) {
	err = m.store.View(ctx, func(r store.Reader) error {
		t, err := m.trace(r, id)
		if err != nil {
			return err
		}
		out = api.Changes{
			Run: id, Charm: t.charm.Ref(), Space: t.space.DID, Commit: t.run.Since, Documents: []api.ChangedDocument{}, Forgotten: t.forgotten(),
		}
		for _, c := range t.states {
			doc, err := changedDocument(c)
			if err != nil {
				return err
			}
			doc.Name = t.names[doc.ID]
			out.Documents = append(out.Documents, doc)
		}
		return nil
	})
	return out, err
}

func changedDocument(c change) (api.ChangedDocument, error) {
	doc := api.ChangedDocument{ID: c.id(), Created: c.before.Is == nil && !c.gone, Forgotten: c.gone, Changed: !c.head, Changes: []api.Edit{}}
	if c.gone {
		return doc, nil
	}
	before, err := parsed(c.before)
	if err != nil {
		return doc, err
	}
	after, err := parsed(c.fact)
	if err != nil {
		return doc, err
	}
	changed := DocumentChange(doc.ID, "", before, after)
	doc.Changes, doc.More = changed.Changes, changed.More
	return doc, nil
}

// parsed is the stored form of a document; an empty one when there was none.
func parsed(f store.Fact) (any, error) {
	if f.Is == nil {
		return jsontext.NewObject(), nil
	}
	v, err := jsontext.Parse(f.Is, jsontext.DefaultLimits)
	if err != nil {
		return nil, fmt.Errorf("a state of %s: %w", f.Of, err)
	}
	return v, nil
}

func editJSON(e jsondiff.Edit) api.Edit {
	out := api.Edit{Path: e.Path}
	if e.Was {
		out.Before = jsontext.Append(nil, e.Before)
	}
	if e.Is {
		out.After = jsontext.Append(nil, e.After)
	}
	return out
}
