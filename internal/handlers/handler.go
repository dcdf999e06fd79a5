// Package handlers holds what jobs do: each type of job has a Handler, the
// seed's BaseHandler. It exists to keep the one place where a run's changes, its
// record and its job's end become one transaction apart from what decides them.
package handlers

import (
	"context"

	"charmd/internal/charm"
	"charmd/internal/queue"
)

// Handler carries out claims of one type of job. Handle returns when the claim
// has ended: everything that followed from it is on disk. It may claim the next
// job of its type in the same transaction and return it. An error means that the
// claim could not be ended, and it stays until it is recovered.
type Handler interface {
	Type() charm.JobType
	Handle(ctx context.Context, c queue.Claim) (next *queue.Claim, err error)
}

// Draining is the cause of a context that ends runs because the service stops:
// such runs are handed back to the queue.
type Draining struct{}

func (Draining) Error() string { return "the service is stopping" }
