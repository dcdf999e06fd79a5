package queue

import (
	"testing"
	"testing/synctest"
	"time"

	"charmd/internal/charm"
)

// What comes between the look that finds nothing and the wait must end the wait.
func TestWhatComesWhileLookingIsNotSleptOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &Queue{opts: Options{Now: time.Now}, wake: make(chan struct{}), tasks: map[string]*entry{}}
		for _, kind := range []charm.JobType{charm.ExecuteCharm, charm.Maintenance} {
			e, look, err := q.pick(kind)
			if e != nil || err != nil {
				t.Fatalf("an empty queue handed out %v, %v", e, err)
			}
			q.mu.Lock()
			q.wakeAll()
			q.mu.Unlock()
			at := time.Now()
			if err := look.sleep(t.Context()); err != nil || time.Since(at) != 0 {
				t.Errorf("%s: slept %v, %v", kind, time.Since(at), err)
			}
		}
	})
}
