package manager

import (
	"context"
	"errors"
	"slices"
	"strings"

	"charmd/internal/api"
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/jsondiff"
	"charmd/internal/memory"
	"charmd/internal/runcharm"
	"charmd/internal/store"
)

// Replay makes a run again from its record: with the documents as they were, and
// nothing asked of the network. Nothing is written. CodeInvalid: what it takes is
// not kept any more.
func (m *Manager) Replay(ctx context.Context, id string, req api.ReplayRequest) (out api.Replayed, err error) {
	t, rec, err := m.recorded(ctx, id)
	if err != nil {
		return out, err
	}
	var program *charm.Recipe
	if req.Entry != "" {
		compiled, err := m.runner.Compile(ctx, req.Entry, req.Files)
		if err != nil {
			return out, err
		}
		program = &compiled
	}
	session, err := m.runner.Again(ctx, id, t.charm, rec, program)
	if err != nil {
		return out, err
	}
	r := session.Attempt(ctx)
	switch {
	case strings.Contains(r.Error, runcharm.ErrForgotten.Error()):
		return out, charm.Errorf(charm.CodeInvalid, "run %s cannot be made again: %w", id, runcharm.ErrForgotten)
	case r.Outcome == charm.Lost || r.Outcome == charm.Cancelled:
		return out, charm.Errorf(charm.CodeUnavailable, "run %s could not be made again: %s", id, r.Error)
	}
	out = api.Replayed{
		Run: id, Charm: t.charm.Ref(), Outcome: r.Outcome, Code: r.Code, Error: r.Error, Position: r.Position, Handler: r.Handler,
		Forgotten: t.forgotten(), Requests: AskedJSON(r.Asked), Log: r.Log, Differs: []api.Difference{},
		Documents: []api.ChangedDocument{}, Differences: []api.ChangedDocument{},
	}
	if program != nil {
		out.With = program.Name
	}
	if err := m.store.View(ctx, func(v store.Reader) error { return t.compare(v, r, &out) }); err != nil {
		return out, err
	}
	out.Same = len(out.Differs) == 0 && len(out.Differences) == 0 && out.Forgotten == 0
	return out, nil
}

// recorded finds a run, what it wrote and what it followed from.
func (m *Manager) recorded(ctx context.Context, id string) (t trace, rec runcharm.Recording, err error) {
	err = m.store.View(ctx, func(r store.Reader) error {
		if t, err = m.trace(r, id); err != nil {
			return err
		}
		body, err := r.Recording(t.charm.Row, id)
		if errors.Is(err, store.ErrNotFound) {
			return m.notRecorded(r, t)
		}
		if err != nil {
			return err
		}
		if rec, err = runcharm.DecodeRecording(body); err == nil && t.names == nil {
			t.names, err = DocumentNames(cell.NewSnapshot(r, t.space), t.charm.ID)
		}
		return err
	})
	return t, rec, err
}

func (m *Manager) notRecorded(r store.Reader, t trace) error {
	e := charm.Errorf(charm.CodeInvalid, "run %s cannot be made again: what it followed from is not kept, or not any more", t.run.ID)
	kept, err := r.Recordings(t.charm.Row)
	if err != nil {
		return err
	}
	if len(kept) == 0 {
		return e.WithHint("CHARMD_KEEP_REPLAYS says for how many of a charm's last runs it is")
	}
	return e.WithHint("of %s it is for %s", t.charm.Ref(), strings.Join(kept, ", "))
}

// compare tells what the replay changes, and where that is not what the run did.
func (t trace) compare(v store.Reader, r runcharm.Result, out *api.Replayed) error {
	differ := func(what, was, is string) {
		if was != is {
			out.Differs = append(out.Differs, api.Difference{What: what, Was: was, Is: is})
		}
	}
	differ("outcome", string(t.run.Outcome), string(r.Outcome))
	differ("error", t.run.Error, r.Error)
	if out.With == "" {
		differ("position", t.run.Position, r.Position)
	}
	if !sameLog(t.run.Log, r.Log) {
		differ("log", t.run.Log, r.Log)
	}

	wrote := map[string]store.Fact{}
	for _, c := range t.states {
		wrote[c.id()] = c.fact
	}
	var changes []memory.Change
	if r.Draft != nil {
		changes = r.Draft.Changes
	}
	for _, c := range changes {
		id := strings.TrimPrefix(c.Of, memory.Of(""))
		before, err := v.FactAsOf(r.Space.Row, c.The, c.Of, r.Space.Since)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := t.add(&out.Documents, id, before, c.Is); err != nil {
			return err
		}
		was, known := wrote[id]
		delete(wrote, id)
		if !known && t.forgotten() > 0 {
			continue // it may be one of those
		}
		if err := t.differs(out, id, was, c.Is); err != nil {
			return err
		}
	}
	for _, c := range t.states {
		if was, left := wrote[c.id()]; left {
			before, err := parsed(c.before)
			if err != nil {
				return err
			}
			if err := t.differs(out, c.id(), was, before); err != nil {
				return err
			}
		}
	}
	return nil
}

// sameLog reports whether a replay printed what the run did, as far as nothing was
// taken out of the record.
func sameLog(was, is string) bool {
	a, b := strings.Split(was, "\n"), strings.Split(is, "\n")
	return len(a) == len(b) && !slices.ContainsFunc(b, func(line string) bool {
		before := a[0]
		a = a[1:]
		return line != before && !strings.Contains(line, egress.Redacted)
	})
}

func (t trace) add(list *[]api.ChangedDocument, id string, before store.Fact, after any) error {
	was, err := parsed(before)
	if err != nil {
		return err
	}
	doc := DocumentChange(id, t.names[id], was, after)
	doc.Created = before.Is == nil
	*list = append(*list, doc)
	return nil
}

// differs adds how what the replay makes of a document differs from what the run
// did. What was taken out of the record cannot be compared.
func (t trace) differs(out *api.Replayed, id string, was store.Fact, is any) error {
	before, err := parsed(was)
	if err != nil {
		return err
	}
	doc := DocumentChange(id, t.names[id], before, is)
	kept := doc.Changes[:0]
	for _, e := range doc.Changes {
		if strings.Contains(string(e.After), egress.Redacted) {
			out.Redacted++
			continue
		}
		kept = append(kept, e)
	}
	if doc.Changes = kept; len(kept) > 0 {
		out.Differences = append(out.Differences, doc)
	}
	return nil
}

// DocumentChange tells how the stored form of a document changes.
func DocumentChange(id, name string, before, after any) api.ChangedDocument {
	doc := api.ChangedDocument{ID: id, Name: name, Changes: []api.Edit{}}
	edits, more := jsondiff.Diff(before, after, mostEdits)
	doc.More = more
	for _, e := range edits {
		doc.Changes = append(doc.Changes, editJSON(e))
	}
	return doc
}

// AskedJSON are requests for people and programs.
func AskedJSON(list []runcharm.Asked) []api.Asked {
	out := []api.Asked{}
	for _, a := range list {
		out = append(out, api.Asked{Method: a.Method, URL: a.URL, Status: a.Status, Error: a.Error})
	}
	return out
}
