package queue_test

import (
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// A claim that was given up and whose row is gone keeps nothing from running.
func TestAGivenUpClaimWithoutARowIsLanded(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		claim := w.next()
		w.queue.Abandon(claim)
		w.update(func(tx store.Tx) error { return tx.DeleteJob(claim.Job.ID) })
		found, err := w.queue.Reconcile(w.t.Context())
		if err != nil || len(found) != 1 || found[0].Repair == "" {
			w.t.Fatalf("found %+v, %v", found, err)
		}
		at := time.Now()
		again := w.next()
		if again.Charm.Row != c.Row || time.Since(at) > time.Minute {
			w.t.Errorf("after %v came %+v", time.Since(at), again.Job)
		}
		w.queue.Drop(claim, charm.Run{}) // its old end comes late
		w.mustEnd(again, charm.OK)
	})
}

// A maintenance task that was given up does not keep the next one of its kind away.
func TestAGivenUpTaskIsForgotten(t *testing.T) {
	for name, gone := range map[string]bool{"its row is there": false, "its row is gone": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				if _, err := w.queue.Maintain(w.t.Context(), charm.Cleanup, time.Now()); err != nil {
					w.t.Fatal(err)
				}
				claim, err := w.queue.NextTask(w.t.Context())
				if err != nil {
					w.t.Fatal(err)
				}
				w.queue.Abandon(*claim)
				if gone {
					w.update(func(tx store.Tx) error { return tx.DeleteJob(claim.Job.ID) })
				}
				found, err := w.queue.Reconcile(w.t.Context())
				if err != nil || len(found) != 1 {
					w.t.Fatalf("found %+v, %v", found, err)
				}
				if w.queue.HasTask(charm.Cleanup) || len(w.rows()) != 0 {
					w.t.Error("the task is still there")
				}
			})
		})
	}
}

// Charms that a start disabled are told of once, even when that start ended before
// it could tell.
func TestDisabledAtAStartIsToldOfLater(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		for range charm.MaxUncleanStops {
			w.next()
			w.restart()
		}
		w.restart()
		for _, want := range []int{1, 0} {
			w.update(func(tx store.Tx) error {
				list, err := w.queue.TakeUntold(tx)
				if len(list) != want || want == 1 && list[0].Row != c.Row {
					w.t.Errorf("to tell of: %+v, want %d", list, want)
				}
				return err
			})
		}
	})
}
