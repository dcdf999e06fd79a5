package memory

import (
	"context"
	"errors"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// Upstream is the toolshed that has the spaces when this one only copies them:
// what is written goes there first.
type Upstream interface {
	// Commit makes the draft for the space as the copy has it, has the toolshed
	// commit it, and only then commits it here, in one transaction with w.Then. A
	// *Conflict: nothing was written, and the copy has what was in the way. A
	// *client.Unknown: it may have been written there, and was not here.
	Commit(ctx context.Context, space string, w Write) error
	// Follow begins to copy a space, unless that has been done.
	Follow(space string)
	// Ready waits until a space is here, as far as ctx lets it.
	Ready(ctx context.Context, space string) error
}

// Write is a transaction in a space and what is written here together with it.
type Write struct {
	// Draft makes the transaction from what the space holds; nil for none.
	Draft func(r store.Reader, space charm.Space) (*Draft, error)
	// Then writes the rest; the Receipt is zero when there was no transaction. It
	// may be nil.
	Then func(tx store.Tx, r Receipt) error
}

// CopyOf makes m a copy of what another toolshed has. It is called before m is used.
func (m *Memory) CopyOf(u Upstream) { m.from = u }

// Copies reports whether another toolshed has the spaces.
func (m *Memory) Copies() bool { return m.from != nil }

// Follow sees to it that a space which was met for the first time is here soon.
func (m *Memory) Follow(space string) {
	if m.from != nil {
		m.from.Follow(space)
	}
}

// Ready waits until what a space holds is here.
func (m *Memory) Ready(ctx context.Context, space string) error {
	if m.from == nil {
		return nil
	}
	return m.from.Ready(ctx, space)
}

// mostTries bounds how often Write starts over because others wrote in between.
const mostTries = 50

// Write makes a transaction in a space and what belongs to it, as one here, and
// after another toolshed has it where that has the space. It starts over when the
// space changes meanwhile, and waits while a run holds one of the documents.
func (m *Memory) Write(ctx context.Context, space string, w Write) (err error) {
	if m.from == nil {
		return m.writeHere(ctx, space, w)
	}
	for range mostTries {
		err = m.from.Commit(ctx, space, w)
		if _, changed := err.(*Conflict); !changed { // one that is wrapped says that the draft cannot be made any more
			return err
		}
	}
	return err
}

func (m *Memory) writeHere(ctx context.Context, space string, w Write) error {
	for {
		var d *Draft
		err := m.store.Update(ctx, func(tx store.Tx) (err error) {
			d, err = m.write(tx, space, w)
			return err
		})
		if d == nil || !errors.Is(err, ErrHeld) {
			return err
		}
		if err := m.WaitHeld(ctx, d, nil); err != nil {
			return err
		}
	}
}

func (m *Memory) write(tx store.Tx, did string, w Write) (*Draft, error) {
	space, err := tx.Space(did)
	if err != nil {
		return nil, err
	}
	d, err := w.Draft(tx, space)
	if err != nil {
		return nil, err
	}
	var receipt Receipt
	if d != nil {
		if receipt, err = m.Commit(tx, d, nil); err != nil {
			return d, err
		}
	}
	if w.Then == nil {
		return d, nil
	}
	return d, w.Then(tx, receipt)
}

// Copied prepares facts of another toolshed to be made the current ones here, as
// they are. Those that are current already are left.
func (m *Memory) Copied(space charm.Space, facts []Change, meta map[string]string) (*Draft, error) {
	d, err := NewDraft(space, m.issuer, facts, meta, m.now())
	if err == nil {
		d.copied, d.Anyway = true, true
	}
	return d, err
}
