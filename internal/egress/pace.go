package egress

import (
	"context"
	"maps"
	"sync"
	"time"
)

// mostPaced is how many hosts are remembered before those are forgotten that were
// not asked for a while.
const mostPaced = 1024

// pace bounds how often one host is asked by all charms together: at most
// Limits.PerSecond times a second, of which two seconds' worth may come at once.
type pace struct {
	every time.Duration // between two requests
	burst time.Duration // that may be ahead of it

	mu   sync.Mutex
	next map[string]time.Time // when the next request would be due if all were spread evenly
}

func newPace(perSecond int) *pace {
	return &pace{every: time.Second / time.Duration(perSecond), burst: 2 * time.Second, next: map[string]time.Time{}}
}

// wait returns when the host may be asked; false when ctx ended first.
func (p *pace) wait(ctx context.Context, host string) bool {
	timer := time.NewTimer(p.due(time.Now(), host))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// due counts a request and is how long it has to wait.
func (p *pace) due(now time.Time, host string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.next) >= mostPaced {
		maps.DeleteFunc(p.next, func(_ string, at time.Time) bool { return !at.After(now) })
	}
	at := p.next[host]
	if at.Before(now) {
		at = now
	}
	p.next[host] = at.Add(p.every)
	return at.Sub(now) - p.burst
}
