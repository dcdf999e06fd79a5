package queue

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"charmd/internal/charm"
	"charmd/internal/schedule"
	"charmd/internal/state"
	"charmd/internal/store"
)

const epochKey = "service.epoch"

// Recovered says what an unclean stop had left behind.
type Recovered struct {
	Lost     []charm.Run   // runs that were in flight, now recorded as lost
	Disabled []charm.Charm // charms that were in flight too many times in a row
}

// Open takes up what the store holds. Claims of earlier starts are recorded as
// lost and their jobs wait to run again at once, each alone in flight.
func Open(ctx context.Context, st store.Store, states *state.Manager, opts Options) (*Queue, Recovered, error) {
	q := &Queue{
		store: st, opts: opts, wake: make(chan struct{}),
		charms: map[int64]*entry{}, tasks: map[string]*entry{}, waiters: map[string][]chan charm.Run{},
	}
	var found Recovered
	err := st.Update(ctx, func(tx store.Tx) error {
		if err := q.nextEpoch(tx); err != nil {
			return err
		}
		jobs, err := tx.Jobs(0)
		if err != nil {
			return err
		}
		for _, job := range jobs {
			if job.Status != charm.Running {
				continue
			}
			if err := recoverJob(tx, states, job, opts.Now(), &found); err != nil {
				return fmt.Errorf("job %s of the last start: %w", job.ID, err)
			}
		}
		return rearm(tx, opts.Now())
	})
	if err != nil {
		return nil, Recovered{}, err
	}
	return q, found, st.View(ctx, q.load)
}

func (q *Queue) nextEpoch(tx store.Tx) error {
	text, err := tx.Value(epochKey)
	if err != nil {
		return err
	}
	if text != "" {
		if q.epoch, err = strconv.ParseInt(text, 10, 64); err != nil {
			return fmt.Errorf("%s is %q: %w", epochKey, text, err)
		}
	}
	q.epoch++
	return tx.SetValue(epochKey, strconv.FormatInt(q.epoch, 10))
}

// recoverJob ends the claim of a service that died.
func recoverJob(tx store.Tx, states *state.Manager, job charm.Job, now time.Time, found *Recovered) error {
	run := charm.Run{
		ID: job.Run, Charm: job.Charm, Job: job.ID, Task: job.Task, Reason: job.Reason, Attempt: job.Attempt,
		DueAt: job.DueAt, StartedAt: job.ClaimedAt, EndedAt: now,
		Outcome: charm.Lost, Code: charm.CodeLost, Error: "the service stopped while this was running",
	}
	if err := tx.AddRun(run); err != nil {
		return err
	}
	found.Lost = append(found.Lost, run)
	if job.Charm == 0 {
		return tx.DeleteJob(job.ID) // maintenance comes around by itself
	}
	c, err := tx.Charm(job.Charm)
	if err != nil {
		return err
	}
	s, err := tx.State(job.Charm)
	if err != nil {
		return err
	}
	s, _ = states.After(s, run, false)
	s, told := states.InFlightAtStop(s, now)
	if told == state.Disabled {
		found.Disabled = append(found.Disabled, c)
	}
	if s.Disabled {
		err = tx.DeleteJob(job.ID)
	} else {
		err = tx.PutJob(*pendingAgain(job, now, job.Attempt))
	}
	if err != nil {
		return err
	}
	return tx.PutState(job.Charm, s)
}

// rearm gives charms that should run and have no time for it one: at once when it
// is missing, by the schedule again when the wall clock was set back. Those whose
// schedule cannot be used wait, for that stated reason, as long as it is so.
func rearm(tx store.Tx, now time.Time) error {
	charms, err := tx.Charms("")
	if err != nil {
		return err
	}
	for _, c := range charms {
		s, jobs, err := stands(tx, c.Row)
		if err != nil {
			return err
		}
		if schedule.IsUnusable(s.Waiting) {
			s.Waiting = ""
		}
		if !c.Registered || s.Disabled || s.Waiting != "" || len(jobs) > 0 {
			continue
		}
		switch unusable := schedule.Unusable(c.Schedule); {
		case unusable != "":
			s.NextRun, s.Waiting = time.Time{}, unusable
		case s.NextRun.IsZero():
			s.NextRun = now
		case !schedule.Believable(c, s, now):
			s.NextRun = schedule.Next(c, now)
		default:
			continue
		}
		if err := tx.PutState(c.Row, s); err != nil {
			return err
		}
	}
	return nil
}

func (q *Queue) load(r store.Reader) error {
	charms, err := r.Charms("")
	if err != nil {
		return err
	}
	states, err := r.States()
	if err != nil {
		return err
	}
	jobs, err := r.Jobs(0)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range charms {
		q.charms[c.Row] = &entry{charm: c, state: states[c.Row], index: -1}
	}
	for _, job := range jobs {
		if job.Charm == 0 {
			e := &entry{job: &job, index: -1}
			q.tasks[job.ID] = e
			q.arm(e)
			continue
		}
		if e := q.charms[job.Charm]; e != nil {
			e.job = &job
		}
	}
	for _, e := range q.charms {
		q.arm(e)
	}
	return nil
}
