package simulation

import (
	"context"
	"errors"
	"strconv"
	"time"

	"charmd/internal/charm"
	"charmd/internal/queue"
	"charmd/internal/state"
	"charmd/internal/store"
)

const timeout = 20 * time.Second // of every charm

// mood is how the runs of a charm tend to end.
type mood string

const (
	steady  mood = "steady"
	flaky   mood = "flaky"
	broken  mood = "broken"
	wrecked mood = "wrecked" // cannot run at all
	remote  mood = "remote"  // depends on a server that is often down
	paging  mood = "paging"
	dying   mood = "dying" // its worker dies
	hanging mood = "hanging"
)

var moods = []mood{steady, steady, steady, flaky, flaky, broken, wrecked, remote, paging, dying, hanging}

// flight is a claim that was handed out, with the worker that carries it out.
type flight struct {
	claim   queue.Claim
	queue   *queue.Queue // that handed it out
	ctx     context.Context
	landed  func()
	started time.Time     // wall
	ends    time.Duration // bubble time since the start of the world; 0 means that it hangs
	outcome charm.Outcome
	code    charm.ErrorCode
	wish    queue.Wish

	run       charm.Run // as it ended; no ID while it has not
	tries     int
	until     time.Time // its worker has time until then
	taken     bool      // an operation is on it
	abandoned bool      // the service gave it up
	excused   bool      // nothing need be recorded of it
}

func (w *world) since() time.Duration { return time.Since(w.start) }

// launch gives a claim to a simulated worker.
func (w *world) launch(c *queue.Claim) *flight {
	f := &flight{claim: *c, queue: w.queue, started: w.wall(), outcome: charm.OK, ends: w.since() + w.between(time.Millisecond, 3*time.Second)}
	f.ctx, f.landed = w.queue.Bind(context.Background(), *c)
	w.dispatch(f)
	if w.claims[c.Job.Run] != nil {
		w.wrong("run %s was handed out twice", c.Job.Run)
	}
	w.claims[c.Job.Run] = f
	w.flights = append(w.flights, f)
	switch w.moods[c.Job.Charm] {
	case flaky:
		if w.chance(40) {
			f.outcome, f.code = charm.Errored, "error"
		}
	case broken:
		f.outcome, f.code = charm.Errored, "error"
	case wrecked:
		f.outcome, f.code, f.wish.Permanent = charm.Errored, charm.CodeNoUpdater, true
	case remote:
		if w.chance(60) {
			f.outcome, f.code = charm.Remote, "unavailable"
			f.wish.NotBefore = w.wall().Add(w.between(0, time.Hour))
		}
	case paging:
		f.wish.Again = w.chance(60)
	case dying:
		if w.chance(50) {
			f.outcome, f.code = charm.Crashed, "crashed"
		}
	case hanging: // the worker is killed at its time, or not even that works
		f.outcome, f.code, f.ends = charm.TimedOut, charm.CodeTimeout, w.since()+timeout
		if w.chance(50) {
			f.ends = 0
		}
	}
	return f
}

// dispatch lets f's worker begin, or begin anew.
func (w *world) dispatch(f *flight) {
	f.until = w.wall().Add(timeout + charm.MaxHold + charm.LeaseSlack)
	w.queue.Dispatched(f.claim)
}

// over reports whether the worker is done, or was told to be.
func (w *world) over(f *flight) bool {
	return !f.taken && (f.ends != 0 && f.ends <= w.since() || f.ctx.Err() != nil)
}

// record is how the run of f ends now.
func (w *world) record(f *flight, o charm.Outcome, code charm.ErrorCode) charm.Run {
	job := f.claim.Job
	run := charm.Run{
		ID: job.Run, Charm: job.Charm, Job: job.ID, Task: job.Task, Reason: job.Reason, Attempt: job.Attempt, DueAt: job.DueAt,
		StartedAt: f.started, EndedAt: w.wall(), Outcome: o, Code: code,
	}
	if o != charm.OK {
		run.Error = "simulated " + string(o)
	}
	return run
}

// op is one thing that happens: do asks the service for it, on any goroutine, and
// then is what the world makes of the answer.
type op struct {
	do   func() error
	then func(error) string
}

// endOf ends the run of f in one transaction with its effect, as the handler
// does; rides says that the next claim is made in it.
func (w *world) endOf(f *flight, rides bool) op {
	f.taken = true
	if f.run.ID == "" {
		switch cause := context.Cause(f.ctx); {
		case errors.Is(cause, queue.ErrCancelled):
			f.run = w.record(f, charm.Cancelled, charm.CodeCancelled)
		case errors.Is(cause, queue.ErrOverdue):
			f.run = w.record(f, charm.TimedOut, charm.CodeTimeout)
		default:
			f.run = w.record(f, f.outcome, f.code)
		}
	}
	q, run, states := w.queue, f.run, w.states
	var next *queue.Claim
	do := func() error {
		return w.store.Update(context.Background(), func(tx store.Tx) error {
			if err := w.effect(tx, run); err != nil {
				return err
			}
			before, err := tx.State(run.Charm)
			if err != nil {
				return err
			}
			if f.claim.Job.Type == charm.Maintenance {
				return q.End(tx, f.claim, run, queue.Ending{Final: true}, charm.State{})
			}
			end := q.Ending(f.claim, run, f.wish)
			after, _ := states.After(before, run, end.Final)
			if err := q.End(tx, f.claim, run, end, after); err != nil {
				return err
			}
			if rides {
				next = q.ClaimNext(tx)
			}
			return nil
		})
	}
	return op{do, func(err error) string {
		f.taken = false
		line := w.nameOf(f) + " ends " + string(run.Outcome) + ": " + outcome(err)
		if next != nil && err != nil {
			q.GiveBack(*next)
		}
		switch {
		case err == nil:
			w.land(f)
			w.jumped = w.jumped || f.run.EndedAt.After(w.wall()) // what follows counts from then
			if run.Outcome == charm.OK {
				w.told[run.ID] = run.Charm
			}
			if next != nil {
				line += "; with it " + w.nameOf(w.launch(next)) + " begins"
			}
		case errors.Is(err, errDied):
		case errors.Is(err, queue.ErrNotOurs):
			w.removed(f)
		default: // the handler tries again, unless it is lied to or broken itself
			if f.tries++; f.tries > 2 && w.chance(30) {
				line += "; given up"
				f.abandoned = true
				w.queue.Abandon(f.claim)
				w.land(f)
			}
		}
		return line
	}}
}

// effect is what a run that ends well does to its charm's cell: it counts one up.
func (w *world) effect(tx store.Tx, run charm.Run) error {
	if run.Outcome != charm.OK {
		return nil
	}
	key := cell(run.Charm)
	text, err := tx.Value(key)
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(text) // "" is 0
	return tx.SetValue(key, strconv.Itoa(n+1))
}

func cell(row int64) string { return "simulation.cell." + strconv.FormatInt(row, 10) }

// land takes f out of what is in flight.
func (w *world) land(f *flight) {
	f.landed()
	for i, other := range w.flights {
		if other == f {
			w.flights = append(w.flights[:i:i], w.flights[i+1:]...)
			break
		}
	}
	w.ghosts, w.unseen = append(w.ghosts, f), append(w.unseen, f)
}

// removed ends a claim that is not the service's any more, as the handler does.
func (w *world) removed(f *flight) {
	f.run.Outcome, f.run.Code = charm.Cancelled, charm.CodeCancelled
	if err := w.store.Update(context.Background(), func(tx store.Tx) error { return tx.AddRun(f.run) }); err != nil {
		f.excused = true
	}
	w.queue.Drop(f.claim, f.run)
	w.land(f)
}

func (w *world) nameOf(f *flight) string {
	if f.claim.Job.Type == charm.Maintenance {
		return string(f.claim.Job.Task)
	}
	return w.names[f.claim.Job.Charm] + " (" + string(f.claim.Job.Reason) + ", " + strconv.Itoa(f.claim.Job.Attempt) + ")"
}

// stale lets claims of an earlier life, and such as have ended, come back with a
// success: the old service that was thought dead, and a worker's end told twice.
func (w *world) stale(old *queue.Queue) {
	for i, f := range w.ghosts {
		if i < len(w.ghosts)-8 || f.abandoned { // a claim that was given up is held until it is recovered
			continue
		}
		run := w.record(f, charm.OK, "")
		for _, q := range []*queue.Queue{f.queue, w.queue, old} {
			w.refusedEnd(q, f.claim, run, "a late end of "+w.nameOf(f))
		}
	}
}

// refusedEnd writes an end with an effect that must be refused.
func (w *world) refusedEnd(q *queue.Queue, c queue.Claim, run charm.Run, what string) {
	w.t.Helper()
	err := w.store.DB.Update(context.Background(), func(tx store.Tx) error {
		if err := w.effect(tx, run); err != nil {
			return err
		}
		return q.End(tx, c, run, queue.Ending{Final: true}, state.Enable(charm.State{}))
	})
	if !errors.Is(err, queue.ErrNotOurs) {
		w.wrong("%s gave %v, want %v", what, err, queue.ErrNotOurs)
	}
}

// lie is a worker that tells things of claims that are not its own.
func (w *world) lie() string {
	w.stale(w.queue)
	if len(w.flights) < 2 {
		return "an end is told again"
	}
	a, b := w.flights[0], w.flights[len(w.flights)-1]
	mixed := a.claim
	mixed.Job.Run = b.claim.Job.Run
	w.refusedEnd(w.queue, mixed, w.record(b, charm.OK, ""), "an end with another claim's run")
	w.refusedEnd(w.queue, a.claim, w.record(b, charm.OK, ""), "an end with another run's record")
	return w.nameOf(a) + " tells the end of " + w.nameOf(b)
}
