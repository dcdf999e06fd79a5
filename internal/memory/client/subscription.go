package client

import (
	"context"
	"slices"
	"sync"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory/frames"
)

// Subscription is a view of places in a space that follows what is committed
// there. It lasts over lost connections; what changed meanwhile is news then.
type Subscription struct {
	space *Space

	mu     sync.Mutex // taken after the client's
	parts  []*part
	view   view
	err    error         // why it has ended
	change chan struct{} // closed, and made anew, when anything above changes
}

// part is what one call of Subscribe or Extend added.
type part struct {
	sel      Selection
	answered bool  // its places have been read once
	call     *call // the subscription on this connection
}

// Subscribe makes a view of what is selected and returns when it holds what is
// there now.
func (s *Space) Subscribe(ctx context.Context, sel Selection) (*Subscription, error) {
	u := &Subscription{space: s, view: view{held: map[Place]*held{}}, change: make(chan struct{})}
	c := s.client
	c.mu.Lock()
	if c.life.Err() != nil {
		c.mu.Unlock()
		return nil, errClosed()
	}
	c.subs = append(c.subs, u)
	c.mu.Unlock()
	if err := u.Extend(ctx, sel); err != nil {
		u.Close()
		return nil, err
	}
	return u, nil
}

// Extend adds places and returns when they are in the view.
func (u *Subscription) Extend(ctx context.Context, sel Selection) error {
	p := &part{sel: sel}
	c := u.space.client
	c.mu.Lock()
	u.mu.Lock()
	u.parts = append(u.parts, p)
	if c.up {
		c.post(u.begin(p)...)
	}
	u.mu.Unlock()
	c.mu.Unlock()
	return u.await(ctx, func() bool { return p.answered })
}

// Fact is what the view holds at a place; its Ref is zero when nothing is there.
func (u *Subscription) Fact(p Place) Fact {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.fact(p)
}

func (u *Subscription) fact(p Place) Fact {
	if h := u.view.held[p]; h != nil {
		return h.fact
	}
	return Fact{Place: p}
}

// Look lets fn see the view as it is at one moment: at gives the fact at a place,
// and whether the place belongs to the view. Nothing else happens to the view
// meanwhile, so fn should not take long.
func (u *Subscription) Look(fn func(at func(Place) (Fact, bool))) {
	u.mu.Lock()
	defer u.mu.Unlock()
	fn(func(p Place) (Fact, bool) { return u.fact(p), u.covers(p) })
}

func (u *Subscription) covers(p Place) bool {
	return slices.ContainsFunc(u.parts, func(q *part) bool { return q.sel.covers(p) })
}

// Next waits for changes and returns them in the order they were learnt. Of
// changes that come faster than they are read some are left out, never the last
// of a place.
func (u *Subscription) Next(ctx context.Context) (news []Fact, err error) {
	err = u.await(ctx, func() bool {
		news, u.view.news = u.view.news, nil
		return len(news) > 0
	})
	return news, err
}

// Facts is everything that the view holds; Next goes on from there.
func (u *Subscription) Facts() []Fact {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.view.news = nil
	var all []Fact
	for _, h := range u.view.held {
		if !h.fact.Ref.IsZero() {
			all = append(all, h.fact)
		}
	}
	return all
}

// Close ends the subscription.
func (u *Subscription) Close() { u.fail(errClosed()) }

// await waits until is, which is called with the lock, is true.
func (u *Subscription) await(ctx context.Context, is func() bool) error {
	for {
		u.mu.Lock()
		done, err, change := is(), u.err, u.change
		u.mu.Unlock()
		if done || err != nil {
			return err
		}
		select {
		case <-change:
		case <-ctx.Done():
			return u.space.client.gaveUp(ctx)
		}
	}
}

// told wakes those who wait. It is called with the lock.
func (u *Subscription) told() {
	close(u.change)
	u.change = make(chan struct{})
}

// resume begins every part on a new connection. It is called with the client's
// lock.
func (u *Subscription) resume() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, p := range u.parts {
		u.space.client.post(u.begin(p)...)
	}
}

// begin is what to send for a part on a new connection: the subscription first, so
// that nothing is missed that is committed after the answer to the query. It is
// called with both locks.
func (u *Subscription) begin(p *part) []*call {
	p.call = u.space.call(frames.Subscribe, p.sel.args())
	p.call.of = u
	p.call.done = func(_ any, err error) {
		if err == nil {
			err = charm.Errorf(charm.CodeUnavailable, "the toolshed at %s has ended a subscription", u.space.client.base)
		}
		u.fail(err)
	}
	return []*call{p.call, u.ask(p.sel, p)}
}

// ask is a query for places of the view. p is the part that is thereby begun, nil
// for places in doubt. It is called with the lock.
func (u *Subscription) ask(sel Selection, p *part) *call {
	since := u.view.clock
	k := u.space.call(frames.Query, sel.args())
	k.of = u
	k.done = func(ok any, err error) {
		var facts []Fact
		if err == nil {
			facts, err = u.space.readQuery(ok)
		}
		if err != nil {
			u.fail(err)
			return
		}
		u.mu.Lock()
		again := u.view.answer(sel, facts, since, p == nil || p.answered)
		if p != nil {
			p.answered = true
		}
		u.told()
		u.mu.Unlock()
		u.askAgain(again)
	}
	return k
}

// askAgain asks for places in doubt.
func (u *Subscription) askAgain(sel Selection) {
	if len(sel) == 0 {
		return
	}
	u.mu.Lock()
	k := u.ask(sel, nil)
	u.mu.Unlock()
	u.space.client.send(k)
}

// effect takes what a transaction in the space changed.
func (u *Subscription) effect(changes *jsontext.Object) error {
	u.mu.Lock()
	doubtful, err := u.view.effect(changes, u.covers)
	u.told()
	u.mu.Unlock()
	u.askAgain(doubtful)
	return err
}

// fail ends the subscription with an error, or by Close.
func (u *Subscription) fail(err error) {
	c := u.space.client
	c.mu.Lock()
	defer c.mu.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err != nil {
		return
	}
	u.err = err
	u.told()
	c.subs = slices.DeleteFunc(c.subs, func(other *Subscription) bool { return other == u })
	mine := func(k *call) bool { return k.of == u }
	c.outbox = slices.DeleteFunc(c.outbox, mine)
	for job, k := range c.unheard {
		if mine(k) {
			delete(c.unheard, job)
		}
		if mine(k) && k.cmd == frames.Subscribe {
			args := jsontext.NewObject()
			args.Set("source", job)
			end := u.space.call(frames.Unsubscribe, args)
			end.of, end.done = u, func(any, error) {}
			c.post(end)
		}
	}
}

// saw reports whether a view of the space holds, or held, the fact.
func (c *Client) saw(space string, f Fact) bool {
	return slices.ContainsFunc(c.subscribers(), func(u *Subscription) bool {
		u.mu.Lock()
		defer u.mu.Unlock()
		return u.space.did == space && u.view.knows(f)
	})
}

func (c *Client) subscribers() []*Subscription {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.subs)
}
