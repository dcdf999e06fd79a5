package state

import (
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// Figures sum up the runs that ended within a time.
type Figures struct {
	Runs     int64
	Outcomes map[charm.Outcome]int64
	Times    charm.Histogram // wall times; interrupted runs left out, here and below
	Lateness charm.Histogram // from when runs were due to when they started
}

// Sum adds up the figures of hours that begin at the time or later.
func Sum(stats []store.Stat, since time.Time) Figures {
	f := Figures{Outcomes: map[charm.Outcome]int64{}}
	for _, s := range stats {
		if s.Hour.Before(since) {
			continue
		}
		f.Runs += s.Runs
		f.Outcomes[s.Outcome] += s.Runs
		if s.Outcome != charm.Lost && s.Outcome != charm.Cancelled {
			f.Times, f.Lateness = f.Times.Merge(s.Times), f.Lateness.Merge(s.Lateness)
		}
	}
	return f
}

// ByIntegration sorts figures by what their charms were registered as.
func ByIntegration(stats []store.Stat) map[string][]store.Stat {
	sorted := map[string][]store.Stat{}
	for _, s := range stats {
		sorted[s.Integration] = append(sorted[s.Integration], s)
	}
	return sorted
}

// LastHour is where the figures of the last hour begin: with the clock hour
// before this one, since figures are kept by clock hours.
func LastHour(now time.Time) time.Time { return now.Truncate(time.Hour).Add(-time.Hour) }

// LastDay is where the figures of the last 24 clock hours begin, this one among them.
func LastDay(now time.Time) time.Time { return now.Truncate(time.Hour).Add(-23 * time.Hour) }
