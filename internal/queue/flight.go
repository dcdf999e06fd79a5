package queue

import (
	"context"
	"errors"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// Why the context of a run that is in flight is cancelled.
var (
	ErrCancelled = errors.New("a person cancelled the job")
	ErrOverdue   = errors.New("the run is far past its time")
)

// Bind is the context in which claim c is carried out: it is done when the job
// is cancelled (cause ErrCancelled) or its lease ran out (ErrOverdue). release
// must be called when the run has ended.
func (q *Queue) Bind(ctx context.Context, c Claim) (_ context.Context, release func()) {
	bound, cancel := context.WithCancelCause(ctx)
	q.mu.Lock()
	defer q.mu.Unlock()
	if c.entry.flight == c.Job.Run {
		c.entry.cancel = cancel
		if c.entry.doom != nil { // it was cancelled between its claim and now
			cancel(c.entry.doom)
		}
	}
	return bound, func() { cancel(nil) }
}

// Dispatched notes that a worker has taken claim c's run, for the first time or
// again: from then on it has its time. What waits for a worker is never overdue.
func (q *Queue) Dispatched(c Claim) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if c.entry.flight == c.Job.Run {
		c.entry.until = q.leaseEnd(c.Charm)
	}
}

// leaseEnd is when a run of c that starts now must have ended.
func (q *Queue) leaseEnd(c charm.Charm) time.Time {
	return q.opts.Now().Add(c.Within(q.opts.DefaultTimeout) + charm.MaxHold + charm.LeaseSlack)
}

// Cancel ends a live job: one that waits is recorded as cancelled, one that runs
// is ended and recorded then. The charm goes on by its schedule. The job is
// returned as it was; an error with code not_found says that it is not live.
func (q *Queue) Cancel(ctx context.Context, id string) (job charm.Job, err error) {
	err = q.store.Update(ctx, func(tx store.Tx) error {
		job, err = tx.Job(id)
		if errors.Is(err, store.ErrNotFound) {
			return charm.Errorf(charm.CodeNotFound, "no job %s waits or runs", id).WithHint("see live jobs with: charmd jobs")
		}
		if err != nil {
			return err
		}
		if job.Status == charm.Running {
			return nil
		}
		return q.drop(tx, job)
	})
	if err == nil && job.Status == charm.Running && !q.interrupt(id, ErrCancelled) {
		err = charm.Errorf(charm.CodeConflict, "job %s is ending already", id)
	}
	return job, err
}

// drop records a waiting job as cancelled and takes it away.
func (q *Queue) drop(tx store.Tx, job charm.Job) error {
	run := q.cancelled(job, "a person cancelled it before it ran")
	run.ID = NewID(run.EndedAt)
	if err := errors.Join(tx.AddRun(run), tx.DeleteJob(job.ID)); err != nil {
		return err
	}
	q.tellOf(tx, job, run)
	if job.Charm == 0 {
		tx.AfterCommit(func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			delete(q.tasks, job.ID)
		})
		return nil
	}
	c, err := tx.Charm(job.Charm)
	if err != nil {
		return err
	}
	s, err := tx.State(job.Charm)
	if err != nil {
		return err
	}
	s = armed(c, s, nil, run.EndedAt)
	if err := tx.PutState(c.Row, s); err != nil {
		return err
	}
	return q.learn(tx, c)
}

// interrupt ends the run of a job that is in flight, and reports whether it is.
func (q *Queue) interrupt(id string, why error) (reached bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	end := func(e *entry) {
		if e.flight == "" || e.job == nil || e.job.ID != id {
			return
		}
		reached = true
		if e.doom = why; e.cancel != nil {
			e.cancel(why)
		}
	}
	for _, e := range q.charms {
		end(e)
	}
	for _, e := range q.tasks {
		end(e)
	}
	return reached
}
