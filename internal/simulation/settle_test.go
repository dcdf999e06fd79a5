package simulation

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	"charmd/internal/charm"
	"charmd/internal/state"
	"charmd/internal/store"
)

// settle ends the faults and lets the service come to rest: whatever is to run
// must run again, in turn, and everyone who waits must be told.
func (w *world) settle() {
	w.t.Helper()
	w.now++
	w.say("no more faults")
	w.calm = true
	time.Sleep(3 * time.Second) // the store finds out by itself that it can be written
	w.reconcile()
	w.landAll()
	w.reconcile()
	for _, p := range w.queue.Pauses() {
		w.must(w.queue.Resume(context.Background(), p.Scope, p.Subject))
	}
	w.check()
	w.liveness()
	w.turns()
	w.check()
	w.whole()
}

// landAll waits for the workers in flight; those that hang are ended when the
// service finds them long past their lease.
func (w *world) landAll() {
	w.t.Helper()
	for len(w.flights) > 0 {
		f := w.flights[0]
		for !w.over(f) {
			if wait := f.ends - w.since(); f.ends != 0 {
				time.Sleep(wait)
				continue
			}
			if s, ok := w.queue.Standing(f.claim.Job.Charm); ok && s.Job != nil && f.until.After(w.wall()) {
				time.Sleep(f.until.Sub(w.wall()) + time.Second)
			} else if !ok {
				f.ends = w.since() // its charm is gone, nobody looks for it
				continue
			}
			w.reconcile()
			w.overdue()
		}
		o := w.endOf(f, false)
		w.say("%s", o.then(o.do()))
	}
}

// liveness lets every charm that is to run do so with success.
func (w *world) liveness() {
	w.t.Helper()
	missing := map[int64]bool{}
	for _, s := range w.queue.Standings() {
		w.moods[s.Charm.Row] = steady
		if s.Charm.Registered && !s.State.Waiting.Is() && (!s.State.Disabled || s.State.DisabledBy == charm.ByFailures && !s.Charm.ProbeNever) {
			missing[s.Charm.Row] = true
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), charm.MaxProbe+time.Hour)
	defer cancel()
	for len(missing) > 0 || !w.answered() {
		c, err := w.queue.Next(ctx)
		if err != nil {
			var names []string
			for row := range missing {
				s, _ := w.queue.Standing(row)
				names = append(names, fmt.Sprintf("%s %+v", w.names[row], s))
			}
			for _, a := range w.waiting {
				names = append(names, w.names[a.charm]+" (asked for)")
			}
			w.wrong("they were to run and did not in a day: %v (%v)", names, err)
		}
		f := w.launch(c)
		time.Sleep(w.between(time.Millisecond, 20*time.Millisecond))
		o := w.endOf(f, false)
		w.say("%s", o.then(o.do()))
		row := c.Job.Charm
		if f.run.Outcome == charm.OK && missing[row] && !f.wish.Again {
			delete(missing, row)
			// The others are waited for in peace.
			w.must(w.queue.Pause(ctx, charm.Pause{Scope: charm.PauseCharm, Subject: strconv.FormatInt(row, 10), At: w.wall()}))
		}
	}
	for {
		c, err := w.queue.NextTask(ctx)
		if err != nil {
			break // no maintenance waits
		}
		o := w.endOf(w.launch(c), false)
		w.say("%s", o.then(o.do()))
		if len(w.queue.Jobs()) == 0 {
			break
		}
	}
}

// turns asks for runs of every charm over and over: each space must get its share.
func (w *world) turns() {
	w.t.Helper()
	of := map[string]int{}
	for _, s := range w.queue.Standings() {
		row := s.Charm.Row
		of[s.Charm.Space] = 0
		w.must(w.store.Update(context.Background(), func(tx store.Tx) error {
			before, err := tx.State(row)
			if err != nil {
				return err
			}
			return w.queue.Put(tx, s.Charm, state.Enable(before))
		}))
		_, err := w.queue.RunNow(context.Background(), row)
		w.must(err)
	}
	turn := func() string {
		c, err := w.queue.Next(context.Background())
		w.must(err)
		f := w.launch(c)
		time.Sleep(10 * time.Second)
		o := w.endOf(f, false)
		o.then(o.do())
		_, err = w.queue.RunNow(context.Background(), c.Job.Charm)
		w.must(err)
		return c.Charm.Space
	}
	// Those whose runs took long before give the others what they had too much.
	for waiting := maps.Clone(of); len(waiting) > 0; w.now++ {
		if w.now > steps+200 {
			w.wrong("after 200 runs these spaces had none: %v", waiting)
		}
		delete(waiting, turn())
	}
	const rounds = 8
	for range rounds * len(of) {
		of[turn()]++
	}
	for space, n := range of {
		if n < rounds/2 {
			w.wrong("of %d runs the space %s got %d: %v", rounds*len(of), space, n, of)
		}
	}
	w.say("the spaces had their turns")
}
