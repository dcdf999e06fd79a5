package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing/synctest"
	"time"

	"charmd/internal/charm"
	"charmd/internal/queue"
	"charmd/internal/state"
	"charmd/internal/store"
)

// step lets one thing happen, sometimes with a fault, and checks what must be true.
func (w *world) step() {
	w.now++
	time.Sleep(w.between(time.Microsecond, 2*time.Millisecond))
	switch n := w.rng.IntN(1000); {
	case n < 200:
		w.advance()
	case n < 210:
		w.jump()
	case n < 225:
		w.damage()
	case n < 240:
		w.die("killed")
	case n < 247:
		w.stop()
	case n < 270:
		w.say("%s", w.lie())
	case n < 310:
		w.reconcile()
	case n < 325:
		w.add()
	case n < 400:
		w.group()
	default:
		w.meet(w.choose())
	}
	w.fate()
	w.check()
}

// meet lets one operation happen, sometimes with a fault.
func (w *world) meet(o op) {
	with := w.fault()
	line := o.then(o.do())
	w.store.arm(none, 0)
	w.say("%s%s", line, with)
}

// fault arms one for what follows, sometimes, and says which.
func (w *world) fault() string {
	if w.calm || !w.chance(15) {
		return ""
	}
	f := pick(w, []fault{refused, refused, undone, undone, slow, slow, crashBefore, crashWriting, crashAfter, blind})
	w.store.arm(f, w.between(time.Second, 40*time.Second))
	return " [" + f.String() + "]"
}

// group lets several operations fall into one transaction of the store: none sees
// in memory what those before it have written.
func (w *world) group() {
	ops := []op{w.claim()} // one at most waits for a claim
	for range 1 + w.rng.IntN(3) {
		ops = append(ops, w.change())
	}
	gate, running := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		// It is only there to hold the writer.
		_ = w.store.DB.Update(context.Background(), func(store.Tx) error {
			w.store.mu.Lock()
			w.store.gate = true
			w.store.mu.Unlock()
			close(running)
			<-gate
			return nil
		})
	})
	<-running
	with := w.fault()
	errs := make([]error, len(ops))
	for i, o := range ops {
		all.Go(func() { errs[i] = o.do() })
		synctest.Wait()
	}
	close(gate)
	all.Wait()
	w.store.arm(none, 0)
	w.together = true
	defer func() { w.together = false }()
	for i, o := range ops {
		w.say("together %d: %s%s", i+1, o.then(errs[i]), with)
	}
}

// fate starts the service again when it has died.
func (w *world) fate() {
	if w.store.died() {
		w.die("died")
	}
}

// choose is an operation that happens now.
func (w *world) choose() op {
	if n := w.rng.IntN(100); n < 45 {
		return w.claim()
	}
	return w.change()
}

// change is an operation other than waiting for a claim.
func (w *world) change() op {
	if w.chance(60) {
		for _, f := range w.flights {
			if w.over(f) {
				return w.endOf(f, w.chance(50) && len(w.flights) <= executors)
			}
		}
	}
	switch w.rng.IntN(8) {
	case 0, 1:
		return w.runNow()
	case 2:
		return w.cancel()
	case 3:
		return w.pause()
	case 4:
		return w.remove()
	case 5:
		return w.maintain()
	case 6:
		return w.renew()
	}
	return w.configure()
}

// claim takes the next run, or the next maintenance.
func (w *world) claim() op {
	if len(w.flights) >= executors {
		return nothing("every worker is busy")
	}
	next := w.queue.Next
	if w.chance(10) {
		next = w.queue.NextTask
	}
	var c *queue.Claim
	return op{func() (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		defer cancel()
		c, err = next(ctx)
		return err
	}, func(err error) string {
		if c == nil {
			return "next: " + outcome(err)
		}
		return w.nameOf(w.launch(c)) + " begins"
	}}
}

func nothing(why string) op {
	return op{func() error { return nil }, func(error) string { return why }}
}

// row is a charm of those there are.
func (w *world) row() int64 {
	standings := w.queue.Standings()
	if len(standings) == 0 {
		return 0
	}
	return pick(w, standings).Charm.Row
}

func (w *world) runNow() op {
	row := w.row()
	var at queue.Attempt
	return op{func() (err error) {
		at, err = w.queue.RunNow(context.Background(), row)
		return err
	}, func(err error) string {
		if err == nil && !w.together { // what came behind it in one group may have been told already
			done, _ := w.queue.Watch(at.Job)
			w.waiting = append(w.waiting, &watcher{row, done})
		}
		return w.names[row] + " asked for: " + outcome(err)
	}}
}

func (w *world) cancel() op {
	live := slices.DeleteFunc(w.queue.Jobs(), func(l queue.Live) bool { return l.Job.ID == "" })
	if len(live) == 0 {
		return nothing("no job to cancel")
	}
	l := pick(w, live)
	return op{func() error {
		_, err := w.queue.Cancel(context.Background(), l.Job.ID)
		return err
	}, func(err error) string {
		return fmt.Sprintf("job of %s%s cancelled: %s", w.names[l.Job.Charm], l.Job.Task, outcome(err))
	}}
}

func (w *world) pause() op {
	row := w.row()
	p := charm.Pause{Scope: charm.PauseCharm, Subject: strconv.FormatInt(row, 10), Note: "simulated", At: w.wall()}
	switch w.rng.IntN(5) {
	case 0:
		p.Scope, p.Subject = charm.PauseAll, ""
	case 1:
		p.Scope, p.Subject = charm.PauseSpace, pick(w, spaces)
	case 2:
		p.Scope, p.Subject = charm.PauseIntegration, "mail"
	}
	verb, do := "paused", func() error { return w.queue.Pause(context.Background(), p) }
	if w.chance(60) {
		verb, do = "resumed", func() error { return w.queue.Resume(context.Background(), p.Scope, p.Subject) }
	}
	return op{do, func(err error) string { return fmt.Sprintf("%s %s %s: %s", p.Scope, p.Subject, verb, outcome(err)) }}
}

func (w *world) remove() op {
	if w.chance(60) {
		return nothing("nothing removed")
	}
	row := w.row()
	return op{func() error {
		return w.store.Update(context.Background(), func(tx store.Tx) error {
			return errors.Join(w.queue.Remove(tx, row), tx.DeleteCharm(row))
		})
	}, func(err error) string { return w.names[row] + " removed: " + outcome(err) }}
}

func (w *world) maintain() op {
	task, at := pick(w, []charm.Task{charm.Cleanup, charm.Stats}), w.wall().Add(w.between(0, time.Minute))
	return op{func() error {
		_, err := w.queue.Maintain(context.Background(), task, at)
		return err
	}, func(err error) string { return string(task) + " asked for: " + outcome(err) }}
}

func (w *world) renew() op {
	if len(w.flights) == 0 {
		return nothing("no lease to put off")
	}
	f := pick(w, w.flights)
	return op{func() error { w.dispatch(f); return nil },
		func(err error) string { return w.nameOf(f) + " renewed: " + outcome(err) }}
}

// configure changes a charm as people and the registry do.
func (w *world) configure() op {
	row, at := w.row(), w.wall()
	kind := pick(w, []string{"disabled", "enabled", "enabled", "unregistered", "registered", "registered", "waiting", "not waiting", "rescheduled"})
	every := pick(w, []time.Duration{10 * time.Second, 2 * time.Minute, time.Hour})
	return op{func() error {
		return w.store.Update(context.Background(), func(tx store.Tx) error {
			c, err := tx.Charm(row)
			if err != nil {
				return err
			}
			s, err := tx.State(row)
			if err != nil {
				return err
			}
			switch kind {
			case "disabled":
				s = state.Disable(s, charm.ByPerson, "a person said so", at)
			case "enabled":
				s = state.Enable(s)
			case "unregistered", "registered":
				c.Registered = kind == "registered"
			case "waiting":
				s.Waiting = charm.Wait{For: charm.ForAccount, Why: "its account must be connected again"}
			case "not waiting":
				s.Waiting = charm.Wait{}
			case "rescheduled":
				c.Schedule.Every = every
			}
			if _, err := tx.PutCharm(c); err != nil {
				return err
			}
			return w.queue.Put(tx, c, s)
		})
	}, func(err error) string { return w.names[row] + " " + kind + ": " + outcome(err) }}
}

// advance lets time pass.
func (w *world) advance() {
	d := w.between(time.Millisecond, 2*time.Second)
	switch n := w.rng.IntN(100); {
	case n < 10:
		d = w.between(time.Minute, time.Hour)
	case n < 40:
		d = w.between(time.Second, time.Minute)
	}
	time.Sleep(d)
	w.say("%v pass", d)
}

// jump sets the wall clock.
func (w *world) jump() {
	by := pick(w, []time.Duration{time.Hour, -time.Hour, 72 * time.Hour, -72 * time.Hour})
	w.offset += by
	w.jumped = true
	w.say("the clock jumps by %v", by)
}

// reconcile lets the service look for what is wrong and mend it.
func (w *world) reconcile() {
	with := w.fault()
	repaired, err := w.queue.Reconcile(context.Background())
	w.store.arm(none, 0)
	w.say("reconciled: %s%s%s", outcome(err), kinds(w, repaired), with)
	if err != nil || w.store.died() {
		return
	}
	for round := 0; ; round++ {
		found, err := w.queue.Reconcile(context.Background())
		w.must(err)
		// A run that was told to end ends when its executor comes around to it.
		found = slices.DeleteFunc(found, func(b queue.Breach) bool { return b.Kind == queue.Overdue })
		if len(found) == 0 {
			break
		}
		w.say("looked again:%s", kinds(w, found))
		if round > 3 {
			w.wrong("what was repaired is found again")
		}
	}
	w.looked()
}

// kinds says what was repaired, in an order of its own: the service has none.
func kinds(w *world, repaired []queue.Breach) string {
	var list []string
	for _, b := range repaired {
		list = append(list, fmt.Sprintf(" %s %s", w.names[b.Charm.Row], b.Kind))
	}
	slices.Sort(list)
	return fmt.Sprint(list)
}
