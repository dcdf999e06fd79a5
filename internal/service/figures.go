package service

import (
	"context"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/state"
	"charmd/internal/store"
)

// addFigures adds the figures of the last hour and day to a summary.
func (s *Service) addFigures(ctx context.Context, st *api.Status) {
	now := s.now()
	hour, day := state.LastHour(now), state.LastDay(now)
	var stats []store.Stat
	err := s.store.View(ctx, func(r store.Reader) (err error) {
		stats, err = r.Stats(day)
		return err
	})
	if err != nil {
		return // the summary says in its other parts what is wrong with the store
	}
	lastHour, lastDay := figures(stats, hour), figures(stats, day)
	lastDay.Integrations = map[string]api.Figures{}
	for name, part := range state.ByIntegration(stats) {
		if name != "" {
			lastDay.Integrations[name] = figures(part, day)
		}
	}
	st.LastHour, st.LastDay = &lastHour, &lastDay
}

func figures(stats []store.Stat, since time.Time) api.Figures {
	f := state.Sum(stats, since)
	return api.Figures{Since: since.UTC(), Runs: f.Runs, Outcomes: f.Outcomes, TookMs: percentiles(f.Times), LateMs: percentiles(f.Lateness)}
}

func percentiles(h charm.Histogram) api.Percentiles {
	ms := func(q float64) float64 {
		return float64(h.Quantile(q).Round(100*time.Microsecond).Microseconds()) / 1000
	}
	return api.Percentiles{P50: ms(0.5), P95: ms(0.95), P99: ms(0.99)}
}
