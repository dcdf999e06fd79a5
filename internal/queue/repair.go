package queue

import (
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// Repair mends what Inspect finds in the store of a service that is not running,
// and says what it did. Claims stay: the next start recovers them.
func Repair(tx store.Tx, now time.Time) ([]Breach, error) {
	q := &Queue{
		opts: Options{Now: func() time.Time { return now }}, wake: make(chan struct{}),
		order: newOrder(0), charms: map[int64]*entry{}, tasks: map[string]*entry{}, waiters: map[string][]chan charm.Run{},
	}
	var found Recovered
	err := q.rearm(tx, &found)
	return found.Repaired, err
}
