package memory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"charmd/internal/charm"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// Memory is the facts of all spaces in one store.
type Memory struct {
	store  store.Store
	issuer string // DID that signs for the service
	now    func() time.Time
	hub    hub
	gate   gate
	from   Upstream // has the spaces; nil when they are here
}

// New makes the memory kept in st; issuer is the DID the service's own
// transactions name.
func New(st store.Store, issuer string, now func() time.Time) *Memory {
	return &Memory{store: st, issuer: issuer, now: now}
}

// Issuer is the DID that the service's own transactions name.
func (m *Memory) Issuer() string { return m.issuer }

// Version is what a document was when it was read: the fact that was current,
// or nothing.
type Version struct {
	The, Of string
	Ref     merkle.Ref // zero when there was nothing
}

// Cause is the cause of the change that follows this version.
func (v Version) Cause() merkle.Ref {
	if v.Ref.IsZero() {
		return merkle.Unclaimed(v.The, v.Of)
	}
	return v.Ref
}

// Check returns a *Conflict when a version is not the current one any more.
func Check(tx store.Reader, space charm.Space, versions []Version) error {
	for _, v := range versions {
		head, err := tx.Head(space.Row, v.The, v.Of)
		switch {
		case errors.Is(err, store.ErrNotFound):
			if !v.Ref.IsZero() {
				return &Conflict{Space: space.DID, The: v.The, Of: v.Of, Expected: v.Ref}
			}
		case err != nil:
			return err
		case merkle.Ref(head.Ref) != v.Ref:
			return &Conflict{Space: space.DID, The: v.The, Of: v.Of, Expected: v.Ref, Actual: &head}
		}
	}
	return nil
}

// Receipt is what a committed transaction is known by.
type Receipt struct {
	Since int64      // its number in the space's log
	Cause merkle.Ref // of its entry there: the entry before it
}

// Commit applies d inside tx. holder is the hold the caller owns, nil for none. A
// *Conflict or ErrHeld means that nothing was written and the member must be
// rolled back; subscribers are told once the transaction is on disk.
func (m *Memory) Commit(tx store.Tx, d *Draft, holder *Hold) (Receipt, error) {
	if err := m.gate.pass(d, holder); err != nil {
		return Receipt{}, err
	}
	space, err := m.spaceOf(tx, d)
	if err != nil {
		return Receipt{}, fmt.Errorf("space %s: %w", d.Space.DID, err)
	}
	if d.Allowed != nil {
		if err := d.Allowed(tx, space); err != nil {
			return Receipt{}, err
		}
	}
	at, receipt := m.now(), Receipt{Since: space.Since + 1, Cause: lastCommit(space)}
	for i := range d.Changes {
		if err := d.apply(tx, space, i, receipt.Since, at); err != nil {
			return Receipt{}, err
		}
	}
	if err := appendCommit(tx, space.Row, d, receipt, at); err != nil {
		return Receipt{}, err
	}
	effect := Effect{Space: d.Space.DID, Since: receipt.Since, Changes: d.Changes, Invocation: d.text, By: d.By}
	tx.AfterCommit(func() {
		m.hub.publish(effect)
		if d.Committed != nil {
			d.Committed(receipt)
		}
	})
	return receipt, nil
}

// apply is the transaction algorithm of memory spec §5, steps 1-5, for the i-th change.
func (d *Draft) apply(tx store.Tx, space charm.Space, i int, since int64, at time.Time) error {
	c, f := d.Changes[i], d.facts[i]
	head, err := Head(tx, space, c.The, c.Of)
	exists := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	current, first := merkle.Ref(head.Ref), c.Cause == f.base
	switch {
	case exists && current == f.ref && (c.Claim || d.Replay || d.copied):
		return nil // a claim that holds, or what is current already
	case d.copied:
	case c.Claim && first && !exists:
		return nil // the claim that there is nothing
	case c.Claim, first && exists, !first && (!exists || current != c.Cause):
		conflict := &Conflict{Space: d.Space.DID, The: c.The, Of: c.Of}
		if !first {
			conflict.Expected = c.Cause
		}
		if exists {
			conflict.Actual = &head
		}
		return conflict
	}
	return tx.AddFact(store.Fact{Space: space.Row, The: c.The, Of: c.Of, Ref: f.ref, Cause: c.Cause, Since: since, Is: f.is, At: at})
}

// appendCommit writes the log entry that chains to the space's last one (memory spec §4).
func appendCommit(tx store.Tx, space int64, d *Draft, r Receipt, at time.Time) error {
	is := merkle.ReferMap(
		merkle.Entry{Key: "since", Value: merkle.Refer(float64(r.Since))},
		merkle.Entry{Key: "transaction", Value: d.digest})
	ref := merkle.FactRef(CommitJSON, d.Space.DID, &is, r.Cause)
	return tx.PutCommit(store.Commit{Space: space, Since: r.Since, Ref: ref, Transaction: d.text, At: at})
}

// Transact commits changes in space on their own. It waits while another run
// holds one of the documents.
func (m *Memory) Transact(ctx context.Context, d *Draft) (receipt Receipt, err error) {
	if m.from != nil {
		err = m.from.Commit(ctx, d.Space.DID, Write{
			Draft: func(store.Reader, charm.Space) (*Draft, error) { return d, nil },
			Then:  func(_ store.Tx, r Receipt) error { receipt = r; return nil },
		})
		return receipt, err
	}
	for {
		err = m.store.Update(ctx, func(tx store.Tx) error {
			receipt, err = m.Commit(tx, d, nil)
			return err
		})
		if !errors.Is(err, ErrHeld) {
			return receipt, err
		}
		if err := m.WaitHeld(ctx, d, nil); err != nil {
			return Receipt{}, err
		}
	}
}
