// Package queue is the JobQueue: which charm runs next, and the claims that make
// a run durable. It exists so that one place decides what is live. What is due
// follows from each charm's state and is kept in memory in order; a row is
// written when a run is claimed and for what cannot be computed: retries, runs
// people ask for, maintenance. Whatever is in memory is changed after the
// transaction that says so is on disk, never before.
package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"

	"charmd/internal/charm"
	"charmd/internal/state"
	"charmd/internal/store"
)

// Options configure a Queue.
type Options struct {
	MaxRetries     int              // further attempts of a job after its first
	DefaultTimeout time.Duration    // of charms that set none
	Now            func() time.Time // wall clock
	Only           string           // run charms of this integration alone; "" means all
	Slots          int              // runs in flight that keep the workers busy: one space gets at most half while others wait; 0 means no bound
	Jitter         func() float64   // spreads retries, in [0, 1); nil means at random
}

// Queue holds what is live. Its methods may be called from any goroutine.
type Queue struct {
	store  store.Store
	states *state.Manager
	opts   Options
	epoch  int64

	mu       sync.Mutex
	order    order
	charms   map[int64]*entry  // by row
	tasks    map[string]*entry // maintenance, by job id
	inFlight int
	solo     bool // the one run in flight must stay alone
	pauses   map[pauseKey]charm.Pause
	closed   bool
	noIntake bool // see SetIntake
	wake     chan struct{}
	waiters  map[string][]chan charm.Run // by job id
	observe  func(row int64)             // see Observe

	mending  sync.Mutex   // one reconciler at a time
	lookTook atomic.Int64 // of the reconciler's last look, ns
}

// Claim is a run that this service owns: its job's row says so on disk.
type Claim struct {
	Job   charm.Job
	Charm charm.Charm // zero for maintenance
	Ahead any         // what its handler has read for it in the transaction that claimed it; nil for nothing
	entry *entry
	row   bool // its job waited as a row
}

// ErrClosed is returned by Next once the queue hands out no more work.
var ErrClosed = errors.New("the queue is closed")

// NewID makes an id that sorts by the time it was made.
func NewID(at time.Time) string {
	return ulid.MustNew(ulid.Timestamp(at), rand.Reader).String()
}

// Next waits for the next due run of a charm and claims it. The claim is on disk
// when Next returns. ErrClosed: no more is handed out.
func (q *Queue) Next(ctx context.Context) (*Claim, error) { return q.next(ctx, charm.ExecuteCharm) }

// NextTask is Next for maintenance.
func (q *Queue) NextTask(ctx context.Context) (*Claim, error) { return q.next(ctx, charm.Maintenance) }

func (q *Queue) next(ctx context.Context, kind charm.JobType) (*Claim, error) {
	for {
		e, later, err := q.pick(kind)
		if err != nil {
			return nil, err
		}
		if e == nil {
			if err := later.sleep(ctx); err != nil {
				return nil, err
			}
			continue
		}
		c, err := q.claim(ctx, e)
		if c == nil && err == nil {
			continue // it was not wanted any more
		}
		return c, err
	}
}

// later is when to look again: after a time, or when something changes. The
// channel is taken with the look that found nothing, so that no change between
// that look and the sleep is slept over.
type later struct {
	wait time.Duration
	wake <-chan struct{}
}

// longestSleep bounds a wait, because the wall clock may be set while it lasts.
const longestSleep = 30 * time.Second

func (l later) sleep(ctx context.Context) error {
	timer := time.NewTimer(min(max(l.wait, 0), longestSleep))
	defer timer.Stop()
	select {
	case <-l.wake:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// wakeAll tells every waiting Next to look again. The caller holds mu.
func (q *Queue) wakeAll() {
	close(q.wake)
	q.wake = make(chan struct{})
}

// pick takes the entry that is to run now out of the order, or says when to look
// again.
func (q *Queue) pick(kind charm.JobType) (*entry, later, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, later{}, ErrClosed
	}
	if q.noIntake && kind == charm.ExecuteCharm {
		return nil, later{longestSleep, q.wake}, nil
	}
	find := q.pickCharm
	if kind == charm.Maintenance {
		find = q.pickTask
	}
	e, wait := find(q.opts.Now())
	if e != nil {
		e.running = true
	}
	return e, later{wait, q.wake}, nil
}

// pickCharm finds the charm whose turn it is, or says how long until the next is
// due. The caller holds mu.
func (q *Queue) pickCharm(now time.Time) (*entry, time.Duration) {
	e, wait := q.order.next(now)
	if e == nil {
		return nil, wait
	}
	// A charm that was running when the service died runs alone, so that if it
	// was the cause no other is blamed with it.
	alone := e.state.UncleanStops > 0
	if q.solo || (alone && q.inFlight > 0) {
		return nil, longestSleep
	}
	q.solo = alone
	q.inFlight++
	q.order.take(e)
	return e, 0
}

// pickTask is pickCharm for maintenance.
func (q *Queue) pickTask(now time.Time) (*entry, time.Duration) {
	var first *entry
	for _, e := range q.tasks {
		if !e.running && (first == nil || e.due.Before(first.due)) {
			first = e
		}
	}
	switch {
	case first == nil:
		return nil, longestSleep
	case first.due.After(now):
		return nil, first.due.Sub(now)
	}
	return first, 0
}

func (q *Queue) claim(ctx context.Context, e *entry) (*Claim, error) {
	c := q.newClaim(e)
	err := q.store.Update(ctx, func(tx store.Tx) error { return q.write(tx, c) })
	if err == nil {
		return &c, nil
	}
	q.GiveBack(c)
	if errors.Is(err, errNotWanted) && c.Job.Charm != 0 {
		return nil, q.refresh(ctx, c.Job.Charm)
	}
	return nil, fmt.Errorf("claiming job %s: %w", c.Job.ID, err)
}

// newClaim is the claim of a picked entry, not yet on disk.
func (q *Queue) newClaim(e *entry) Claim {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.opts.Now()
	job, row := e.nextJob(now), e.job != nil
	job.Status, job.Epoch, job.Run = charm.Running, q.epoch, NewID(now)
	job.ClaimedAt, job.LeaseEnd = now, q.leaseEnd(e.charm)
	e.flight, e.until = job.Run, time.Time{}
	return Claim{Job: job, Charm: e.charm, entry: e, row: row}
}

// write puts the claim's row into tx, when the charm still wants to run. That is
// decided from tx alone: memory follows a transaction only once it is on disk.
func (q *Queue) write(tx store.Tx, c Claim) error {
	if c.Job.Charm != 0 {
		if err := stillWanted(tx, c); err != nil {
			return err
		}
		if q.heldBack(c) {
			return errNotWanted
		}
	}
	err := tx.PutJob(c.Job)
	if errors.Is(err, store.ErrNotFound) {
		return errNotWanted // the charm was removed
	}
	if err != nil {
		return err
	}
	tx.AfterCommit(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		job := c.Job
		c.entry.job = &job
	})
	return nil
}

var errNotWanted = errors.New("the charm was removed, disabled, paused or claimed meanwhile")

// heldBack reports whether the charm was paused since it was picked.
func (q *Queue) heldBack(c Claim) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return c.Job.Reason != charm.RunNow && q.pausedBy(c.entry.charm) != nil
}

// stillWanted looks again before a claim is written: the job that was picked must
// still wait, one that was merely due must have no rival.
func stillWanted(tx store.Tx, c Claim) error {
	job := c.Job
	s, jobs, err := stands(tx, job.Charm)
	if err != nil {
		return err
	}
	switch {
	case !job.Once && !runs(c.Charm, s) && !probed(c.Charm, s):
		return errNotWanted
	case c.row != (len(jobs) == 1), len(jobs) > 1:
		return errNotWanted
	case c.row && (jobs[0].ID != job.ID || jobs[0].Status != charm.Pending):
		return errNotWanted
	}
	return nil
}

// ClaimNext claims what is due at this moment inside tx, the transaction that
// ends another run: a busy service then writes once a run instead of twice. It
// is nil when nothing is due or what is cannot be claimed; Next will say why.
// When tx fails it must be given back.
func (q *Queue) ClaimNext(tx store.Tx) *Claim {
	e, _, err := q.pick(charm.ExecuteCharm)
	if e == nil || err != nil {
		return nil
	}
	c := q.newClaim(e)
	if err := q.write(tx, c); err != nil {
		q.GiveBack(c)
		return nil
	}
	return &c
}

// GiveBack undoes a claim that did not get to disk.
func (q *Queue) GiveBack(c Claim) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := c.entry
	if !q.release(c, 0) {
		return
	}
	e.running = false
	e.notBefore = q.opts.Now().Add(giveBackWait)
	q.arm(e)
}

// giveBackWait keeps from spinning while the store refuses.
const giveBackWait = 100 * time.Millisecond

// release ends claim c's part in what is in flight, for which it used a worker
// for the time. It is false when that has ended before. The caller holds mu.
func (q *Queue) release(c Claim, took time.Duration) bool {
	e := c.entry
	if e.flight != c.Job.Run {
		return false
	}
	e.flight, e.until, e.cancel, e.doom = "", time.Time{}, nil, nil
	if e.charm.Row != 0 {
		q.inFlight--
		q.solo = false
		q.order.settle(e, took)
	}
	q.wakeAll()
	return true
}

// Close makes Next return ErrClosed. Runs that are claimed go on.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		q.wakeAll()
	}
}
