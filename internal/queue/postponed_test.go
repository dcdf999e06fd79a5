package queue_test

import (
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// A host that is asked again lets those go on, too, that have waited for it since a
// moment that memory has not heard of.
func TestWhatWasPostponedAMomentAgoGoesOn(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		w.mustEnd(w.next(), charm.OK)
		later := time.Now().Add(time.Hour)
		w.update(func(tx store.Tx) error {
			s, err := tx.State(c.Row)
			s.NotBefore, s.NextRun = later, later
			if err == nil {
				err = tx.PutState(c.Row, s)
			}
			return err
		})
		at := time.Now()
		if n, err := w.queue.Unpostpone(w.t.Context()); n != 1 || err != nil {
			w.t.Errorf("%d go on, %v", n, err)
		}
		if w.next(); time.Since(at) != 0 {
			w.t.Errorf("it went on after %v", time.Since(at))
		}
	})
}
