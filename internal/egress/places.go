package egress

import (
	"context"
	"sync"
)

// places bounds how many requests to one host are under way, so that one run
// with a thousand links is no attack on the site they point to.
type places struct {
	perHost int
	mu      sync.Mutex
	hosts   map[string]*place
}

type place struct {
	taken chan struct{} // one element for each request under way
	users int           // requests under way or waiting
}

func newPlaces(perHost int) *places {
	return &places{perHost: perHost, hosts: make(map[string]*place)}
}

// take waits for a place; the function it returns gives it back. False means
// that ctx ended first.
func (p *places) take(ctx context.Context, host string) (release func(), ok bool) {
	p.mu.Lock()
	h := p.hosts[host]
	if h == nil {
		h = &place{taken: make(chan struct{}, p.perHost)}
		p.hosts[host] = h
	}
	h.users++
	p.mu.Unlock()

	leave := func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if h.users--; h.users == 0 {
			delete(p.hosts, host)
		}
	}
	select {
	case h.taken <- struct{}{}:
		return func() { <-h.taken; leave() }, true
	case <-ctx.Done():
		leave()
		return nil, false
	}
}
