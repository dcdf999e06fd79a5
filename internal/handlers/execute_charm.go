package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"charmd/internal/charm"
	"charmd/internal/memory"
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
	Queue    *queue.Queue
	States   *state.Manager
	Runner   *runcharm.Runner
	Registry *registry.Registry
	Timeout  time.Duration // of charms that set none
	Logger   *slog.Logger
	Now      func() time.Time
}

// updater is the stream the service sends to.
var updater = []string{"bgUpdater"}

// Type is charm.ExecuteCharm.
func (h *ExecuteCharm) Type() charm.JobType { return charm.ExecuteCharm }

// Handle runs the claimed charm until its outcome is on disk.
func (h *ExecuteCharm) Handle(ctx context.Context, claim queue.Claim) (*queue.Claim, error) {
	timeout := claim.Charm.Timeout
	if timeout == 0 {
		timeout = h.Timeout
	}
	session, err := h.Runner.Open(ctx, runcharm.Work{
		Run: claim.Job.Run, Occasion: claim.Job.ID, Mode: wire.ModeEvent, Charm: claim.Charm,
		Stream: updater, Event: json.RawMessage("{}"), Timeout: timeout,
	})
	if err != nil {
		return h.commit(ctx, claim, h.notOpened(ctx, err), 0, nil)
	}
	next, err := h.attempts(ctx, claim, session)
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
		handBack(ctx, &r)
	case charm.CodeOf(err) == charm.CodeCompile:
		r.Outcome, r.Code, r.Permanent = charm.Errored, charm.CodeCompile, true
	}
	return r
}

// handBack gives a run that was ended because the service stops back to the queue.
func handBack(ctx context.Context, r *runcharm.Result) {
	if r.Outcome == charm.Cancelled && errors.Is(context.Cause(ctx), Draining{}) {
		r.Code, r.Error = charm.CodeHandedBack, "the service stopped; the run goes back to the queue"
	}
}

// attempts runs the session again as long as other writers get in between; the
// last time they are held back.
func (h *ExecuteCharm) attempts(ctx context.Context, claim queue.Claim, session *runcharm.Session) (*queue.Claim, error) {
	var hold *memory.Hold
	for conflicts := 0; ; conflicts++ {
		result := session.Attempt(ctx)
		handBack(ctx, &result)
		next, err := h.commit(ctx, claim, result, conflicts, hold)
		switch {
		case errors.Is(err, memory.ErrHeld):
			// When this wait fails the service is stopping: the next attempt ends at once.
			_ = h.Memory.WaitHeld(ctx, result.Draft, hold)
		case !isConflict(err):
			return next, err
		case hold != nil:
			return h.commit(ctx, claim, contended(result), conflicts, nil)
		case conflicts+1 >= charm.MaxConflicts:
			if hold, err = h.holdRead(ctx, claim.Charm.Space, result); err != nil {
				continue
			}
			defer hold.Release()
			time.AfterFunc(charm.MaxHold, hold.Release)
		}
	}
}

// holdRead takes what the last attempt read away from other writers.
func (h *ExecuteCharm) holdRead(ctx context.Context, space string, r runcharm.Result) (*memory.Hold, error) {
	var ofs []string
	for _, v := range r.Read {
		ofs = append(ofs, v.Of)
	}
	if r.Draft != nil {
		for _, c := range r.Draft.Changes {
			ofs = append(ofs, c.Of)
		}
	}
	return h.Memory.Hold(ctx, space, ofs)
}

func isConflict(err error) bool {
	_, ok := errors.AsType[*memory.Conflict](err)
	return ok
}

// contended is the result of a run that never got its turn.
func contended(r runcharm.Result) runcharm.Result {
	r.Outcome, r.Code = charm.Conflicted, charm.CodeContended
	r.Error = fmt.Sprintf("other writers changed what it had read, %d times", charm.MaxConflicts+1)
	r.Draft, r.Read, r.Report.Again = nil, nil, false
	return r
}

// commit writes the end of the claim in one transaction: what the run changed,
// its record, the charm's state and the job; and the claim of the next run.
func (h *ExecuteCharm) commit(ctx context.Context, claim queue.Claim, r runcharm.Result, conflicts int, hold *memory.Hold) (*queue.Claim, error) {
	run := record(claim, r, conflicts)
	var after charm.State
	var told state.Transition
	var next *queue.Claim
	err := durably(ctx, h.Store, h.Logger, func(tx store.Tx) (err error) {
		if next != nil { // of a transaction that did not get to disk
			h.Queue.GiveBack(*next)
			next = nil
		}
		if mayBeStale(r, conflicts) {
			if err := memory.Check(tx, r.Space, r.Read); err != nil {
				return err
			}
		}
		if r.Draft != nil {
			if _, err := h.Memory.Commit(tx, r.Draft, hold); err != nil {
				return err
			}
		}
		before, err := tx.State(claim.Charm.Row)
		if err != nil {
			return err
		}
		end := h.Queue.Ending(claim, run, queue.Wish{Again: r.Report.Again, Permanent: r.Permanent})
		after, told = h.States.After(before, run, end.Final)
		if told != state.None {
			if err := h.Registry.Transition(tx, claim.Charm, after); err != nil {
				return err
			}
		}
		if err := h.Queue.End(tx, claim, run, end, after); err != nil {
			return err
		}
		next = h.Queue.ClaimNext(tx)
		return nil
	})
	if err != nil && next != nil {
		h.Queue.GiveBack(*next)
	}
	if errors.Is(err, queue.ErrNotOurs) {
		return nil, h.removed(ctx, claim, run)
	}
	if err != nil {
		return nil, err
	}
	h.States.Count(run)
	h.Registry.Note(claim.Charm, run, after)
	h.tell(claim.Charm, run, after, told)
	return next, nil
}

// mayBeStale reports whether the outcome may come from documents that changed
// meanwhile. A run that had to be killed is made again once for that, not more: it
// takes its whole time whatever it reads.
func mayBeStale(r runcharm.Result, conflicts int) bool {
	switch r.Outcome {
	case charm.Cancelled:
		return false
	case charm.TimedOut, charm.OutOfMemory, charm.Crashed:
		return conflicts == 0
	}
	return true
}

// tell logs a run that ended, and each transition once.
func (h *ExecuteCharm) tell(c charm.Charm, run charm.Run, s charm.State, told state.Transition) {
	attrs := []any{"charm", c.Ref(), "run", run.ID, "outcome", run.Outcome, "ms", run.Elapsed().Milliseconds()}
	if run.Outcome == charm.OK {
		h.Logger.Debug("run ended", attrs...)
	} else {
		h.Logger.Warn("run ended", append(attrs, "attempt", run.Attempt, "error", run.Error, "at", run.Position)...)
	}
	switch told {
	case state.Disabled:
		h.Logger.Error("charm disabled", "charm", c.Ref(), "by", s.DisabledBy, "reason", s.DisabledReason, "next_try", s.NextTry)
	case state.Enabled:
		h.Logger.Info("charm enabled: it works again", "charm", c.Ref())
	}
}

// removed ends a claim whose charm was removed, or whose job was cancelled,
// while it ran: nothing of it is written but its record.
func (h *ExecuteCharm) removed(ctx context.Context, claim queue.Claim, run charm.Run) error {
	run.Outcome, run.Code, run.Error = charm.Cancelled, charm.CodeCancelled, "the charm was removed while it was running"
	run.Changed = 0
	err := durably(ctx, h.Store, h.Logger, func(tx store.Tx) error { return tx.AddRun(run) })
	h.Queue.Drop(claim, run)
	return err
}

// stored is t as the store keeps it, so that a run is as long in a log line as in
// its record.
func stored(t time.Time) time.Time { return t.Round(time.Millisecond) }

func record(claim queue.Claim, r runcharm.Result, conflicts int) charm.Run {
	run := charm.Run{
		ID: claim.Job.Run, Charm: claim.Charm.Row, Job: claim.Job.ID, Reason: claim.Job.Reason, Attempt: claim.Job.Attempt,
		DueAt: claim.Job.DueAt, StartedAt: stored(r.Started), EndedAt: stored(r.Ended), Outcome: r.Outcome, Code: r.Code, Error: r.Error,
		Position: r.Position, Log: r.Log, Requests: r.Requests, Conflicts: conflicts, CPU: r.CPU, PeakBytes: r.PeakBytes, Walls: r.Walls,
	}
	if r.Draft != nil {
		run.Changed = len(r.Draft.Changes)
	}
	return run
}
