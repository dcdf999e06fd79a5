package notify

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// Run delivers what is to be told, one notice after another, until ctx ends.
func (n *Notifier) Run(ctx context.Context) {
	if n.hook == nil {
		return
	}
	for {
		timer := time.NewTimer(n.step(ctx))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-n.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// step deals with the first notice that waits, and says how long there is nothing
// to do then.
func (n *Notifier) step(ctx context.Context) time.Duration {
	first, inHand, err := n.first(ctx)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nothingToDo
	case err != nil:
		return n.later("a notice could not be read", err)
	case first.ID == n.sent:
	case n.o.Now().Sub(madeAt(first)) > giveUpAfter:
		n.o.Logger.Error("a notice is given up: the notification hook has not taken it for a day", "notice", first.ID, "body", first.Body)
	case n.o.Now().Before(first.Due):
		return first.Due.Sub(n.o.Now())
	default:
		if err := n.deliver(ctx, first.ID, first.Body); err != nil {
			first.Attempts++
			wait := backoff(first.Attempts)
			first.Due = n.o.Now().Add(wait)
			n.o.Logger.Warn("the notification hook has not taken a notice; trying again", "notice", first.ID, "err", err, "in", wait)
			return n.keep(first, inHand)
		}
	}
	return n.drop(first, inHand)
}

// first is the notice to deliver next. What the store could not take comes first:
// it says why nothing else comes.
func (n *Notifier) first(ctx context.Context) (first store.Notice, inHand bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.inHand) > 0 {
		return n.inHand[0], true, nil
	}
	if err := n.o.Store.Health(); err != nil {
		return first, false, err // what is told now could not be taken away
	}
	err = n.o.Store.View(ctx, func(r store.Reader) (err error) {
		first, err = r.FirstNotice()
		return err
	})
	return first, false, err
}

// keep puts a notice that was not taken back in its place.
func (n *Notifier) keep(notice store.Notice, inHand bool) time.Duration {
	if inHand {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.inHand[0].ID == notice.ID {
			n.inHand[0] = notice
		}
		return notice.Due.Sub(n.o.Now())
	}
	err := n.write(func(tx store.Tx) error { return tx.PutNotice(notice) })
	if err != nil {
		return n.later("a failed delivery could not be written", err)
	}
	return notice.Due.Sub(n.o.Now())
}

// drop takes a notice away that is dealt with. When the store cannot, it is
// remembered, so that it is not told twice.
func (n *Notifier) drop(notice store.Notice, inHand bool) time.Duration {
	if inHand {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.inHand[0].ID == notice.ID {
			n.inHand = n.inHand[1:]
		}
		return 0
	}
	n.sent = notice.ID
	if err := n.write(func(tx store.Tx) error { return tx.DeleteNotice(notice.ID) }); err != nil {
		return n.later("a delivered notice could not be taken away", err)
	}
	return 0
}

// write changes a notice in the store; it may have been dropped meanwhile. A stop
// of the service does not end it: the notice would be told again after the next
// start.
func (n *Notifier) write(fn func(store.Tx) error) error {
	limited, cancel := context.WithTimeout(context.Background(), deliveryTime)
	defer cancel()
	err := n.o.Store.Update(limited, fn)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// later is how long to wait for a store that does not work, which says so itself.
func (n *Notifier) later(what string, err error) time.Duration {
	if n.o.Store.Health() == nil && !errors.Is(err, context.Canceled) {
		n.o.Logger.Warn(what, "err", err)
	}
	return storeRetry
}

// deliver hands one notice to the hook. A stop of the service waits for it, for
// the same reason as write does.
func (n *Notifier) deliver(ctx context.Context, id, body string) error {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), deliveryTime)
	defer cancel()
	return n.hook.deliver(limited, id, []byte(body))
}

// Try delivers a test notice at once and returns it. Errors are *charm.Error.
func (n *Notifier) Try(ctx context.Context) (Notice, error) {
	notice := n.notice(Test)
	if n.hook == nil {
		return notice, charm.Errorf(charm.CodeInvalid, "there is no notification hook").
			WithHint("start charmd with --notify-command or --notify-url")
	}
	notice.Reason = "a person tries the notification hook"
	body, err := json.Marshal(notice)
	if err != nil {
		return notice, err
	}
	if err := n.deliver(ctx, notice.ID, string(body)); err != nil {
		return notice, charm.Errorf(charm.CodeUnavailable, "the notification hook does not take notices: %w", err)
	}
	return notice, nil
}

// Hook says what takes the notices: "command", "url", or "" for nothing.
func (n *Notifier) Hook() string {
	if n.hook == nil {
		return ""
	}
	return n.hook.kind()
}
