package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"charmd/internal/charm"
	"charmd/internal/queue"
	"charmd/internal/store"
)

// Maintenance does the work that keeps the service well, in a slot of its own.
type Maintenance struct {
	Store     store.Store
	Queue     *queue.Queue
	Retention Retention
	Timeout   time.Duration // of one task
	Logger    *slog.Logger
	Now       func() time.Time
	Ended     func(charm.Run) // told of every run whose record is on disk; nil tells nobody
}

// Type is charm.Maintenance.
func (h *Maintenance) Type() charm.JobType { return charm.Maintenance }

// Handle carries out the claimed task and records how it went.
func (h *Maintenance) Handle(ctx context.Context, claim queue.Claim) (*queue.Claim, error) {
	started := h.Now()
	flight, landed := h.Queue.Bind(ctx, claim)
	defer landed()
	limited, cancel := context.WithTimeout(flight, h.Timeout)
	defer cancel()
	done, err := h.perform(limited, claim.Job.Task)
	run := charm.Run{
		ID: claim.Job.Run, Job: claim.Job.ID, Task: claim.Job.Task, Reason: claim.Job.Reason, Attempt: claim.Job.Attempt,
		DueAt: claim.Job.DueAt, StartedAt: started, EndedAt: h.Now(), Outcome: charm.OK, Log: done,
	}
	switch {
	case err == nil:
	case errors.Is(context.Cause(flight), queue.ErrCancelled):
		run.Outcome, run.Code, run.Error = charm.Cancelled, charm.CodeCancelled, "a person cancelled it"
	case ctx.Err() != nil:
		run.Outcome, run.Code, run.Error = charm.Cancelled, charm.CodeCancelled, "the service stopped; it comes around again"
	case limited.Err() != nil:
		run.Outcome, run.Code, run.Error = charm.TimedOut, charm.CodeTimeout, fmt.Sprintf("still running after %s", h.Timeout)
	default:
		run.Outcome, run.Code, run.Error = charm.Errored, charm.CodeOf(err), err.Error()
		h.Logger.Error("maintenance failed", "task", run.Task, "err", err)
	}
	err = durably(ctx, h.Store, h.Logger, func(tx store.Tx) error {
		return h.Queue.End(tx, claim, run, queue.Ending{Final: true}, charm.State{})
	})
	if err == nil && h.Ended != nil {
		h.Ended(run)
	}
	return nil, err
}

// perform does the task and says what it did.
func (h *Maintenance) perform(ctx context.Context, task charm.Task) (string, error) {
	switch task {
	case charm.Cleanup:
		return h.cleanup(ctx)
	}
	return "", fmt.Errorf("there is no maintenance task %q", task)
}
