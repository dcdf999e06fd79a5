package queue_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/queue"
	"charmd/internal/store"
)

func TestWhatIsPausedDoesNotRunByItself(t *testing.T) {
	for _, p := range []charm.Pause{
		{Scope: charm.PauseAll, Note: "moving house"},
		{Scope: charm.PauseSpace, Subject: space},
		{Scope: charm.PauseIntegration, Subject: "rss"},
		{Scope: charm.PauseCharm, Subject: "1"},
	} {
		t.Run(string(p.Scope), func(t *testing.T) {
			inBubble(t, func(w *world) {
				c := w.add(1, func(c *charm.Charm) { c.Integration = "rss" })
				if strconv.FormatInt(c.Row, 10) != "1" {
					t.Fatalf("the charm's row is %d", c.Row)
				}
				claim := w.next()
				p.At = time.Now()
				if err := w.queue.Pause(w.t.Context(), p); err != nil {
					t.Fatal(err)
				}
				w.mustEnd(claim, charm.Errored) // what runs ends; its retry waits
				w.idle(time.Hour)
				if s := w.standing(c); !s.Held() || s.Paused == nil || s.Paused.Note != p.Note {
					t.Errorf("it stands as %+v", s)
				}
				w.restart() // it stays so
				w.idle(time.Hour)
				asked, err := w.queue.RunNow(w.t.Context(), c.Row)
				if err != nil {
					t.Fatal(err)
				}
				if claim = w.next(); claim.Job.ID != asked.Job {
					t.Errorf("asked for %s, got %+v", asked.Job, claim.Job)
				}
				w.mustEnd(claim, charm.OK)
				w.idle(time.Hour)
				if err := w.queue.Resume(w.t.Context(), p.Scope, p.Subject); err != nil {
					t.Fatal(err)
				}
				at := time.Now()
				w.mustEnd(w.next(), charm.OK)
				if time.Since(at) != 0 {
					t.Errorf("what became due meanwhile waited %v more", time.Since(at))
				}
				w.next()
				if time.Since(at) == 0 {
					t.Error("missed runs are more than one run")
				}
				if err := w.queue.Resume(w.t.Context(), p.Scope, p.Subject); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("resuming what is not paused gave %v", err)
				}
			})
		})
	}
}

func TestAPauseStopsNobodyElse(t *testing.T) {
	inBubble(t, func(w *world) {
		w.add(1, func(c *charm.Charm) { c.Integration = "gmail" })
		other := w.add(2, func(c *charm.Charm) { c.Integration = "rss" })
		if err := w.queue.Pause(w.t.Context(), charm.Pause{Scope: charm.PauseIntegration, Subject: "gmail", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		if got := w.next(); got.Charm.Row != other.Row {
			t.Errorf("%s was handed out", got.Charm.Name)
		}
		w.idle(time.Hour)
	})
}

func TestThePauseOfARemovedCharmIsForgotten(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		p := charm.Pause{Scope: charm.PauseCharm, Subject: strconv.FormatInt(c.Row, 10), At: time.Now()}
		if err := w.queue.Pause(w.t.Context(), p); err != nil {
			t.Fatal(err)
		}
		w.update(func(tx store.Tx) error {
			return errors.Join(w.queue.Remove(tx, c.Row), tx.DeleteCharm(c.Row))
		})
		if left := w.queue.Pauses(); len(left) != 0 {
			t.Errorf("paused is still %+v", left)
		}
	})
}

func TestCancelWaitingAndRunning(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		w.mustEnd(w.next(), charm.Errored)
		waiting := w.standing(c).Job.ID
		ended, stop := w.queue.Watch(waiting)
		defer stop()
		job, err := w.queue.Cancel(w.t.Context(), waiting)
		if err != nil || job.Status != charm.Pending {
			t.Fatalf("cancelled %+v, %v", job, err)
		}
		if run := <-ended; run.Outcome != charm.Cancelled || run.ID == "" {
			t.Errorf("who waits was told %+v", run)
		}
		if s := w.standing(c); s.Job != nil || s.State.NextRun.IsZero() || len(w.rows()) != 0 {
			t.Errorf("after it the charm stands as %+v", s)
		}
		claim := w.next()
		if claim.Job.Reason != charm.Due {
			t.Errorf("next came %+v", claim.Job)
		}
		flight, landed := w.queue.Bind(w.t.Context(), claim)
		defer landed()
		if job, err = w.queue.Cancel(w.t.Context(), claim.Job.ID); err != nil || job.Status != charm.Running {
			t.Fatalf("cancelled %+v, %v", job, err)
		}
		<-flight.Done()
		w.mustEnd(claim, charm.Cancelled)
		if s := w.standing(c); s.Job != nil || s.State.NextRun.IsZero() {
			t.Errorf("after it the charm stands as %+v", s)
		}
		if _, err := w.queue.Cancel(w.t.Context(), claim.Job.ID); charm.CodeOf(err) != charm.CodeNotFound {
			t.Errorf("cancelling what has ended gave %v", err)
		}
	})
}

// A job is cancelled after its claim and before its handler has begun.
func TestCancelBeforeTheHandlerBegins(t *testing.T) {
	inBubble(t, func(w *world) {
		w.add(1)
		claim := w.next()
		if _, err := w.queue.Cancel(w.t.Context(), claim.Job.ID); err != nil {
			w.t.Fatal(err)
		}
		flight, landed := w.queue.Bind(w.t.Context(), claim)
		defer landed()
		if !errors.Is(context.Cause(flight), queue.ErrCancelled) {
			w.t.Errorf("the run goes on: %v", context.Cause(flight))
		}
		w.mustEnd(claim, charm.Cancelled)
		claim = w.next()
		flight, landed = w.queue.Bind(w.t.Context(), claim)
		defer landed()
		if flight.Err() != nil {
			w.t.Error("the next run was ended, too")
		}
	})
}

func TestCancelAMaintenanceTask(t *testing.T) {
	inBubble(t, func(w *world) {
		next, err := w.queue.Maintain(w.t.Context(), charm.Cleanup, time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.queue.Cancel(w.t.Context(), next.Job); err != nil {
			t.Fatal(err)
		}
		if w.queue.HasTask(charm.Cleanup) || len(w.rows()) != 0 {
			t.Error("the task is still there")
		}
	})
}

// A run that outlives its lease is ended by the reconciler; one that is made
// again is given a new lease before.
func TestOverdueRunsAreEnded(t *testing.T) {
	inBubble(t, func(w *world) {
		w.add(1)
		claim := w.next()
		flight, landed := w.queue.Bind(w.t.Context(), claim)
		defer landed()
		lease := 30*time.Second + charm.MaxHold + charm.LeaseSlack
		time.Sleep(10 * lease) // it waits for a worker
		if found, err := w.queue.Reconcile(w.t.Context()); err != nil || len(found) != 0 {
			t.Fatalf("while it waits for a worker: %+v, %v", found, err)
		}
		w.queue.Dispatched(claim)
		time.Sleep(lease - time.Second)
		w.queue.Dispatched(claim) // it is made again
		time.Sleep(lease - time.Second)
		if found, err := w.queue.Reconcile(w.t.Context()); err != nil || len(found) != 0 || flight.Err() != nil {
			t.Fatalf("within its lease: %+v, %v, %v", found, err, flight.Err())
		}
		time.Sleep(2 * time.Second)
		found, err := w.queue.Reconcile(w.t.Context())
		if err != nil || len(found) != 1 || found[0].Kind != queue.Overdue {
			t.Fatalf("found %+v, %v", found, err)
		}
		<-flight.Done()
		w.mustEnd(claim, charm.TimedOut)
	})
}

// A claim whose end the store would not take is recovered without a restart.
func TestAnAbandonedClaimIsRecovered(t *testing.T) {
	inBubble(t, func(w *world) {
		w.add(1)
		claim := w.next()
		w.queue.Abandon(claim)
		found, err := w.queue.Reconcile(w.t.Context())
		if err != nil || len(found) != 1 || found[0].Kind != queue.DeadClaim {
			t.Fatalf("found %+v, %v", found, err)
		}
		if _, err := w.end(claim, charm.OK); !errors.Is(err, queue.ErrNotOurs) {
			t.Errorf("its late end gave %v", err)
		}
		again := w.next()
		if again.Job.ID != claim.Job.ID || again.Job.Run == claim.Job.Run {
			t.Errorf("after it came %+v", again.Job)
		}
		w.mustEnd(again, charm.OK)
	})
}
