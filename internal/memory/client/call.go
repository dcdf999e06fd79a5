package client

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory/frames"
)

// call is one request and where its answer goes.
type call struct {
	space  *Space
	cmd    string
	args   *jsontext.Object
	nonce  string // tells it from other calls with the same content
	repeat bool   // when its answer is lost it is made again: it changes nothing
	of     *Subscription
	// done gets the answer, once, on the connection's goroutine.
	done func(ok any, err error)

	number int64 // in the order of calls
	sent   int   // how often it was sent
	job    string
	frame  []byte
	signed time.Time
}

func (s *Space) call(cmd string, args *jsontext.Object) *call {
	return &call{space: s, cmd: cmd, args: args, nonce: rand.Text()}
}

// maxSent is how often a call is sent whose answer is lost: that may be its own
// doing, if it or its answer is more than the other side, or one in between, takes.
const maxSent = 20

// fresh is how old a signature may be when it is sent: well within its validity.
const fresh = frames.Validity / 4

// sign makes the frame, unless it has one that is still good: a call may wait for
// a connection longer than a signature is valid.
func (k *call) sign(now time.Time) {
	if k.frame != nil && now.Sub(k.signed) < fresh && now.After(k.signed.Add(-fresh)) {
		return
	}
	i := frames.NewInvocation(k.cmd, k.space.did, k.space.key.DID(), k.args, now, k.nonce)
	k.job, k.frame, k.signed = i.Job(), frames.Sign(i, k.space.key), now
}

// do makes the call and waits for its answer, first for room when too many calls
// have none yet. errLost means that it was sent and nothing came back.
func (c *Client) do(ctx context.Context, k *call) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, c.gaveUp(ctx)
	}
	k.sign(time.Now())
	if len(k.frame) > frames.MaxBytes {
		return nil, charm.Errorf(charm.CodeTooLarge, "a request of %d bytes is too large for the toolshed; at most %d are sent", len(k.frame), frames.MaxBytes)
	}
	weight := max(int64(len(k.frame)), leastWeight)
	if err := c.room.Acquire(ctx, weight); err != nil {
		return nil, c.gaveUp(ctx)
	}
	defer c.room.Release(weight)
	type answer struct {
		ok  any
		err error
	}
	answers := make(chan answer, 1)
	k.done = func(ok any, err error) { answers <- answer{ok, err} }
	if !c.send(k) {
		return nil, errClosed()
	}
	select {
	case a := <-answers:
		return a.ok, a.err
	case <-ctx.Done():
		if c.forget(k) && !k.repeat {
			return nil, errors.Join(errLost, ctx.Err())
		}
		return nil, c.gaveUp(ctx)
	}
}

// send puts calls into the outbox; false when the client is closed.
func (c *Client) send(calls ...*call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.Err() != nil {
		return false
	}
	c.post(calls...)
	return true
}

// post is send with the lock held.
func (c *Client) post(calls ...*call) {
	for _, k := range calls {
		c.last++
		k.number = c.last
	}
	c.outbox = append(c.outbox, calls...)
	c.wake()
}

func (c *Client) wake() {
	select {
	case c.pending <- struct{}{}:
	default:
	}
}

// next takes the next call to be sent and expects its answer; nil when ctx ends.
func (c *Client) next(ctx context.Context) *call {
	for {
		c.mu.Lock()
		if len(c.outbox) > 0 && ctx.Err() == nil {
			k := c.outbox[0]
			c.outbox = c.outbox[1:]
			k.sign(time.Now())
			k.sent++
			c.unheard[k.job] = k
			c.mu.Unlock()
			return k
		}
		c.mu.Unlock()
		select {
		case <-c.pending:
		case <-ctx.Done():
			return nil
		}
	}
}

// forget drops a call and reports whether it may have been sent.
func (c *Client) forget(k *call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := slices.Index(c.outbox, k); at >= 0 {
		c.outbox = slices.Delete(c.outbox, at, at+1)
		return false
	}
	if c.unheard[k.job] == k {
		delete(c.unheard, k.job)
	}
	return true
}

// heard takes the call that a return is for; nil when nobody waits for it.
func (c *Client) heard(job string) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.unheard[job]
	delete(c.unheard, job)
	return k
}

// attach begins a connection: subscriptions first, so that nothing committed from
// here on is missed, each followed by the query for what was before.
func (c *Client) attach() {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := c.outbox
	c.outbox, c.up, c.down = nil, true, nil
	for _, u := range c.subs {
		u.resume()
	}
	c.outbox = append(c.outbox, waiting...)
	c.wake()
}

// detach ends it: what only read is made again, what wrote is lost, and what
// subscriptions had asked for they ask again.
func (c *Client) detach(why error) {
	c.mu.Lock()
	var again, lost []*call
	for _, k := range c.unheard {
		switch {
		case k.of != nil:
		case k.repeat && k.sent < maxSent:
			again = append(again, k)
		default:
			lost = append(lost, k)
		}
	}
	clear(c.unheard)
	slices.SortFunc(again, func(a, b *call) int { return cmp.Compare(a.number, b.number) })
	c.outbox = append(again, slices.DeleteFunc(c.outbox, func(k *call) bool { return k.of != nil })...)
	c.up, c.down = false, why
	c.mu.Unlock()
	for _, k := range lost {
		if k.repeat {
			k.done(nil, charm.Errorf(charm.CodeUnavailable, "the toolshed at %s got a query %d times and never answered", c.base, k.sent))
			continue
		}
		k.done(nil, errLost)
	}
}

// finish ends every call and subscription of a client that is closed.
func (c *Client) finish() {
	c.mu.Lock()
	calls := c.outbox
	c.outbox = nil
	c.mu.Unlock()
	for _, k := range calls {
		if k.of == nil {
			k.done(nil, errClosed())
		}
	}
	for _, u := range c.subscribers() {
		u.fail(errClosed())
	}
}
