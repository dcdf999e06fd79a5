package queue

import (
	"container/heap"
	"context"
	"time"

	"charmd/internal/charm"
)

// entry is one charm, or one maintenance job, as the queue sees it.
type entry struct {
	charm     charm.Charm
	state     charm.State
	job       *charm.Job // the live job: pending or running; nil when merely due
	running   bool       // taken out of the order
	removed   bool       // deleted while it was running
	abandoned bool       // its run is over and its end could not be written
	notBefore time.Time
	cancel    context.CancelCauseFunc // ends its run; nil before its handler has begun
	doom      error                   // why its run is to end; nil when it may go on
	flight    string                  // the run that counts as in flight; "" when none does
	until     time.Time               // when a worker that has the run must be done; zero while none has it

	// Where it stands in the order; the order's own.
	due     time.Time
	heap    *dueHeap // nil when it does not wait
	index   int      // in the heap
	lane    *lane    // nil while it is not due
	charged time.Duration
}

// dueAt is when the entry wants to run; zero when it does not.
func (e *entry) dueAt() time.Time {
	var at time.Time
	switch {
	case e.running || e.removed:
		return time.Time{}
	case e.job != nil:
		at = e.job.DueAt
	case !e.charm.Registered:
	case e.state.Disabled && e.state.DisabledBy == charm.ByFailures && !e.charm.ProbeNever:
		at = e.state.NextTry
	case !e.state.Disabled:
		at = e.state.NextRun
	}
	if !at.IsZero() && at.Before(e.notBefore) {
		at = e.notBefore
	}
	return at
}

// flying reports whether a run of it is carried out whose claim is on disk.
func (e *entry) flying() bool {
	return e.running && !e.abandoned && e.job != nil && e.job.Status == charm.Running
}

// asked reports whether its live job is one that a person asked for.
func (e *entry) asked() bool { return e.job != nil && e.job.Reason == charm.RunNow }

// adopt makes the entry's live job what the store has. A claim that is on disk
// stays as it is: its end is told by the claim itself.
func (e *entry) adopt(jobs []charm.Job) {
	switch {
	case e.flying():
	case len(jobs) == 0:
		e.job = nil
	case jobs[0].Status == charm.Pending:
		e.job = &jobs[0]
	}
}

// nextJob is the job of the run that starts now.
func (e *entry) nextJob(now time.Time) charm.Job {
	if e.job != nil {
		return *e.job
	}
	job := charm.Job{
		ID: NewID(now), Charm: e.charm.Row, Type: charm.ExecuteCharm, Reason: charm.Due,
		Priority: e.charm.Priority, DueAt: e.dueWhilePicked(), Attempt: 1, CreatedAt: now,
	}
	if e.state.Disabled {
		job.Reason, job.Once = charm.Probe, true
	}
	return job
}

// dueWhilePicked is the computed due time of an entry that was just picked.
func (e *entry) dueWhilePicked() time.Time {
	if e.state.Disabled {
		return e.state.NextTry
	}
	return e.state.NextRun
}

// pendingJob is the entry's next run as people see it, whether it has a row or
// only follows from the schedule.
func (e *entry) pendingJob() (charm.Job, bool) {
	if e.job != nil {
		return *e.job, true
	}
	if e.dueAt().IsZero() {
		return charm.Job{}, false
	}
	job := e.nextJob(e.dueAt())
	job.ID, job.Status = "", charm.Pending
	return job, true
}

// dueHeap orders entries by due time, then by age.
type dueHeap []*entry

func (h dueHeap) first() *entry {
	if len(h) == 0 {
		return nil
	}
	return h[0]
}

func (h *dueHeap) add(e *entry) {
	e.heap = h
	heap.Push(h, e)
}

func (h *dueHeap) drop(e *entry) {
	heap.Remove(h, e.index)
	e.heap = nil
}

func (h dueHeap) Len() int { return len(h) }

func (h dueHeap) Less(i, j int) bool {
	a, b := h[i], h[j]
	if !a.due.Equal(b.due) {
		return a.due.Before(b.due)
	}
	return a.charm.Row < b.charm.Row
}

func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *dueHeap) Push(x any) {
	e := x.(*entry)
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *dueHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
