package handlers

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// unwell is a store that refuses so many times.
type unwell struct {
	store.Store
	refusals int
	err      error
}

func (u *unwell) Update(context.Context, func(store.Tx) error) error {
	if u.refusals > 0 {
		u.refusals--
		return u.err
	}
	return nil
}

// TestFault18_EndsAreWrittenLater: the end of a run waits for a store that cannot
// write, and for nothing else.
func TestFault18_EndsAreWrittenLater(t *testing.T) {
	t.Parallel()
	logger := slog.New(slog.DiscardHandler)
	own := errors.New("own")
	for _, c := range []struct {
		name string
		err  error
		kept bool
	}{
		{"the disk is full", charm.Errorf(charm.CodeUnavailable, "full"), true},
		{"the disk is read-only", charm.Errorf(charm.CodeDataUnusable, "read-only"), true},
		{"a conflict", charm.Errorf(charm.CodeConflict, "conflict"), false},
		{"an error of the function", own, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			st := &unwell{refusals: 20, err: c.err}
			began := time.Now()
			err := durably(t.Context(), st, logger, func(store.Tx) error { return nil })
			if (err == nil) != c.kept || c.kept && (st.refusals != 0 || time.Since(began) > 100*time.Second) {
				t.Errorf("%s: %v after %v with %d refusals left", c.name, err, time.Since(began), st.refusals)
			}
		})
		// When the service stops it is given up after one more try.
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			st := &unwell{refusals: 1 << 30, err: c.err}
			if err := durably(ctx, st, logger, func(store.Tx) error { return nil }); !errors.Is(err, c.err) {
				t.Errorf("%s: %v when the service stops", c.name, err)
			}
		})
	}
}
