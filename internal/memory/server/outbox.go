package server

import (
	"context"
	"sync"

	"charmd/internal/memory/frames"
)

// message is one that waits to be written. The text of a transaction is shared
// by all connections that are told of it.
type message struct {
	the string // frames.ReturnOf or frames.EffectOf
	of  string
	is  []byte
}

func (m message) append(dst []byte) []byte { return frames.Append(dst, m.the, m.of, m.is) }

// size is what a waiting message takes, bytes.
func (m message) size() int { return len(m.is) + len(m.of) + messageBytes }

const messageBytes = 96

// outbox is what waits to be written to one client, in order. Answers wait for
// room, which holds up the client that asked; effects do not wait, for they come
// from the writer of the store.
type outbox struct {
	filled chan struct{} // has one when something waits

	mu       sync.Mutex
	most     int // bytes, of answers and of effects
	queue    []message
	answers  int           // bytes that wait
	effects  int           // bytes that wait
	room     chan struct{} // has one when an answer was taken
	discards bool
}

func (o *outbox) init(most int) {
	o.most, o.filled, o.room = most, make(chan struct{}, 1), make(chan struct{}, 1)
}

// await returns when there is room for an answer, or when ctx ends.
func (o *outbox) await(ctx context.Context) {
	for o.full() {
		select {
		case <-o.room:
		case <-ctx.Done():
			return
		}
	}
}

func (o *outbox) full() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.answers > o.most
}

// answer adds a message, for which there should be room.
func (o *outbox) answer(m message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.add(m, &o.answers)
}

// effect adds a message and reports whether there was room for it; one always fits.
func (o *outbox) effect(m message) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.effects > 0 && o.effects+m.size() > o.most {
		return false
	}
	o.add(m, &o.effects)
	return true
}

func (o *outbox) add(m message, waiting *int) {
	if o.discards {
		return
	}
	*waiting += m.size()
	o.queue = append(o.queue, m)
	signal(o.filled)
}

// take removes the first message.
func (o *outbox) take() (message, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 {
		return message{}, false
	}
	m := o.queue[0]
	o.queue[0] = message{}
	if o.queue = o.queue[1:]; len(o.queue) == 0 {
		o.queue = nil
	}
	if m.the == frames.EffectOf {
		o.effects -= m.size()
	} else {
		o.answers -= m.size()
		signal(o.room)
	}
	return m, true
}

// discard throws away what waits and what will be added.
func (o *outbox) discard() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue, o.answers, o.effects, o.discards = nil, 0, 0, true
	signal(o.room)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
