package state

import (
	"slices"
	"time"

	"charmd/internal/charm"
)

// Timings are percentiles over the runs of a charm whose records are kept.
type Timings struct {
	Runs          int // that they are of
	P50, P95, P99 time.Duration
	Scheduled     int           // runs that were due by the schedule
	Late50        time.Duration // from when they were due to their start
	Late95        time.Duration
}

// TimingsOf are the timings of runs. Those that were interrupted took no time
// that says anything.
func TimingsOf(runs []charm.Run) Timings {
	var took, late []time.Duration
	for _, r := range runs {
		if r.Outcome == charm.Lost || r.Outcome == charm.Cancelled {
			continue
		}
		took = append(took, r.Elapsed())
		if r.Reason == charm.Due {
			late = append(late, max(0, r.StartedAt.Sub(r.DueAt)))
		}
	}
	slices.Sort(took)
	slices.Sort(late)
	return Timings{
		Runs: len(took), P50: percentile(took, 50), P95: percentile(took, 95), P99: percentile(took, 99),
		Scheduled: len(late), Late50: percentile(late, 50), Late95: percentile(late, 95),
	}
}

// percentile is the smallest of the sorted values that p percent of them do not
// exceed; 0 when there are none.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*p+99)/100-1]
}
