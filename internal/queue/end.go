package queue

import (
	"errors"
	"time"

	"charmd/internal/charm"
	"charmd/internal/schedule"
	"charmd/internal/store"
)

// Ending is what follows a run.
type Ending struct {
	Next      *charm.Job // the retry or the next page; nil when the job is over
	Final     bool       // the job is over (a next page is a job of its own)
	NotBefore time.Time  // no run of the charm by its schedule starts earlier
}

// Wish is what a run says of the runs after it.
type Wish struct {
	Again     bool      // it asked for its next page
	Permanent bool      // trying again cannot help
	NotBefore time.Time // a host it needs asked not to be asked earlier
}

// Ending decides what follows the run of claim c.
func (q *Queue) Ending(c Claim, run charm.Run, w Wish) Ending {
	now := run.EndedAt
	job := c.Job
	if w.NotBefore.After(now.Add(charm.MaxPostponed)) {
		w.NotBefore = time.Time{} // it comes of a clock that was set back
	}
	switch {
	case run.Outcome == charm.OK && w.Again && job.Pages < charm.MaxPages:
		next := charm.Job{
			ID: NewID(now), Charm: job.Charm, Type: job.Type, Reason: charm.Again, Priority: job.Priority,
			DueAt: now, Attempt: 1, Status: charm.Pending, Pages: job.Pages + 1, CreatedAt: now, Once: job.Once,
		}
		return Ending{Next: &next, Final: true}
	case run.Code == charm.CodeHandedBack, run.Code == charm.CodeUnanswered:
		return Ending{Next: pendingAgain(job, now, job.Attempt)}
	case run.Outcome.Retried() && !job.Once && !w.Permanent && job.Attempt <= q.opts.MaxRetries:
		at := laterOf(now.Add(schedule.Backoff(job.Attempt, q.opts.Jitter())), w.NotBefore)
		return Ending{Next: pendingAgain(job, at, job.Attempt+1), NotBefore: w.NotBefore}
	}
	return Ending{Final: true, NotBefore: w.NotBefore}
}

// laterOf is the later of two times; the zero time is the earliest.
func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// pendingAgain is job waiting for its next attempt.
func pendingAgain(job charm.Job, due time.Time, attempt int) *charm.Job {
	if attempt != job.Attempt || job.Reason != charm.RunNow { // what a person asked for stays so
		job.Reason = charm.Retry
	}
	job.DueAt, job.Attempt = due, attempt
	job.Status, job.Run, job.Epoch = charm.Pending, "", 0
	job.LeaseEnd, job.ClaimedAt = time.Time{}, time.Time{}
	return &job
}

// End writes the end of claim c's run inside tx: its record, the charm's state,
// and the job's row taken away or turned into what follows. Memory follows when
// tx is on disk. It is ErrNotOurs when the claim is not this service's any more,
// or run is not the one that was claimed.
func (q *Queue) End(tx store.Tx, c Claim, run charm.Run, end Ending, s charm.State) error {
	live, err := q.held(tx, c)
	if err != nil {
		return err
	}
	if run.ID != live.Run || run.Job != live.ID {
		return ErrNotOurs
	}
	if err := tx.AddRun(run); err != nil {
		return err
	}
	return q.close(tx, c, live, run, end, s)
}

// EndApplied is End for a claim that nothing was done for: run is an earlier
// attempt of its job, which has a record as lost and was applied all the same.
func (q *Queue) EndApplied(tx store.Tx, c Claim, run charm.Run, end Ending, s charm.State) error {
	live, err := q.held(tx, c)
	if err != nil {
		return err
	}
	if run.Job != live.ID {
		return ErrNotOurs
	}
	if err := tx.AmendRun(run); err != nil {
		return err
	}
	return q.close(tx, c, live, run, end, s)
}

// close takes the row of claim c away, or turns it into what follows.
func (q *Queue) close(tx store.Tx, c Claim, live charm.Job, run charm.Run, end Ending, s charm.State) (err error) {
	var current charm.Charm
	if live.Charm != 0 {
		if current, err = tx.Charm(live.Charm); err != nil {
			return err
		}
	}
	next := follow(end.Next, live, run.EndedAt, !runs(current, s))
	if next == nil || next.ID != live.ID {
		if err := tx.DeleteJob(live.ID); err != nil {
			return err
		}
	}
	if next != nil {
		if err := tx.PutJob(*next); err != nil {
			return err
		}
	}
	if live.Charm != 0 {
		s.NotBefore = end.NotBefore
		s = armed(current, s, next, run.EndedAt)
		if err := tx.PutState(c.Job.Charm, s); err != nil {
			return err
		}
	}
	tx.AfterCommit(func() { q.ended(c, run, next, s) })
	return nil
}

// follow is the job that follows live: its retry or next page, or the run that
// was asked for meanwhile. A charm that has stopped running by itself gets only
// what a person asked for, and that once.
func follow(next *charm.Job, live charm.Job, ended time.Time, stopped bool) *charm.Job {
	if next != nil && !(stopped && !live.Once) {
		next.FollowUp = live.FollowUp
		return next
	}
	if live.FollowUp == "" {
		return nil
	}
	return &charm.Job{
		ID: live.FollowUp, Charm: live.Charm, Type: live.Type, Reason: charm.RunNow, Priority: live.Priority,
		DueAt: ended, Attempt: 1, Status: charm.Pending, CreatedAt: ended, Once: stopped,
	}
}

// runs reports whether charm c with state s is to run by itself.
func runs(c charm.Charm, s charm.State) bool { return c.Registered && !s.Disabled && !s.Waiting.Is() }

// probed reports whether charm c with state s is tried from time to time.
func probed(c charm.Charm, s charm.State) bool {
	return c.Registered && s.Disabled && s.DisabledBy == charm.ByFailures && !c.ProbeNever
}

// armed keeps to the invariant that a charm has exactly one of a next run, a live
// job, a next try, or a stated reason for none.
func armed(c charm.Charm, s charm.State, job *charm.Job, after time.Time) charm.State {
	s.NextRun = time.Time{}
	switch {
	case job != nil:
		return s
	case !s.Disabled:
		s.NextTry = time.Time{}
	case probed(c, s) && (s.NextTry.IsZero() || !schedule.Believable(c, s, after)):
		s.NextTry = after
	}
	if runs(c, s) {
		if s.Waiting = schedule.Unusable(c.Schedule); !s.Waiting.Is() {
			s.NextRun = schedule.Resume(c, s, after)
		}
	}
	return s
}

// ErrNotOurs says that a claim was taken from this service, or its job is gone:
// what the run did must not be written.
var ErrNotOurs = errors.New("the claim is not this service's any more")

// held is the claim's row, which must still carry its run and epoch: the fence
// against a service that was thought dead.
func (q *Queue) held(tx store.Reader, c Claim) (charm.Job, error) {
	live, err := tx.Job(c.Job.ID)
	if errors.Is(err, store.ErrNotFound) {
		return live, ErrNotOurs
	}
	if err == nil && (live.Epoch != q.epoch || live.Run != c.Job.Run || live.Status != charm.Running) {
		err = ErrNotOurs
	}
	return live, err
}

// ended brings memory in step with a run's end that is on disk.
func (q *Queue) ended(c Claim, run charm.Run, next *charm.Job, s charm.State) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.tell(c.Job.ID, run)
	e := c.entry
	if !q.release(c, flown(c, run)) {
		return // it was given up, and is what the store says since
	}
	e.running, e.job = false, next
	if c.Job.Charm == 0 {
		delete(q.tasks, c.Job.ID)
		if next != nil {
			q.tasks[next.ID] = e
		}
	} else {
		e.state = s
	}
	q.arm(e)
}

// flown is the worker time that claim c's run has used. It is no longer than the
// lease, whatever was done to the clock: its space must not pay for that.
func flown(c Claim, run charm.Run) time.Duration {
	return min(run.Elapsed(), c.Job.LeaseEnd.Sub(c.Job.ClaimedAt))
}

// Drop takes claim c back without a record, because its charm was removed while
// it ran. run is what waiters are told.
func (q *Queue) Drop(c Claim, run charm.Run) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.tell(c.Job.ID, run)
	if !q.release(c, flown(c, run)) {
		return
	}
	c.entry.running = false
	c.entry.job = nil
	q.arm(c.entry)
}

// Abandon leaves a claim whose end could not be written to the reconciler, and
// lets the other charms go on.
func (q *Queue) Abandon(c Claim) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.release(c, 0) {
		c.entry.abandoned = true
	}
}

// arm puts e where its due time says. The caller holds mu.
func (q *Queue) arm(e *entry) {
	if latest := q.opts.Now().Add(giveBackWait); e.notBefore.After(latest) {
		e.notBefore = latest // the clock was set back
	}
	at := e.dueAt()
	if e.charm.Row == 0 {
		e.due = at
		return
	}
	q.changed(e.charm.Row)
	switch {
	case at.IsZero(), q.leftOut(e), q.pausedBy(e.charm) != nil && !e.asked():
		q.order.remove(e)
	case q.order.put(e, at):
		q.wakeAll()
	}
}

// leftOut reports whether the service was told to run other charms only.
func (q *Queue) leftOut(e *entry) bool {
	return q.opts.Only != "" && e.charm.Integration != q.opts.Only && e.job == nil
}
