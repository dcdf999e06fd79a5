package state_test

import (
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/state"
)

func TestTimingsOf(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	run := func(o charm.Outcome, reason charm.Reason, late, took time.Duration) charm.Run {
		return charm.Run{Outcome: o, Reason: reason, DueAt: noon, StartedAt: noon.Add(late), EndedAt: noon.Add(late + took)}
	}
	var hundred, mixed []charm.Run
	for i := range 100 {
		n := time.Duration((i*37)%100 + 1) // 1 to 100, out of order
		hundred = append(hundred, run(charm.OK, charm.Due, 10*n*ms, n*ms))
	}
	mixed = []charm.Run{
		run(charm.OK, charm.Due, -5*ms, 10*ms), // the clock was set back
		run(charm.Errored, charm.Retry, 900*ms, 20*ms),
		run(charm.Lost, charm.Due, 1000*ms, 5000*ms),
		run(charm.Cancelled, charm.RunNow, 0, 5000*ms),
		run(charm.Remote, charm.Due, 3*ms, 30*ms),
	}
	for name, c := range map[string]struct {
		runs []charm.Run
		want state.Timings
	}{
		"none":    {nil, state.Timings{}},
		"one":     {hundred[:1], state.Timings{Runs: 1, P50: ms, P95: ms, P99: ms, Scheduled: 1, Late50: 10 * ms, Late95: 10 * ms}},
		"hundred": {hundred, state.Timings{Runs: 100, P50: 50 * ms, P95: 95 * ms, P99: 99 * ms, Scheduled: 100, Late50: 500 * ms, Late95: 950 * ms}},
		"mixed":   {mixed, state.Timings{Runs: 3, P50: 20 * ms, P95: 30 * ms, P99: 30 * ms, Scheduled: 2, Late50: 0, Late95: 3 * ms}},
	} {
		if got := state.TimingsOf(c.runs); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
