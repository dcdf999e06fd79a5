package handlers

import (
	"context"
	"errors"
	"time"

	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/runcharm"
	"charmd/internal/store"
)

// onPages is what is put behind the service in the marks of acts: they have an entry
// of their own there, so that no background run covers what became of an act.
const onPages = "/pages"

// runBeside is run where another toolshed has the charm's space: what the act
// changes goes there first, with a mark that says which act it was.
func (h *Interact) runBeside(ctx context.Context, act Act, id string, due time.Time, session *runcharm.Session) (charm.Run, error) {
	for conflicts := 0; ; conflicts++ {
		if run, done, err := h.settle(ctx, act); done || err != nil {
			return run, err
		}
		result := session.Attempt(ctx)
		sayWhy(ctx, &result)
		run, err := h.commitBeside(ctx, act, id, due, result, conflicts)
		switch {
		case errors.Is(err, errOwed):
		case !isConflict(err):
			return run, err
		case conflicts >= charm.MaxConflicts:
			return h.commit(ctx, act, id, due, contended(result), conflicts, nil)
		}
	}
}

func (h *Interact) commitBeside(ctx context.Context, act Act, id string, due time.Time, r runcharm.Result, conflicts int) (charm.Run, error) {
	if r.Draft == nil {
		return h.commit(ctx, act, id, due, r, conflicts, nil) // it did nothing that another could see
	}
	run := h.record(act, id, due, r, conflicts)
	limited, cancel := context.WithTimeout(ctx, takenWithin)
	defer cancel()
	err := h.Upstream.Commit(limited, r.Space.DID, memory.Write{
		Draft: func(v store.Reader, space charm.Space) (*memory.Draft, error) {
			last, err := standing(v, space, r)
			if err != nil {
				return nil, err
			}
			if _, owed, err := h.owed(v, act.Charm, last); err != nil || owed {
				return nil, errors.Join(err, errOwed)
			}
			return last.with(h.Service+onPages, entry{Run: id, Job: act.ID}).draft(space, h.Memory.Issuer(), r, h.Now())
		},
		Then: func(tx store.Tx, receipt memory.Receipt) error {
			run.Since = receipt.Since
			if err := h.Runner.SaveHosts(tx, r); err != nil {
				return err
			}
			return h.settled(tx, act, run)
		},
	})
	switch code := charm.CodeOf(err); {
	case err == nil:
		h.done(ctx, act, run)
	case isConflict(err):
	case code == charm.CodeConflict: // another act has found it in the toolshed and written its record
		return run, errOwed
	case code == charm.CodeTooLarge, code == charm.CodeInvalid, code == charm.CodeForbidden: // sending it again cannot help
		return h.commit(ctx, act, id, due, failed(r, charm.Errored, code, err), conflicts, nil)
	}
	return run, err
}

// settled writes the record of an act that the toolshed has applied, and that it
// was the last one on the charm.
func (h *Interact) settled(tx store.Tx, act Act, run charm.Run) error {
	tx.AfterCommit(func() { h.count(act, run) })
	if err := tx.SetValue(store.LastActKey(run.Charm), run.ID); err != nil {
		return err
	}
	return tx.AddRun(run)
}

// owed is the last act of ours that the mark names, if it has no record here and
// never had one.
func (h *Interact) owed(v store.Reader, c charm.Charm, m mark) (entry, bool, error) {
	mine, ok := m.services[h.Service+onPages]
	if !ok {
		return mine, false, nil
	}
	last, err := v.Value(store.LastActKey(c.Row))
	if err != nil || last == mine.Run {
		return mine, false, err
	}
	_, err = v.Run(mine.Run)
	if errors.Is(err, store.ErrNotFound) {
		return mine, true, nil
	}
	return mine, false, err
}

// settle writes the record of an act that was applied in the toolshed and whose
// answer was lost; done: it was this one, or another call has written its record.
func (h *Interact) settle(ctx context.Context, act Act) (run charm.Run, done bool, err error) {
	if run, done, err = h.recorded(ctx, act.Charm.Row, act.ID); done || err != nil {
		return run, done, err
	}
	var mine entry
	var owed bool
	err = h.Store.View(ctx, func(v store.Reader) error {
		space, err := v.Space(act.Charm.Space)
		if err != nil {
			return err
		}
		version, err := runcharm.MarkOf(v, space, act.Charm.ID)
		if err != nil {
			return err
		}
		m, err := readMark(v, space, version)
		if err != nil {
			return err
		}
		mine, owed, err = h.owed(v, act.Charm, m)
		return err
	})
	if err != nil || !owed {
		return run, false, err
	}
	now := h.Now()
	lost := act
	lost.ID = mine.Job
	run = h.record(lost, mine.Run, now, runcharm.Result{
		Outcome: charm.OK, Started: now, Ended: now, Log: "charmd: its answer was lost, and the toolshed has applied it\n",
	}, 0)
	err = durably(ctx, h.Store, h.Logger, func(tx store.Tx) error { return h.settled(tx, lost, run) })
	if charm.CodeOf(err) == charm.CodeConflict { // another act was quicker
		return h.recorded(ctx, act.Charm.Row, act.ID)
	}
	if err == nil {
		h.done(ctx, lost, run)
	}
	return run, lost.ID == act.ID, err
}
