package handlers

import (
	"context"
	"fmt"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// Retention says what history is kept.
type Retention struct {
	Runs        int // records of a charm
	RunsFor     time.Duration
	Versions    int // superseded versions of a fact
	VersionsFor time.Duration
}

// DefaultRetention keeps what the documentation promises.
func DefaultRetention() Retention {
	return Retention{Runs: charm.KeepRuns, RunsFor: charm.KeepRunsFor, Versions: charm.KeepVersions, VersionsFor: charm.KeepVersionsFor}
}

// pruneBatch is how many rows one transaction of cleanup takes, so that runs
// that end meanwhile wait little.
const pruneBatch = 2000

// cleanup takes history beyond retention away.
func (h *Maintenance) cleanup(ctx context.Context) (string, error) {
	now := h.Now()
	runs, err := h.prune(ctx, func(tx store.Tx) (int, error) {
		return tx.PruneRuns(h.Retention.Runs, now.Add(-h.Retention.RunsFor), pruneBatch)
	})
	if err != nil {
		return "", fmt.Errorf("removing old runs: %w", err)
	}
	if _, err = h.prune(ctx, func(tx store.Tx) (int, error) { return tx.PruneProblems(now.Add(-h.Retention.RunsFor)) }); err != nil {
		return "", fmt.Errorf("removing old problems: %w", err)
	}
	facts, err := h.prune(ctx, func(tx store.Tx) (int, error) {
		return tx.PruneFacts(h.Retention.Versions, now.Add(-h.Retention.VersionsFor), pruneBatch)
	})
	if err != nil {
		return "", fmt.Errorf("removing old versions: %w", err)
	}
	return fmt.Sprintf("removed %d run records and %d old versions of documents", runs, facts), nil
}

// prune repeats one bounded step until it finds nothing more.
func (h *Maintenance) prune(ctx context.Context, step func(store.Tx) (int, error)) (total int, err error) {
	for {
		var n int
		err := h.Store.Update(ctx, func(tx store.Tx) (err error) {
			n, err = step(tx)
			return err
		})
		if total += n; err != nil || n == 0 {
			return total, err
		}
	}
}
