package queue_test

import (
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/queue"
)

// TestStats follows three charms and a task through the queue.
func TestStats(t *testing.T) {
	inBubble(t, func(w *world) {
		is := func(when string, want queue.Stats) {
			w.t.Helper()
			if got := w.queue.Stats(time.Now()); got != want {
				w.t.Errorf("%s: %+v, want %+v", when, got, want)
			}
		}
		is("at first", queue.Stats{})
		for n := range 3 {
			w.add(n)
		}
		time.Sleep(5 * time.Second)
		is("five seconds late", queue.Stats{Due: 3, OldestDue: 5 * time.Second})
		failing, fine, _ := w.next(), w.next(), w.next()
		is("claimed", queue.Stats{Running: 3})
		w.mustEnd(fine, charm.OK)
		is("one is done until its next run", queue.Stats{Running: 2, Later: 1})
		w.mustEnd(failing, charm.Errored)
		is("one failed", queue.Stats{Running: 1, Later: 2, Retries: 1})
		time.Sleep(time.Hour)
		if s := w.queue.Stats(time.Now()); s.Due != 2 || s.Retries != 1 || s.OldestDue < 59*time.Minute {
			w.t.Errorf("an hour later: %+v", s)
		}
		if _, err := w.queue.Maintain(w.t.Context(), charm.Cleanup, time.Now().Add(time.Minute)); err != nil {
			w.t.Fatal(err)
		}
		if s := w.queue.Stats(time.Now()); s.Later != 1 {
			w.t.Errorf("with a task for later: %+v", s)
		}
	})
}
