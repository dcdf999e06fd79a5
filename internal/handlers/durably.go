package handlers

import (
	"context"
	"log/slog"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// durably writes what must not be lost: while the store cannot write (the disk
// is full, say) it tries again until it can. It has no context of a run, because
// an end must be written also when the service is stopping.
func durably(st store.Store, logger *slog.Logger, fn func(store.Tx) error) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := st.Update(context.Background(), fn)
		if charm.CodeOf(err) != charm.CodeUnavailable || err == nil {
			return err
		}
		logger.Warn("a run's end cannot be written yet; trying again", "err", err, "in", wait)
		time.Sleep(wait)
	}
}
