package server

import (
	"net/http"
	"sync/atomic"

	"charmd/internal/memory/frames"
)

// Counts is what the server does and has done, for metrics.
type Counts struct {
	Connections   int // WebSockets that are open
	Subscriptions int

	Committed int64 // transactions that are on disk
	Conflicts int64 // transactions made for what was not there any more
	Refused   int64 // transactions that failed otherwise
	Slow      int64 // connections ended because they did not take their effects
}

// Counts is how the server stands, and what it has done since its start.
func (s *Server) Counts() Counts {
	c := Counts{
		Committed: s.counts.committed.Load(), Conflicts: s.counts.conflicts.Load(), Refused: s.counts.refused.Load(),
		Slow: s.watches.slow.Load(), Subscriptions: s.watches.subscriptions(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Connections = len(s.conns)
	return c
}

// transactions counts those whose signature was good, by what they came to.
type transactions struct{ committed, conflicts, refused atomic.Int64 }

// counting is put that counts what it puts.
func (t *transactions) counting(put func(*frames.Request, result)) func(*frames.Request, result) {
	return func(r *frames.Request, res result) {
		switch res.status {
		case http.StatusOK:
			t.committed.Add(1)
		case http.StatusConflict:
			t.conflicts.Add(1)
		default:
			t.refused.Add(1)
		}
		put(r, res)
	}
}
