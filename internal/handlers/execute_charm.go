package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/notify"
	"charmd/internal/queue"
	"charmd/internal/registry"
	"charmd/internal/runcharm"
	"charmd/internal/state"
	"charmd/internal/store"
	"charmd/internal/wire"
)

// ExecuteCharm runs charms: it sends {} to a charm's updater stream and commits
// what the run did together with its record and the end of its job.
type ExecuteCharm struct {
	Store    store.Store
	Memory   *memory.Memory
	Upstream memory.Upstream // the toolshed that has the spaces; nil when they are here
	Service  string          // names this charmd in the marks of its runs there
	Queue    *queue.Queue
	States   *state.Manager
	Runner   *runcharm.Runner
	Registry *registry.Registry
	Notifier *notify.Notifier
	Timeout  time.Duration // of charms that set none
	Replays  int           // of the last runs of each charm are kept as they can be made again
	Logger   *slog.Logger
	Now      func() time.Time
	Ended    func(charm.Charm, charm.Run) // told of every run whose record is on disk; nil tells nobody
}

// updater is the stream the service sends to.
var updater = []string{"bgUpdater"}

// Type is charm.ExecuteCharm.
func (h *ExecuteCharm) Type() charm.JobType { return charm.ExecuteCharm }

// Handle runs the claimed charm until its outcome is on disk.
func (h *ExecuteCharm) Handle(ctx context.Context, claim queue.Claim) (*queue.Claim, error) {
	flight, landed := h.Queue.Bind(ctx, claim)
	defer landed()
	if h.Upstream != nil {
		if err := h.await(flight, claim.Charm.Space); err != nil {
			return h.commit(ctx, claim, h.notReady(flight, err), 0, nil)
		}
	}
	ahead, _ := claim.Ahead.(*runcharm.Ahead)
	session, err := h.Runner.Open(flight, runcharm.Work{
		Ahead: ahead,
		Run:   claim.Job.Run, Occasion: claim.Job.ID, Mode: wire.ModeEvent, Charm: claim.Charm,
		Stream: updater, Event: json.RawMessage("{}"), Timeout: claim.Charm.Within(h.Timeout), Dispatched: func() { h.Queue.Dispatched(claim) },
	})
	if err != nil {
		return h.commit(ctx, claim, h.notOpened(flight, err), 0, nil)
	}
	var next *queue.Claim
	if h.Upstream != nil {
		next, err = h.attemptsBeside(ctx, flight, claim, session)
	} else {
		err = untilCommitted(flight, h.Memory, claim.Charm.Space, session, func(r runcharm.Result, conflicts int, hold *memory.Hold) (err error) {
			next, err = h.commit(ctx, claim, r, conflicts, hold)
			return err
		})
	}
	if err == nil {
		return next, nil
	}
	// The end could not be written as it was: the run did nothing, and goes on as lost.
	now := h.Now()
	next, lost := h.commit(ctx, claim, runcharm.Result{
		Outcome: charm.Lost, Code: charm.CodeInternal, Error: "the run's end could not be written: " + err.Error(), Started: now, Ended: now,
	}, 0, nil)
	return next, errors.Join(err, lost)
}

// notOpened is the result of a run whose recipe could not be had. Only what is
// wrong with the recipe itself is held against the charm.
func (h *ExecuteCharm) notOpened(ctx context.Context, err error) runcharm.Result {
	r := runcharm.Result{Outcome: charm.Lost, Code: charm.CodeUnavailable, Error: err.Error(), Started: h.Now(), Ended: h.Now()}
	switch {
	case ctx.Err() != nil:
		r.Outcome = charm.Cancelled
		sayWhy(ctx, &r)
	case charm.CodeOf(err) == charm.CodeCompile:
		r.Outcome, r.Code, r.Permanent = charm.Errored, charm.CodeCompile, true
	}
	return r
}

// sayWhy tells a run that was ended from outside by whom: the service that stops
// gives it back to the queue, a person cancelled it, or it was long past its time.
func sayWhy(ctx context.Context, r *runcharm.Result) {
	cause := context.Cause(ctx)
	switch {
	case r.Outcome != charm.Cancelled:
	case errors.Is(cause, Draining{}):
		r.Code, r.Error = charm.CodeHandedBack, "the service stopped; the run goes back to the queue"
	case errors.Is(cause, queue.ErrOverdue):
		r.Outcome, r.Code, r.Error = charm.TimedOut, charm.CodeTimeout, "it was ended long after its time"
	case errors.Is(cause, queue.ErrCancelled):
		r.Code, r.Error = charm.CodeCancelled, "a person cancelled it while it was running"
	}
}

// commit writes the end of the claim in one transaction, and the claim of the
// next run with it.
func (h *ExecuteCharm) commit(ctx context.Context, claim queue.Claim, r runcharm.Result, conflicts int, hold *memory.Hold) (*queue.Claim, error) {
	e := &ending{ExecuteCharm: h, claim: claim, result: r, conflicts: conflicts, hold: hold, run: record(claim, r, conflicts)}
	if err := e.record(); err != nil {
		return nil, err
	}
	err := durably(ctx, h.Store, h.Logger, e.write)
	if err != nil {
		e.giveBack()
	}
	if errors.Is(err, queue.ErrNotOurs) {
		h.removed(ctx, claim, e.run)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return e.done(), nil
}

// done logs an end that is on disk, and returns what was claimed with it.
func (e *ending) done() *queue.Claim {
	e.tell(e.claim.Charm, e.run, e.after, e.told)
	return e.next
}

// tell logs a run that ended, and each transition once.
func (h *ExecuteCharm) tell(c charm.Charm, run charm.Run, s charm.State, told state.Transition) {
	attrs := []any{"charm", c.Ref(), "run", run.ID, "outcome", run.Outcome, "ms", run.Elapsed().Milliseconds()}
	if run.Outcome == charm.OK {
		h.Logger.Debug("run ended", attrs...)
	} else {
		h.Logger.Warn("run ended", append(attrs, "attempt", run.Attempt, "err", run.Error, "at", run.Position, "handler", run.Handler)...)
	}
	switch told {
	case state.Disabled:
		h.Logger.Error("charm disabled", "charm", c.Ref(), "by", s.DisabledBy, "reason", s.DisabledReason, "nextTry", s.NextTry)
	case state.Enabled:
		h.Logger.Info("charm enabled: it works again", "charm", c.Ref())
	}
}

// removed ends a claim that is not ours any more, because its charm was removed
// or the run was given up: nothing of it is written but its record, unless whoever
// took the claim has written one.
func (h *ExecuteCharm) removed(ctx context.Context, claim queue.Claim, run charm.Run) {
	run.Outcome, run.Code, run.Error = charm.Cancelled, charm.CodeCancelled, "the charm was removed, or its run given up, while it was running"
	run.Changed, run.Since = 0, 0
	err := durably(ctx, h.Store, h.Logger, func(tx store.Tx) error {
		tx.AfterCommit(func() { h.ended(claim.Charm, run) })
		return tx.AddRun(run)
	})
	h.Queue.Drop(claim, run)
	if err != nil && charm.CodeOf(err) != charm.CodeConflict {
		h.Logger.Error("a run that came to nothing has no record", "charm", claim.Charm.Ref(), "run", run.ID, "err", err)
	}
}

func (h *ExecuteCharm) ended(c charm.Charm, run charm.Run) {
	if h.Ended != nil {
		h.Ended(c, run)
	}
}

// stored is t as the store keeps it, so that a run is as long in a log line as in
// its record.
func stored(t time.Time) time.Time { return t.Round(time.Millisecond) }

func record(claim queue.Claim, r runcharm.Result, conflicts int) charm.Run {
	run := charm.Run{
		ID: claim.Job.Run, Charm: claim.Charm.Row, Job: claim.Job.ID, Reason: claim.Job.Reason, Attempt: claim.Job.Attempt,
		DueAt: claim.Job.DueAt, StartedAt: stored(r.Started), EndedAt: stored(r.Ended), Outcome: r.Outcome, Code: r.Code, Error: r.Error,
		Position: r.Position, Handler: r.Handler, Log: r.Log, Requests: r.Requests, Ledger: r.Ledger, Conflicts: conflicts, CPU: r.CPU, PeakBytes: r.PeakBytes, Walls: r.Walls,
	}
	if r.Draft != nil {
		run.Changed = len(r.Draft.Changes)
	}
	return run
}
