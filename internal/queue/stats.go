package queue

import (
	"time"

	"charmd/internal/charm"
)

// Stats is how much waits and runs.
type Stats struct {
	Due       int           // waits for its turn
	Later     int           // waits for its time
	Running   int           // claimed, or being claimed
	Retries   int           // among Due and Later: another attempt follows
	OldestDue time.Duration // how long the oldest of Due has been due; 0 when none is
}

// Stats counts what is live as of now, due runs that have no row among them.
func (q *Queue) Stats(now time.Time) Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	var s Stats
	for _, e := range q.charms {
		if e.running || e.heap != nil { // else it is in no order: paused, say
			s.count(e, now)
		}
	}
	for _, e := range q.tasks {
		s.count(e, now)
	}
	return s
}

func (s *Stats) count(e *entry, now time.Time) {
	at := e.dueAt()
	switch {
	case e.running:
		s.Running++
		return
	case at.IsZero():
		return
	case at.After(now):
		s.Later++
	default:
		s.Due++
		s.OldestDue = max(s.OldestDue, now.Sub(at))
	}
	if e.job != nil && e.job.Reason == charm.Retry {
		s.Retries++
	}
}
