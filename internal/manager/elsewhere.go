package manager

import (
	"context"
	"errors"
	"time"

	"charmd/internal/charm"
	"charmd/internal/memory"
)

// readyWithin is how long a command waits for another toolshed: for a space that it
// has, and for its word on what is written there.
const readyWithin = 10 * time.Second

// ready waits until what a space holds is here.
func (m *Manager) ready(ctx context.Context, space charm.Space) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	return m.memory.Ready(ctx, space.DID)
}

// commit is memory.Write for somebody who waits.
func (m *Manager) commit(ctx context.Context, space string, w memory.Write) error {
	return m.inTime(ctx, func(ctx context.Context) error { return m.memory.Write(ctx, space, w) })
}

// transact is memory.Transact for somebody who waits.
func (m *Manager) transact(ctx context.Context, d *memory.Draft) (receipt memory.Receipt, err error) {
	err = m.inTime(ctx, func(ctx context.Context) (err error) {
		receipt, err = m.memory.Transact(ctx, d)
		return err
	})
	return receipt, err
}

// inTime does what another toolshed has to take, and does not wait for ever for one
// that is not there. Where there is none, only a run that holds a document is waited
// for, as long as it takes.
func (m *Manager) inTime(ctx context.Context, do func(context.Context) error) error {
	if !m.memory.Copies() {
		return do(ctx)
	}
	limited, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	err := do(limited)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return charm.Errorf(charm.CodeUnavailable, "the toolshed did not take it within %s", charm.ShortDuration(readyWithin)).
			WithHint("charmd why says whether the toolshed is there; whether it has taken it after all, charmd show")
	}
	return err
}
