package memory

import "sync"

// Effect is one committed transaction, as subscribers see it.
type Effect struct {
	Space      string // DID
	Since      int64  // its number in the space's log
	Changes    []Change
	Invocation []byte // JavaScript text form
	By         string // the part of the service that made it; "" for everybody else's
}

// hub hands committed transactions to subscribers in order of commits.
type hub struct {
	mu   sync.Mutex
	next int
	subs map[int]subscriber
}

type subscriber struct {
	space string
	fn    func(Effect)
}

// Subscribe calls fn for every transaction committed in the space ("" means
// all), in order, on the store's writer: fn must not block. It returns the
// function that ends the subscription.
func (m *Memory) Subscribe(space string, fn func(Effect)) (cancel func()) {
	m.hub.mu.Lock()
	defer m.hub.mu.Unlock()
	if m.hub.subs == nil {
		m.hub.subs = map[int]subscriber{}
	}
	id := m.hub.next
	m.hub.next++
	m.hub.subs[id] = subscriber{space, fn}
	return func() {
		m.hub.mu.Lock()
		defer m.hub.mu.Unlock()
		delete(m.hub.subs, id)
	}
}

func (h *hub) publish(e Effect) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.subs {
		if s.space == "" || s.space == e.Space {
			s.fn(e)
		}
	}
}
