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

// Repair mends what Inspect finds in the store of a service that is not running,
// and says what it did. Claims stay: the next start recovers them.
func Repair(tx store.Tx, now time.Time) ([]Breach, error) {
	q := &Queue{
		opts: Options{Now: func() time.Time { return now }}, wake: make(chan struct{}),
		order: newOrder(0), charms: map[int64]*entry{}, tasks: map[string]*entry{}, waiters: map[string][]chan charm.Run{},
	}
	var found Recovered
	err := q.rearm(tx, &found)
	return found.Repaired, err
}

// repair mends a breach and says what it did.
func (q *Queue) repair(ctx context.Context, b Breach) (done string, err error) {
	switch {
	case b.Charm.Row == 0:
		return "it is taken away; maintenance comes around by itself", q.takeTaskAway(ctx, b.Job)
	case b.Kind == Overdue:
		q.interrupt(b.Job, ErrOverdue)
		return "its run is ended", nil
	case b.Kind == NotInStore:
		return "the service forgets it", q.refresh(ctx, b.Charm.Row)
	case b.Kind == OutOfStep:
		return "the service follows the store", q.refresh(ctx, b.Charm.Row)
	case b.Kind == LostClaim:
		return "the claim is written again", q.restoreClaim(ctx, b.Charm.Row)
	}
	err = q.store.Update(ctx, func(tx store.Tx) (err error) {
		done, err = q.mend(tx, b.Charm.Row)
		return err
	})
	return done, err
}

func (q *Queue) takeTaskAway(ctx context.Context, id string) error {
	return q.store.Update(ctx, func(tx store.Tx) error {
		tx.AfterCommit(func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			delete(q.tasks, id)
		})
		if err := tx.DeleteJob(id); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return nil
	})
}

// mend brings a charm into order in the store.
func (q *Queue) mend(tx store.Tx, row int64) (done string, err error) {
	now := q.opts.Now()
	c, err := tx.Charm(row)
	if err != nil {
		return "", err
	}
	s, jobs, err := stands(tx, row)
	if err != nil {
		return "", err
	}
	kind, _ := stand(c, s, jobs, now)
	if kind == Rivals {
		done = "only the oldest job stays, or the one that runs"
		slices.SortStableFunc(jobs, func(a, b charm.Job) int { return q.ours(b) - q.ours(a) })
		if err := q.takeAway(tx, jobs[1:]); err != nil {
			return "", err
		}
		jobs = jobs[:1]
		kind, _ = stand(c, s, jobs, now)
	}
	switch {
	case kind == FarAway && len(jobs) == 1:
		done = "it runs at once"
		jobs[0].DueAt = now
		if err := tx.PutJob(jobs[0]); err != nil {
			return "", err
		}
	case len(jobs) == 1 && (kind == Stopped || kind == DeadClaim):
		done = "the job is taken away"
		if err := q.takeAway(tx, jobs); err != nil {
			return "", err
		}
		jobs = nil
	case done == "" && len(jobs) == 1 && jobs[0].Status == charm.Running && q.carriedOut(row):
		return "it has been claimed meanwhile", nil
	case done == "" && len(jobs) == 1 && jobs[0].Status == charm.Running:
		done = "it is recorded as lost and runs again"
		if s, jobs, err = q.lose(tx, c, s, jobs[0], now); err != nil {
			return "", err
		}
	}
	if len(jobs) == 0 {
		s = rearmed(c, s, now)
		if done == "" {
			done = arms(s)
		}
	}
	if err := tx.PutState(row, s); err != nil {
		return "", err
	}
	return done, q.learn(tx, c)
}

// carriedOut reports whether a run of the charm is in flight, or being claimed.
func (q *Queue) carriedOut(row int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.charms[row]
	return e != nil && e.flight != ""
}

// takeAway deletes jobs that should not be there.
func (q *Queue) takeAway(tx store.Tx, jobs []charm.Job) error {
	for _, j := range jobs {
		if err := tx.DeleteJob(j.ID); err != nil {
			return err
		}
		q.tellOf(tx, j, q.cancelled(j, "it should not have been there"))
	}
	return nil
}

// arms says what a repaired charm waits for.
func arms(s charm.State) string {
	at := laterOf(s.NextRun, s.NextTry)
	switch {
	case s.Waiting.Is():
		return "it waits: " + s.Waiting.Why
	case at.IsZero():
		return "it does not run by itself"
	}
	return "it runs next at " + at.UTC().Format(time.RFC3339)
}

// rearmed is the state of a charm without a live job, with the one time that it
// should have. What is missing is due at once; what is too far away comes back to
// its schedule.
func rearmed(c charm.Charm, s charm.State, now time.Time) charm.State {
	next, believed := s.NextRun, schedule.Believable(c, s, now)
	if s.Disabled && !s.DisabledBy.Known() {
		s.DisabledBy = charm.ByFailures // a try shows whether it works
	}
	if s.Waiting.For == charm.ForSchedule {
		s.Waiting = charm.Wait{}
	}
	switch s = armed(c, s, nil, now); {
	case s.NextRun.IsZero():
	case next.IsZero():
		s.NextRun = now
	case believed:
		s.NextRun = next
	}
	return s
}

// lose ends a claim that nobody carries out; its job waits to run again, if it is
// to, or what was asked for meanwhile does.
func (q *Queue) lose(tx store.Tx, c charm.Charm, s charm.State, job charm.Job, now time.Time) (charm.State, []charm.Job, error) {
	run, err := recordLost(tx, job, now, "nobody carried out the run's claim any more")
	if err != nil {
		return s, nil, err
	}
	s, _ = q.states.After(s, run, false)
	next := follow(pendingAgain(job, now, job.Attempt), job, now, !runs(c, s))
	if next == nil || next.ID != job.ID {
		tx.AfterCommit(func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.tell(job.ID, run)
		})
		if err := tx.DeleteJob(job.ID); err != nil {
			return s, nil, err
		}
	}
	if next == nil {
		return s, nil, nil
	}
	return s, []charm.Job{*next}, tx.PutJob(*next)
}

// restoreClaim writes the row of a run that is in flight again, as memory has it.
func (q *Queue) restoreClaim(ctx context.Context, row int64) error {
	return q.store.Update(ctx, func(tx store.Tx) error {
		_, jobs, err := stands(tx, row)
		if err != nil {
			return err
		}
		q.mu.Lock()
		e := q.charms[row]
		if e == nil || !e.running || e.job == nil || e.job.Status != charm.Running {
			q.mu.Unlock()
			return nil // it has ended meanwhile
		}
		claim := *e.job
		q.mu.Unlock()
		for _, j := range jobs {
			if j.ID != claim.ID {
				if err := tx.DeleteJob(j.ID); err != nil {
					return err
				}
			}
		}
		return tx.PutJob(claim)
	})
}
