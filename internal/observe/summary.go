package observe

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
)

// LogSummary writes the status line that the log gets every LOG_INTERVAL_MS: one
// record, and a warning for each reason the service is not ready.
func LogSummary(logger *slog.Logger, s api.Status) {
	ctx := context.Background()
	logger.LogAttrs(ctx, slog.LevelInfo, "status", summary(s)...)
	for _, reason := range s.NotReady {
		logger.LogAttrs(ctx, slog.LevelWarn, "not ready", slog.String("reason", reason))
	}
}

// summary is the status as attributes of a log record.
func summary(s api.Status) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("up", charm.ShortDuration(time.Since(s.StartedAt).Round(time.Second))),
		slog.String("charms", Counts(s.Charms)),
		slog.Int64("executions", s.TotalExecutions),
		slog.Int64("successes", s.TotalSuccesses),
		slog.Int64("failures", s.TotalFailures),
		slog.Int64("cycles", s.Cycles),
		slog.String("workers", fmt.Sprintf("%d of %d busy", Busy(s.Workers), len(s.Workers))),
		slog.Int64("storeBytes", s.StoreBytes),
	}
	if s.LastCycle != nil {
		attrs = append(attrs, slog.Time("lastCycle", *s.LastCycle))
	}
	if len(s.Problems) > 0 {
		attrs = append(attrs, slog.String("needAttention", names(s.Problems)))
	}
	return attrs
}

// Counts is a count by status as words, the total first: "12 (10 completed, 2
// disabled)".
func Counts(by map[string]int) string {
	var parts []string
	total := 0
	for _, status := range slices.Sorted(maps.Keys(by)) {
		if n := by[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
			total += n
		}
	}
	if total == 0 {
		return "0"
	}
	return fmt.Sprintf("%d (%s)", total, strings.Join(parts, ", "))
}

// Busy counts the workers that have a run.
func Busy(workers []api.Worker) int {
	n := 0
	for _, w := range workers {
		if w.Task != "" {
			n++
		}
	}
	return n
}

// names lists the charms that need a look, the first few of them.
func names(problems []api.Problematic) string {
	const most = 5
	var list []string
	for i, p := range problems {
		if i == most {
			list = append(list, fmt.Sprintf("and %d more", len(problems)-most))
			break
		}
		list = append(list, p.Charm+" ("+p.Status+")")
	}
	return strings.Join(list, ", ")
}
