package memory

import (
	"context"
	"errors"
	"sync"

	"charmd/internal/store"
)

// ErrHeld means that a run which kept losing to other writers has the document
// for itself for a moment; wait with WaitHeld and try again.
var ErrHeld = errors.New("another run holds the document")

// Hold keeps other writers off documents until it is released.
type Hold struct {
	gate *gate
	keys []docKey
	done chan struct{}
	once sync.Once
}

type docKey struct{ space, of string }

// gate knows which documents are held.
type gate struct {
	mu   sync.Mutex
	held map[docKey]*Hold
}

// Hold waits until none of the documents is held and then holds them all.
// Taking all or none under one lock leaves no order of locks to get wrong.
func (m *Memory) Hold(ctx context.Context, space string, ofs []string) (*Hold, error) {
	h := &Hold{gate: &m.gate, done: make(chan struct{})}
	for _, of := range ofs {
		h.keys = append(h.keys, docKey{space, of})
	}
	for {
		wait := m.gate.take(h)
		if wait == nil {
			return h, m.barrier(ctx, h)
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// barrier waits until commits that passed the gate before h closed it are on disk,
// where the holder's reads can see them.
func (m *Memory) barrier(ctx context.Context, h *Hold) error {
	err := m.store.Update(ctx, func(store.Tx) error { return nil })
	if err != nil {
		h.Release()
	}
	return err
}

// Release lets the other writers go on. It may be called more than once.
func (h *Hold) Release() {
	h.once.Do(func() {
		h.gate.mu.Lock()
		defer h.gate.mu.Unlock()
		for _, k := range h.keys {
			delete(h.gate.held, k)
		}
		close(h.done)
	})
}

// WaitHeld waits until no document of d is held by another than mine, which may
// be nil.
func (m *Memory) WaitHeld(ctx context.Context, d *Draft, mine *Hold) error {
	for {
		wait := m.gate.holderOf(d, mine)
		if wait == nil {
			return nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take holds h's documents, or returns what to wait for.
func (g *gate) take(h *Hold) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range h.keys {
		if other := g.held[k]; other != nil {
			return other.done
		}
	}
	if g.held == nil {
		g.held = map[docKey]*Hold{}
	}
	for _, k := range h.keys {
		g.held[k] = h
	}
	return nil
}

func (g *gate) holderOf(d *Draft, mine *Hold) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range d.Changes {
		if h := g.held[docKey{d.Space.DID, c.Of}]; h != nil && h != mine {
			return h.done
		}
	}
	return nil
}

func (g *gate) pass(d *Draft, holder *Hold) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.held) == 0 || d.Anyway {
		return nil
	}
	for _, c := range d.Changes {
		if h := g.held[docKey{d.Space.DID, c.Of}]; h != nil && h != holder {
			return ErrHeld
		}
	}
	return nil
}
