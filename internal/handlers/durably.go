package handlers

import (
	"context"
	"log/slog"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// durably writes what must not be lost: while the store cannot write (the disk
// is full, say, or read-only) it tries again until it can. ctx does not end a write, because an
// end must be written also when the service is stopping; it only ends the trying.
func durably(ctx context.Context, st store.Store, logger *slog.Logger, fn func(store.Tx) error) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := st.Update(context.WithoutCancel(ctx), fn)
		code := charm.CodeOf(err)
		if err == nil || code != charm.CodeUnavailable && code != charm.CodeDataUnusable || ctx.Err() != nil {
			return err
		}
		logger.Warn("a run's end cannot be written yet; trying again", "err", err, "in", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}
