package oauth

import (
	"context"
	"strings"
)

// turn waits until nobody else connects an account for the target, and is done when the
// caller says so. Accounts of several providers end each other there, and of two that
// were connected at once neither would see the other, or each would wait for the other.
func (a *Accounts) turn(ctx context.Context, to Target) (done func(), err error) {
	place := to.Space + " " + to.Charm
	if to.Cell.ID != "" {
		place = to.Space + " " + to.Cell.ID + " " + strings.Join(to.Cell.Path, "/")
	}
	for {
		a.mu.Lock()
		other, taken := a.turns[place]
		if !taken {
			mine := make(chan struct{})
			a.turns[place] = mine
			a.mu.Unlock()
			return func() {
				a.mu.Lock()
				delete(a.turns, place)
				a.mu.Unlock()
				close(mine)
			}, nil
		}
		a.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
