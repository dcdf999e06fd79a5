package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"charmd/internal/charm"
	"charmd/internal/state"
	"charmd/internal/store"
)

const epochKey = "service.epoch"

// Recovered says what an unclean stop had left behind.
type Recovered struct {
	Lost     []charm.Run   // runs that were in flight, now recorded as lost
	Disabled []charm.Charm // charms that were in flight too many times in a row, and nobody was told of yet
	Repaired []Breach      // what stood against the invariants
}

// Open takes up what the store holds. Claims of earlier starts are recorded as
// lost and their jobs wait to run again at once, each alone in flight.
func Open(ctx context.Context, st store.Store, states *state.Manager, opts Options) (*Queue, Recovered, error) {
	if opts.Jitter == nil {
		opts.Jitter = rand.Float64
	}
	q := &Queue{
		store: st, states: states, opts: opts, wake: make(chan struct{}), pauses: map[pauseKey]charm.Pause{},
		order: newOrder(opts.Slots), charms: map[int64]*entry{}, tasks: map[string]*entry{}, waiters: map[string][]chan charm.Run{},
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
			gone, err := isStray(tx, job)
			if gone {
				err = tx.DeleteJob(job.ID)
			}
			if err != nil {
				return err
			}
			if gone || job.Status != charm.Running {
				continue
			}
			if err := recoverJob(tx, states, job, opts.Now(), &found); err != nil {
				return fmt.Errorf("job %s of the last start: %w", job.ID, err)
			}
		}
		if err := q.rearm(tx, &found); err != nil {
			return err
		}
		return q.keepUntold(tx, found.Disabled)
	})
	if err != nil {
		return nil, Recovered{}, err
	}
	return q, found, st.View(ctx, q.load)
}

// isStray reports whether the job is of a charm that is gone: the schema does not
// let that be, but a program that has not switched its checks on may have done it.
func isStray(r store.Reader, job charm.Job) (bool, error) {
	if job.Charm == 0 {
		return false, nil
	}
	_, err := r.Charm(job.Charm)
	if errors.Is(err, store.ErrNotFound) {
		return true, nil
	}
	return false, err
}

func (q *Queue) nextEpoch(tx store.Tx) error {
	if err := store.DecodeValue(tx, epochKey, &q.epoch); err != nil {
		return err
	}
	q.epoch++
	return tx.SetValue(epochKey, strconv.FormatInt(q.epoch, 10))
}

// recordLost writes the record of a claim that its service left behind. A run
// that has a record already ended, whatever its claim says; it is made again all
// the same under a new id.
func recordLost(tx store.Tx, job charm.Job, now time.Time, why string) (charm.Run, error) {
	run := charm.Run{
		ID: job.Run, Charm: job.Charm, Job: job.ID, Task: job.Task, Reason: job.Reason, Attempt: job.Attempt,
		DueAt: job.DueAt, StartedAt: job.ClaimedAt, EndedAt: now, Outcome: charm.Lost, Code: charm.CodeLost, Error: why,
	}
	if _, err := tx.Run(run.ID); !errors.Is(err, store.ErrNotFound) {
		return run, err
	}
	return run, tx.AddRun(run)
}

// recoverJob ends the claim of a service that died.
func recoverJob(tx store.Tx, states *state.Manager, job charm.Job, now time.Time, found *Recovered) error {
	run, err := recordLost(tx, job, now, "the service stopped while this was running")
	if err != nil {
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
	next := pendingAgain(job, now, job.Attempt)
	if s.Disabled { // what was asked for behind the run is another run
		next = follow(nil, job, now, true)
		if err := tx.DeleteJob(job.ID); err != nil {
			return err
		}
	}
	if next != nil {
		if err := tx.PutJob(*next); err != nil {
			return err
		}
	}
	return tx.PutState(job.Charm, s)
}

// rearm gives charms that should run and have no time for it one: at once when it
// is missing, on their schedule again when the wall clock was set back.
func (q *Queue) rearm(tx store.Tx, found *Recovered) error {
	held, err := takeStock(tx)
	if err != nil {
		return err
	}
	for _, c := range held.charms {
		b := Breach{Charm: c}
		if b.Kind, b.Detail = stand(c, held.states[c.Row], held.jobs[c.Row], q.opts.Now()); b.Kind == "" {
			continue
		}
		if b.Repair, err = q.mend(tx, c.Row); err != nil {
			return fmt.Errorf("bringing %s into order: %w", c.Ref(), err)
		}
		found.Repaired = append(found.Repaired, b)
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
	pauses, err := r.Pauses()
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, p := range pauses {
		q.pauses[pauseKey{p.Scope, p.Subject}] = p
	}
	q.charms, q.order = map[int64]*entry{}, newOrder(q.opts.Slots)
	for _, c := range charms {
		q.charms[c.Row] = &entry{charm: c, state: states[c.Row]}
	}
	for _, job := range jobs {
		if job.Charm == 0 {
			e := &entry{job: &job}
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
