package handlers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"charmd/internal/charm"
	"charmd/internal/explain"
	"charmd/internal/state"
	"charmd/internal/store"
)

// foldBatch is how many run records one transaction adds to the figures.
const foldBatch = 1000

// Fold adds the run records since the last time to the figures of their hours.
func (h *Maintenance) Fold(ctx context.Context) error {
	if _, err := h.repeat(ctx, func(tx store.Tx) (int, error) { return tx.FoldRuns(foldBatch) }); err != nil {
		return fmt.Errorf("adding up run records: %w", err)
	}
	return nil
}

// stats brings the figures up to date and tells those of the last hour and day,
// and of the day for each integration.
func (h *Maintenance) stats(ctx context.Context, did *strings.Builder) error {
	if err := h.Fold(ctx); err != nil {
		return err
	}
	now := h.Now()
	var stats []store.Stat
	err := h.Store.View(ctx, func(r store.Reader) (err error) {
		stats, err = r.Stats(state.LastDay(now))
		return err
	})
	if err != nil {
		return err
	}
	tell(did, "last hour", state.Sum(stats, state.LastHour(now)))
	tell(did, "last day", state.Sum(stats, time.Time{}))
	parts := state.ByIntegration(stats)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if name != "" {
			tell(did, "last day, "+name, state.Sum(parts[name], time.Time{}))
		}
	}
	return nil
}

// tell writes figures as one line.
func tell(did *strings.Builder, what string, f state.Figures) {
	fmt.Fprintf(did, "%s: %s", what, explain.Count(f.Runs, "run"))
	for _, o := range charm.Outcomes() {
		if n := f.Outcomes[o]; n > 0 {
			fmt.Fprintf(did, ", %d %s", n, o)
		}
	}
	for _, p := range []struct {
		name string
		h    charm.Histogram
	}{{"took", f.Times}, {"late", f.Lateness}} {
		if p.h.Count() > 0 {
			fmt.Fprintf(did, "; %s p50 %v, p95 %v, p99 %v", p.name, quantile(p.h, 0.5), quantile(p.h, 0.95), quantile(p.h, 0.99))
		}
	}
	did.WriteString("\n")
}

func quantile(h charm.Histogram, q float64) time.Duration {
	return h.Quantile(q).Round(100 * time.Microsecond)
}
