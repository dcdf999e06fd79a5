package handlers

import (
	"context"
	"errors"
	"time"

	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/queue"
	"charmd/internal/runcharm"
	"charmd/internal/store"
)

// takenWithin is how long another toolshed may take to say that it took what a run
// changed. A run that hears nothing by then goes back to the queue, and its
// lease has not run out.
const takenWithin = charm.LeaseSlack / 3

// errOwed says that the charm's last run in the toolshed is one of ours that has
// no record of having been applied.
var errOwed = errors.New("a run that was taken for lost was applied")

// attemptsBeside is untilCommitted where another toolshed has the charm's space.
func (h *ExecuteCharm) attemptsBeside(ctx, flight context.Context, claim queue.Claim, session *runcharm.Session) (*queue.Claim, error) {
	for conflicts := 0; ; {
		if next, done, err := h.settle(ctx, claim); done || err != nil {
			return next, err
		}
		result := session.Attempt(flight)
		sayWhy(flight, &result)
		next, err := h.commitBeside(ctx, claim, result, conflicts)
		switch {
		case errors.Is(err, errOwed):
			continue
		case !isConflict(err):
			return next, err
		case conflicts >= charm.MaxConflicts:
			return h.commit(ctx, claim, contended(result), conflicts, nil)
		}
		conflicts++
	}
}

// commitBeside writes the end of the claim: what the run changed goes to the
// toolshed first, with the mark of the run, and what follows from it is written
// here when the toolshed has taken it.
func (h *ExecuteCharm) commitBeside(ctx context.Context, claim queue.Claim, r runcharm.Result, conflicts int) (*queue.Claim, error) {
	if r.Draft == nil {
		return h.commit(ctx, claim, r, conflicts, nil) // it did nothing that another could see
	}
	e := &ending{ExecuteCharm: h, claim: claim, result: r, conflicts: conflicts, run: record(claim, r, conflicts)}
	if err := e.record(); err != nil {
		return nil, err
	}
	h.Queue.Dispatched(claim)
	limited, cancel := context.WithTimeout(ctx, takenWithin)
	defer cancel()
	taken := false
	err := h.Upstream.Commit(limited, r.Space.DID, memory.Write{
		Draft: func(v store.Reader, space charm.Space) (*memory.Draft, error) { return h.marked(v, space, claim, r) },
		Then: func(tx store.Tx, receipt memory.Receipt) error {
			taken, e.receipt = true, &receipt
			return e.write(tx)
		},
	})
	switch {
	case err == nil:
		return e.done(), nil
	case isConflict(err), errors.Is(err, errOwed):
		return nil, err
	}
	e.giveBack()
	switch code := charm.CodeOf(err); {
	case errors.Is(err, queue.ErrNotOurs):
		return nil, h.applied(ctx, claim, e.run)
	case taken:
		return nil, err // it stays claimed here until it is recovered, and is found there then
	case code == charm.CodeTooLarge, code == charm.CodeInvalid:
		r = failed(r, charm.Errored, code, err)
	case code == charm.CodeForbidden:
		r = failed(r, charm.Remote, code, err)
	default:
		r = failed(r, charm.Lost, charm.CodeUnanswered, err)
	}
	return h.commit(ctx, claim, r, conflicts, nil)
}

// failed is the result of a run whose changes the toolshed did not take, or did not
// say that it took.
func failed(r runcharm.Result, o charm.Outcome, code charm.ErrorCode, err error) runcharm.Result {
	r.Outcome, r.Code, r.Error = o, code, err.Error()
	r.Draft, r.Read, r.Report.Again = nil, nil, false
	return r
}

// marked is what the run changes as the toolshed gets it: with the mark that the
// run leaves on the charm, and with what it read.
func (h *ExecuteCharm) marked(v store.Reader, space charm.Space, claim queue.Claim, r runcharm.Result) (*memory.Draft, error) {
	last, err := standing(v, space, r)
	if err != nil {
		return nil, err
	}
	if _, owed, err := h.owed(v, last); err != nil || owed {
		return nil, errors.Join(err, errOwed)
	}
	next := last.with(h.Service, entry{Run: claim.Job.Run, Job: claim.Job.ID, Again: r.Report.Again})
	return next.draft(space, h.Memory.Issuer(), r, h.Now())
}

// owed is the record of the last run of ours that the mark names, if it does not
// say that the run was applied. What has no record any more is long settled.
func (h *ExecuteCharm) owed(v store.Reader, m mark) (charm.Run, bool, error) {
	mine, ok := m.services[h.Service]
	if !ok {
		return charm.Run{}, false, nil
	}
	run, err := v.Run(mine.Run)
	if errors.Is(err, store.ErrNotFound) {
		return run, false, nil
	}
	return run, err == nil && run.Outcome != charm.OK, err
}

// settle looks whether a run of the charm that was taken for lost was applied in
// the toolshed: then its record says so from now on. done: it was an attempt at
// the claim's own job, which has thereby ended.
func (h *ExecuteCharm) settle(ctx context.Context, claim queue.Claim) (next *queue.Claim, done bool, err error) {
	var run charm.Run
	var again, owed bool
	err = h.Store.View(ctx, func(v store.Reader) error {
		space, err := v.Space(claim.Charm.Space)
		if err != nil {
			return err
		}
		version, err := runcharm.MarkOf(v, space, claim.Charm.ID)
		if err != nil {
			return err
		}
		m, err := readMark(v, space, version)
		if err != nil {
			return err
		}
		run, owed, err = h.owed(v, m)
		again = m.services[h.Service].Again
		return err
	})
	if err != nil || !owed {
		return nil, false, err
	}
	run.Outcome, run.Code, run.Error = charm.OK, "", ""
	run.Log += "charmd: its answer was lost, and the toolshed has applied it\n"
	h.Logger.Info("a run that was taken for lost was applied", "charm", claim.Charm.Ref(), "run", run.ID)
	if run.Job != claim.Job.ID {
		err := durably(ctx, h.Store, h.Logger, func(tx store.Tx) error {
			tx.AfterCommit(func() { h.States.Count(run) })
			return tx.AmendRun(run)
		})
		return nil, false, err
	}
	e := &ending{ExecuteCharm: h, claim: claim, run: run, applied: true}
	e.result.Outcome, e.result.Report.Again = charm.OK, again
	if err := durably(ctx, h.Store, h.Logger, e.write); err != nil {
		e.giveBack()
		if errors.Is(err, queue.ErrNotOurs) {
			h.removed(ctx, claim, record(claim, runcharm.Result{Started: h.Now(), Ended: h.Now()}, 0))
			return nil, true, nil
		}
		return nil, true, err
	}
	return e.done(), true, nil
}

// applied ends a claim that is not ours any more and whose run the toolshed has
// taken: its record says so.
func (h *ExecuteCharm) applied(ctx context.Context, claim queue.Claim, run charm.Run) error {
	run.Changed, run.Since = 0, 0
	err := durably(ctx, h.Store, h.Logger, func(tx store.Tx) error {
		tx.AfterCommit(func() {
			h.States.Count(run)
			h.ended(claim.Charm, run)
		})
		err := tx.AddRun(run)
		if charm.CodeOf(err) == charm.CodeConflict {
			return tx.AmendRun(run)
		}
		return err
	})
	h.Queue.Drop(claim, run)
	return err
}

// await waits until the space of a run is here.
func (h *ExecuteCharm) await(ctx context.Context, space string) error {
	limited, cancel := context.WithTimeout(ctx, takenWithin)
	defer cancel()
	return h.Upstream.Ready(limited, space)
}

// notReady is the result of a run whose space cannot be had from the toolshed.
func (h *ExecuteCharm) notReady(ctx context.Context, err error) runcharm.Result {
	now := h.Now()
	r := runcharm.Result{Outcome: charm.Remote, Code: charm.CodeOf(err), Error: err.Error(), Started: now, Ended: now, NotBefore: now.Add(time.Second)}
	if ctx.Err() != nil {
		r.Outcome = charm.Cancelled
		sayWhy(ctx, &r)
	}
	return r
}
