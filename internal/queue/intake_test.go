package queue_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// TestIntakeStops: while it is stopped nothing of a charm is claimed, on neither
// way, whatever is due; maintenance is.
func TestIntakeStops(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.add(1)
		w.queue.SetIntake(false)
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Hour)
		defer cancel()
		if c, err := w.queue.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("claimed %+v, %v", c, err)
		}
		w.update(func(tx store.Tx) error {
			if c := w.queue.ClaimNext(tx); c != nil {
				t.Errorf("claimed %+v behind another run", c)
			}
			return nil
		})
		if _, err := w.queue.Maintain(w.t.Context(), charm.Cleanup, time.Now()); err != nil {
			t.Fatal(err)
		}
		if c, err := w.queue.NextTask(w.t.Context()); err != nil || c.Job.Task != charm.Cleanup {
			t.Errorf("maintenance: %+v, %v", c, err)
		}

		// Who waits goes on at once when it is open again.
		began := time.Now()
		claimed := make(chan charm.Charm)
		go func() { claimed <- w.next().Charm }()
		synctest.Wait()
		w.queue.SetIntake(true)
		if c := <-claimed; c.Name != "c1" || time.Since(began) != 0 {
			t.Errorf("claimed %s after %v", c.Name, time.Since(began))
		}
	})
}
