package queue

import (
	"context"
	"errors"
	"slices"
	"time"

	"charmd/internal/charm"
	"charmd/internal/schedule"
	"charmd/internal/store"
)

// Put makes the queue know charm c with state s from when tx is on disk. It
// writes the state; the caller has written the charm. A charm that is to run
// and has no next run is given one at once.
func (q *Queue) Put(tx store.Tx, c charm.Charm, s charm.State) error {
	jobs, err := tx.JobsOf(c.Row)
	if err != nil {
		return err
	}
	switch {
	case !runs(c, s):
		s = armed(c, s, nil, q.opts.Now())
		isDropped := func(j charm.Job) bool { return j.Status == charm.Pending && !j.Once }
		for _, j := range jobs {
			if isDropped(j) {
				if err := tx.DeleteJob(j.ID); err != nil {
					return err
				}
				q.tellOf(tx, j, q.cancelled(j, "the charm was disabled before it ran"))
			}
		}
	case len(jobs) > 0:
		s.NextRun = time.Time{}
	case s.NextRun.IsZero():
		if s.Waiting = schedule.Unusable(c.Schedule); !s.Waiting.Is() {
			s.NextRun = schedule.First(c, q.opts.Now())
		}
	case !schedule.Believable(c, s, q.opts.Now()): // its schedule has become a shorter one
		s = armed(c, s, nil, q.opts.Now())
	}
	if err := tx.PutState(c.Row, s); err != nil {
		return err
	}
	return q.learn(tx, c)
}

// learn makes memory what tx has of charm c, once that is on disk.
func (q *Queue) learn(tx store.Tx, c charm.Charm) error {
	s, jobs, err := stands(tx, c.Row)
	if err != nil {
		return err
	}
	tx.AfterCommit(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		e := q.charms[c.Row]
		if e == nil {
			e = &entry{}
			q.charms[c.Row] = e
		}
		e.charm, e.state = c, s
		if e.abandoned && (len(jobs) == 0 || jobs[0].Status != charm.Running) {
			e.running, e.abandoned = false, false // its claim is settled
		}
		e.adopt(jobs)
		q.arm(e)
	})
	return nil
}

// stands is how a charm stands in the store: its state and live jobs.
func stands(r store.Reader, row int64) (charm.State, []charm.Job, error) {
	s, err := r.State(row)
	if err != nil {
		return s, nil, err
	}
	jobs, err := r.JobsOf(row)
	return s, jobs, err
}

// refresh brings memory in step with the store, after what it says of a charm
// proved wrong.
func (q *Queue) refresh(ctx context.Context, row int64) error {
	return q.store.Update(ctx, func(tx store.Tx) error {
		c, err := tx.Charm(row)
		if errors.Is(err, store.ErrNotFound) {
			return q.Remove(tx, row)
		}
		if err != nil {
			return err
		}
		return q.learn(tx, c)
	})
}

// cancelled is the record of a job that was taken away before it ran.
func (q *Queue) cancelled(job charm.Job, why string) charm.Run {
	now := q.opts.Now()
	return charm.Run{
		Charm: job.Charm, Job: job.ID, Task: job.Task, Reason: job.Reason, Attempt: job.Attempt, DueAt: job.DueAt, StartedAt: now, EndedAt: now,
		Outcome: charm.Cancelled, Code: charm.CodeCancelled, Error: why,
	}
}

// tellOf tells those who wait for a job that is taken away in tx, or for the one
// that was to follow it.
func (q *Queue) tellOf(tx store.Tx, job charm.Job, run charm.Run) {
	tx.AfterCommit(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if job.Status == charm.Pending {
			q.tell(job.ID, run)
		}
		if job.FollowUp != "" {
			q.tell(job.FollowUp, run)
		}
	})
}

// Remove forgets the charm from when tx, in which the caller deletes it after
// this, is on disk. A run of it that is in flight ends by finding its claim gone.
func (q *Queue) Remove(tx store.Tx, row int64) error {
	jobs, err := tx.JobsOf(row)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		q.tellOf(tx, j, q.cancelled(j, "the charm was removed before it ran"))
	}
	if err := q.forgetPause(tx, row); err != nil {
		return err
	}
	tx.AfterCommit(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		e := q.charms[row]
		if e == nil {
			return
		}
		delete(q.charms, row)
		q.changed(row)
		e.removed = true
		if !e.running {
			e.job = nil
		}
		q.order.remove(e)
	})
	return nil
}

// Attempt names one attempt at a job.
type Attempt struct {
	Job    string
	Number int
}

// RunNow asks for a run of the charm at once: a pending job is pulled forward, a
// running one gets one follow-up, else there is a new job. It returns the
// attempt that will run. Charms that do not run by themselves get one attempt.
func (q *Queue) RunNow(ctx context.Context, row int64) (next Attempt, err error) {
	err = q.store.Update(ctx, func(tx store.Tx) error {
		c, err := tx.Charm(row)
		if err != nil {
			return err
		}
		s, jobs, err := stands(tx, row)
		if err != nil {
			return err
		}
		now := q.opts.Now()
		var job charm.Job
		switch {
		case len(jobs) == 0:
			job = charm.Job{
				ID: NewID(now), Charm: row, Type: charm.ExecuteCharm, Reason: charm.RunNow, Priority: c.Priority,
				DueAt: now, Attempt: 1, Status: charm.Pending, Once: !runs(c, s), CreatedAt: now,
			}
			next = Attempt{job.ID, 1}
			s.NextRun = time.Time{}
			if err := tx.PutState(row, s); err != nil {
				return err
			}
		case jobs[0].Status == charm.Pending:
			job = jobs[0]
			job.DueAt, job.Reason = now, charm.RunNow
			next = Attempt{job.ID, job.Attempt}
		default:
			job = jobs[0]
			if job.FollowUp == "" {
				job.FollowUp = NewID(now)
			}
			next = Attempt{job.FollowUp, 1}
		}
		if err := tx.PutJob(job); err != nil {
			return err
		}
		tx.AfterCommit(func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			e := q.charms[row]
			switch {
			case e == nil:
				return
			case e.flying() && e.job.ID == job.ID: // it goes on, and knows what is to follow it
				claim := *e.job
				claim.FollowUp = job.FollowUp
				e.job = &claim
				return
			case e.flying(), job.Status == charm.Running:
				return
			}
			// An entry that was picked meanwhile finds this job in its way, and is
			// given back with it.
			e.job, e.state.NextRun, e.notBefore = &job, s.NextRun, time.Time{}
			q.arm(e)
		})
		return nil
	})
	return next, err
}

// TryAfterChange gives a charm that could not run at all one try, because what it
// lacked may be there now that a person has changed its documents.
func (q *Queue) TryAfterChange(ctx context.Context, row int64) error {
	standing, ok := q.Standing(row)
	if !ok || !standing.State.Disabled || standing.State.DisabledBy != charm.ByPermanent {
		return nil
	}
	_, err := q.RunNow(ctx, row)
	return err
}

// Maintain asks for a maintenance task at a time.
func (q *Queue) Maintain(ctx context.Context, task charm.Task, at time.Time) (Attempt, error) {
	job := charm.Job{
		ID: NewID(q.opts.Now()), Type: charm.Maintenance, Task: task, Reason: charm.RunNow,
		DueAt: at, Attempt: 1, Status: charm.Pending, CreatedAt: q.opts.Now(), Once: true,
	}
	return Attempt{job.ID, 1}, q.store.Update(ctx, func(tx store.Tx) error {
		if err := tx.PutJob(job); err != nil {
			return err
		}
		tx.AfterCommit(func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			e := &entry{job: &job}
			e.due = e.dueAt()
			q.tasks[job.ID] = e
			q.wakeAll()
		})
		return nil
	})
}

// HasTask reports whether a maintenance task is pending or running.
func (q *Queue) HasTask(task charm.Task) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range q.tasks {
		if e.job != nil && e.job.Task == task {
			return true
		}
	}
	return false
}

// Watch returns a channel that gets the record of the next run of the job that
// ends, and the function that ends the watching.
func (q *Queue) Watch(jobID string) (<-chan charm.Run, func()) {
	ch := make(chan charm.Run, 1)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiters[jobID] = append(q.waiters[jobID], ch)
	return ch, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.waiters[jobID] = slices.DeleteFunc(q.waiters[jobID], func(c chan charm.Run) bool { return c == ch })
		if len(q.waiters[jobID]) == 0 {
			delete(q.waiters, jobID)
		}
	}
}

// tell gives run to those who watch its job. The caller holds mu.
func (q *Queue) tell(jobID string, run charm.Run) {
	for _, ch := range q.waiters[jobID] {
		select {
		case ch <- run:
		default: // it has its record already
		}
	}
	delete(q.waiters, jobID)
}
