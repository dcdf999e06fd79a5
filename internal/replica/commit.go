package replica

import (
	"context"
	"errors"

	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/memory/client"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// Commit writes to the toolshed first, and here when it has said that it took it.
// One transaction of a space at a time is on its way: of two that make the same of
// the same document the second would be taken for the first again, and be lost.
func (r *Replica) Commit(ctx context.Context, did string, w memory.Write) error {
	if err := r.Ready(ctx, did); err != nil {
		return err
	}
	r.mu.Lock()
	c := r.spaces[did]
	r.mu.Unlock()
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	c.mu.Lock()
	remote, sub := c.remote, c.sub
	c.mu.Unlock()
	if sub == nil {
		return charm.Errorf(charm.CodeUnavailable, "the space %s is being read again", did)
	}
	var d *memory.Draft
	err := r.o.Store.View(ctx, func(v store.Reader) error {
		space, err := v.Space(did)
		if err == nil {
			d, err = w.Draft(v, space)
		}
		return err
	})
	if err != nil {
		return err
	}
	if d != nil {
		if err := r.send(ctx, remote, d); err != nil {
			return c.notTaken(ctx, sub, d, err)
		}
	}
	// What the toolshed has taken is written here also when nobody waits any more.
	return r.o.Store.Update(context.WithoutCancel(ctx), func(tx store.Tx) (err error) {
		var receipt memory.Receipt
		if d != nil {
			if receipt, err = r.o.Memory.Commit(tx, d, nil); err != nil {
				return err
			}
		}
		if w.Then == nil {
			return nil
		}
		return w.Then(tx, receipt)
	})
}

// send has the toolshed commit a draft, with claims on what was read. An original
// toolshed cannot check that nothing is there: it is asked again without that.
func (r *Replica) send(ctx context.Context, remote *client.Space, d *memory.Draft) error {
	changes, mark := sentChanges(d)
	var read, nothing []client.Fact
	for _, v := range d.Read {
		f := client.Fact{Place: client.Place{The: v.The, Of: v.Of}, Ref: v.Ref}
		if v.Ref.IsZero() {
			nothing = append(nothing, f)
		} else {
			read = append(read, f)
		}
	}
	if len(nothing) > 0 && !r.lenient.Load() {
		err := transact(ctx, remote, mark, changes, append(nothing, read...))
		if charm.CodeOf(err) != charm.CodeInvalid {
			return err
		}
		r.lenient.Store(true)
	}
	return transact(ctx, remote, mark, changes, read)
}

func transact(ctx context.Context, remote *client.Space, mark *client.Fact, changes, read []client.Fact) (err error) {
	if mark == nil {
		_, err = remote.Transact(ctx, changes, read...)
	} else {
		_, err = remote.TransactBy(ctx, *mark, changes, read...)
	}
	return err
}

// sentChanges are the changes of a draft as the client has them; the mark of a run
// stands apart.
func sentChanges(d *memory.Draft) (changes []client.Fact, mark *client.Fact) {
	for _, ch := range d.Changes {
		f := client.Fact{Place: client.Place{The: ch.The, Of: ch.Of}, Ref: ch.Cause}
		if ch.Has {
			f = f.Assert(ch.Is)
		} else {
			f = f.Retract()
		}
		if ch.The == memory.RunJSON {
			mark = &f
		} else {
			changes = append(changes, f)
		}
	}
	return changes, mark
}

// notTaken says in the words of the memory here why the toolshed did not take a
// draft. What was in its way is brought into the copy first: effects come before
// the answers that they are the reason for, so the view knows; if not, the answer
// itself does.
func (c *replicated) notTaken(ctx context.Context, sub *client.Subscription, d *memory.Draft, err error) error {
	if unknown, ok := errors.AsType[*client.Unknown](err); ok {
		return charm.Errorf(charm.CodeUnanswered, "the toolshed at %s did not say whether it took a transaction: %w", c.replica.o.URL, unknown.Err)
	}
	conflict, ok := errors.AsType[*client.Conflict](err)
	if !ok {
		return err
	}
	var now []client.Fact
	know := func(the, of string, held merkle.Ref) {
		p := client.Place{The: the, Of: of}
		f := sub.Fact(p)
		if p == conflict.Place && f.Ref == held && conflict.Actual != nil {
			f = *conflict.Actual
		}
		if !f.Ref.IsZero() {
			now = append(now, f)
		}
	}
	for _, ch := range d.Changes {
		know(ch.The, ch.Of, ch.Cause)
	}
	for _, v := range d.Read {
		know(v.The, v.Of, v.Ref)
	}
	if err := c.take(ctx, now, true); err != nil {
		return err
	}
	return &memory.Conflict{Space: c.did, The: conflict.The, Of: conflict.Of, Expected: conflict.Expected}
}
