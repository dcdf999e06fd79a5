package handlers

import (
	"context"
	"slices"
	"sync"
)

// Slots bound how many acts are carried out at once. A space that holds some gets
// another only while more are free than it holds: however many of its acts hang,
// other spaces find a free one. Who waits comes in the order they came, but a space
// that has just had one comes after the others.
type Slots struct {
	mu      sync.Mutex
	free    int
	held    map[string]int // by space
	waiting []*turn
}

// turn is an act that waits.
type turn struct {
	space string
	mine  chan struct{} // closed when it holds a slot
}

// NewSlots makes n slots.
func NewSlots(n int) *Slots { return &Slots{free: n, held: map[string]int{}} }

// take waits for a slot for an act in the space; leave gives it back.
func (s *Slots) take(ctx context.Context, space string) (leave func(), err error) {
	me := &turn{space, make(chan struct{})}
	s.mu.Lock()
	s.waiting = append(s.waiting, me)
	s.grant()
	s.mu.Unlock()
	leave = func() { s.give(space) }
	select {
	case <-me.mine:
		return leave, nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	i := slices.Index(s.waiting, me)
	if i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	}
	s.mu.Unlock()
	if i < 0 { // it was given one at the same moment
		leave()
	}
	return nil, context.Cause(ctx)
}

func (s *Slots) give(space string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free++
	if s.held[space]--; s.held[space] == 0 {
		delete(s.held, space)
	}
	own := func(t *turn) bool { return t.space == space }
	var last []*turn
	for _, t := range s.waiting {
		if own(t) {
			last = append(last, t)
		}
	}
	s.waiting = append(slices.DeleteFunc(s.waiting, own), last...)
	s.grant()
}

// grant gives the free slots to those that may have one.
func (s *Slots) grant() {
	s.waiting = slices.DeleteFunc(s.waiting, func(t *turn) bool {
		if s.free <= s.held[t.space] {
			return false
		}
		s.free--
		s.held[t.space]++
		close(t.mine)
		return true
	})
}
