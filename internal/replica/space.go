package replica

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/memory/client"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// replicated is one space that is copied.
type replicated struct {
	replica *Replica
	did     string
	// writing is taken by whoever changes the copy: what the toolshed tells of is not
	// put in between the look at the copy that a transaction is made from and the
	// moment when it is in the copy itself.
	writing chan struct{}

	mu     sync.Mutex
	remote *client.Space
	sub    *client.Subscription // nil while the space is not here
	err    error                // why not
	change chan struct{}        // closed, and made anew, when sub or err changes
}

func newReplicated(r *Replica, did string) *replicated {
	return &replicated{replica: r, did: did, writing: make(chan struct{}, 1), change: make(chan struct{})}
}

// selection is what is copied of a space: all documents, who ran last, and who may
// use it.
func (c *replicated) selection() client.Selection {
	return client.Selection{{The: memory.JSON}, {The: memory.RunJSON}, {The: memory.ACLJSON, Of: c.did}}
}

// A space that cannot be had is asked for again after firstRetry, doubling to
// longestRetry: somebody may give us access meanwhile.
const (
	firstRetry   = time.Second
	longestRetry = 30 * time.Second
)

// run copies the space until ctx ends.
func (c *replicated) run(ctx context.Context) {
	told := ""
	for wait := firstRetry; ; wait = min(2*wait, longestRetry) {
		here, err := c.copy(ctx)
		if ctx.Err() != nil {
			c.set(nil, nil, errEnded())
			return
		}
		if here {
			wait, told = firstRetry, ""
		}
		c.set(nil, nil, err)
		if text := explained(err); text != told {
			c.replica.o.Logger.Error("a space of the toolshed cannot be used; it is asked for again until it can", "space", c.did, "err", text)
			told = text
		}
		c.replica.o.Changed()
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// copy reads the space and follows it until that fails. It says whether it was here.
func (c *replicated) copy(ctx context.Context) (here bool, err error) {
	key, err := c.replica.keyFor(ctx, c.did)
	if err != nil {
		return false, err
	}
	remote := c.replica.client.Space(c.did, key)
	sub, err := remote.Subscribe(ctx, c.selection())
	if err != nil {
		return false, c.replica.refused(err, c.did, key)
	}
	defer sub.Close()
	facts := sub.Facts()
	if err := c.begin(ctx, facts); err != nil {
		return false, err
	}
	c.set(remote, sub, nil)
	c.replica.o.Changed()
	for {
		news, err := sub.Next(ctx)
		if err != nil {
			return true, c.replica.refused(err, c.did, key)
		}
		if err := c.lock(ctx); err != nil {
			return true, err
		}
		err = c.take(ctx, latest(news), false)
		c.unlock()
		if err != nil {
			return true, err
		}
	}
}

func (c *replicated) set(remote *client.Space, sub *client.Subscription, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remote, c.sub, c.err = remote, sub, err
	close(c.change)
	c.change = make(chan struct{})
}

func (c *replicated) here() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sub != nil
}

func (c *replicated) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// await waits until the space is here. Of a space that cannot be had it says why.
func (c *replicated) await(ctx context.Context) error {
	for {
		c.mu.Lock()
		here, err, change := c.sub != nil, c.err, c.change
		c.mu.Unlock()
		if here || err != nil {
			return err
		}
		select {
		case <-change:
		case <-ctx.Done():
			return c.replica.notRead(c.did)
		}
	}
}

func (c *replicated) lock(ctx context.Context) error {
	select {
	case c.writing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *replicated) unlock() { <-c.writing }

// begin makes the copy what the toolshed has. Facts here that are not there tell
// of a toolshed that has lost them or is another one, and are not guessed about.
func (c *replicated) begin(ctx context.Context, facts []client.Fact) error {
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	there := make(map[client.Place]bool, len(facts))
	for _, f := range facts {
		there[f.Place] = true
	}
	lost := 0
	err := c.replica.o.Store.View(ctx, func(r store.Reader) error {
		space, err := r.Space(c.did)
		if err != nil {
			return err
		}
		for _, the := range []string{memory.JSON, memory.RunJSON} {
			err = errors.Join(err, r.Heads(space.Row, store.Selector{The: the, Since: -1}, func(f store.Fact) bool {
				if !there[client.Place{The: f.The, Of: f.Of}] {
					lost++
				}
				return true
			}))
		}
		return err
	})
	if err != nil {
		return err
	}
	if lost > 0 {
		return c.replica.forgotten(c.did, lost)
	}
	return c.take(ctx, facts, true)
}

// latest is the last of the changes of each place, so that the copy goes from one
// state that the toolshed had to another.
func latest(news []client.Fact) []client.Fact {
	last := make(map[client.Place]int, len(news))
	for i, f := range news {
		last[f.Place] = i
	}
	var kept []client.Fact
	for i, f := range news {
		if last[f.Place] == i {
			kept = append(kept, f)
		}
	}
	return kept
}

// chunk is how many facts are copied in one transaction.
const chunk = 500

// take puts facts into the copy that are not current in it; those that it has had
// before are older than what is there, unless the toolshed was just asked (fresh).
// It is called with the lock.
func (c *replicated) take(ctx context.Context, facts []client.Fact, fresh bool) error {
	var space charm.Space
	var missing []memory.Change
	err := c.replica.o.Store.View(ctx, func(r store.Reader) (err error) {
		if space, err = r.Space(c.did); err != nil {
			return err
		}
		for _, f := range facts {
			if f.Ref.IsZero() {
				return c.replica.forgotten(c.did, 1)
			}
			has, err := holds(r, space, f, fresh)
			if err != nil {
				return err
			}
			if !has {
				missing = append(missing, memory.Change{The: f.The, Of: f.Of, Cause: f.Cause, Is: f.Is, Has: f.Has})
			}
		}
		return nil
	})
	for err == nil && len(missing) > 0 {
		n := min(len(missing), chunk)
		err = c.put(ctx, space, missing[:n])
		missing = missing[n:]
	}
	return err
}

func holds(r store.Reader, space charm.Space, f client.Fact, fresh bool) (bool, error) {
	head, err := r.Head(space.Row, f.The, f.Of)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case merkle.Ref(head.Ref) == f.Ref:
		return true, nil
	case fresh:
		return false, nil
	}
	_, err = r.FactByRef(space.Row, f.The, f.Of, f.Ref)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (c *replicated) put(ctx context.Context, space charm.Space, facts []memory.Change) error {
	d, err := c.replica.o.Memory.Copied(space, facts, map[string]string{"from": c.replica.o.URL})
	if err != nil {
		return fmt.Errorf("copying the space %s: %w", c.did, err)
	}
	return c.replica.o.Store.Update(ctx, func(tx store.Tx) error {
		if _, err := c.replica.o.Memory.Commit(tx, d, nil); err != nil {
			return err
		}
		return c.replica.o.Arrived(tx, c.did)
	})
}
