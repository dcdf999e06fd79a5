package pool

import "context"

// waiter is a caller that waits for a worker.
type waiter struct {
	space string
	ready chan *worker // nil is sent when there will be none
	why   error
}

// noSpace is who compiles: a person waits for it, and it belongs to no space.
const noSpace = ""

// acquire waits for a worker that is free, for a task of the space.
func (p *Pool) acquire(ctx context.Context, space string) (*worker, error) {
	p.mu.Lock()
	switch {
	case p.closing:
		p.mu.Unlock()
		return nil, ErrClosed
	case len(p.idle) > 0:
		w := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		p.handOver(w, space)
		p.mu.Unlock()
		return w, nil
	}
	me := &waiter{space: space, ready: make(chan *worker, 1)}
	p.waiting = append(p.waiting, me)
	p.mu.Unlock()
	select {
	case w := <-me.ready:
		return w, me.why
	case <-ctx.Done():
	}
	p.mu.Lock()
	for i, other := range p.waiting {
		if other == me {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			p.mu.Unlock()
			return nil, context.Cause(ctx)
		}
	}
	p.mu.Unlock()
	if w := <-me.ready; w != nil {
		p.offer(w)
	}
	return nil, context.Cause(ctx)
}

// offer gives a free worker to the space that holds fewest of those that wait,
// or keeps it: what is claimed of one space must not keep the others from
// running, however long its runs take.
func (p *Pool) offer(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.returned(w)
	if _, alive := p.workers[w]; !alive {
		return
	}
	switch {
	case p.closing:
		w.retire(EndedStopping, p.o.Grace)
	case len(p.waiting) > 0:
		best := 0
		for i, next := range p.waiting {
			if p.held[next.space] < p.held[p.waiting[best].space] {
				best = i
			}
		}
		next := p.waiting[best]
		p.waiting = append(p.waiting[:best], p.waiting[best+1:]...)
		p.handOver(w, next.space)
		next.ready <- w
	default:
		p.idle = append(p.idle, w)
	}
}

// handOver notes whose task has the worker, with p.mu held.
func (p *Pool) handOver(w *worker, space string) {
	w.holder = &space
	p.held[space]++
}

// returned undoes handOver, with p.mu held.
func (p *Pool) returned(w *worker) {
	if w.holder == nil {
		return
	}
	if p.held[*w.holder]--; p.held[*w.holder] == 0 {
		delete(p.held, *w.holder)
	}
	w.holder = nil
}

// refuse ends all waiting, with p.mu held.
func (p *Pool) refuse(why error) {
	for _, next := range p.waiting {
		next.why = why
		next.ready <- nil
	}
	p.waiting = nil
}
