package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"charmd/internal/charm"
	"charmd/internal/queue"
	"charmd/internal/registry"
	"charmd/internal/store"
)

// Maintenance does the work that keeps the service well, in a slot of its own.
// Every task goes in bounded steps and keeps what it has done, so that one whose
// time ran out goes on where it was the next time.
type Maintenance struct {
	Store     store.Store
	Queue     *queue.Queue
	Registry  *registry.Registry
	Retention Retention
	Drafts    []string      // files that an unclean stop may leave half written
	Timeout   time.Duration // of one task
	Logger    *slog.Logger
	Now       func() time.Time
	Ended     func(charm.Run)      // told of every run whose record is on disk; nil tells nobody
	Breaches  func([]queue.Breach) // told of what reset found against the invariants; nil tells nobody
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
	var did strings.Builder
	err := h.perform(limited, claim.Job.Task, &did)
	run := charm.Run{
		ID: claim.Job.Run, Job: claim.Job.ID, Task: claim.Job.Task, Reason: claim.Job.Reason, Attempt: claim.Job.Attempt,
		DueAt: claim.Job.DueAt, StartedAt: started, EndedAt: h.Now(), Outcome: charm.OK, Log: truncated(did.String()),
	}
	switch {
	case err == nil:
	case errors.Is(context.Cause(flight), queue.ErrCancelled):
		run.Outcome, run.Code, run.Error = charm.Cancelled, charm.CodeCancelled, "a person cancelled it"
	case ctx.Err() != nil:
		run.Outcome, run.Code, run.Error = charm.Cancelled, charm.CodeCancelled, "the service stopped; it comes around again"
	case limited.Err() != nil:
		run.Outcome, run.Code, run.Error = charm.TimedOut, charm.CodeTimeout, fmt.Sprintf("still running after %s; it goes on there the next time", h.Timeout)
	default:
		run.Outcome, run.Code, run.Error = charm.Errored, charm.CodeOf(err), err.Error()
		h.Logger.Error("maintenance failed", "task", run.Task, "err", err)
	}
	err = durably(ctx, h.Store, h.Logger, func(tx store.Tx) error {
		if h.Ended != nil {
			tx.AfterCommit(func() { h.Ended(run) })
		}
		return h.Queue.End(tx, claim, run, queue.Ending{Final: true}, charm.State{})
	})
	return nil, err
}

// truncated is a text no longer than what is kept of a run's log.
func truncated(text string) string {
	if len(text) <= charm.MaxLogBytes {
		return text
	}
	return strings.ToValidUTF8(text[:charm.MaxLogBytes], "")
}

// perform does the task and writes what it did, a line each.
func (h *Maintenance) perform(ctx context.Context, task charm.Task, did *strings.Builder) error {
	switch task {
	case charm.Cleanup:
		return h.cleanup(ctx, did)
	case charm.Stats:
		return h.stats(ctx, did)
	case charm.Reset:
		return h.reset(ctx, did)
	case charm.All:
		return h.all(ctx, did)
	}
	return fmt.Errorf("there is no maintenance task %q", task)
}

// all is what may be done at any time without asking: reset is not, for it
// enables charms.
func (h *Maintenance) all(ctx context.Context, did *strings.Builder) error {
	if err := h.cleanup(ctx, did); err != nil {
		return err
	}
	return h.stats(ctx, did)
}
