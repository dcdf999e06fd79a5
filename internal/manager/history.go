package manager

import (
	"context"
	"slices"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/state"
	"charmd/internal/store"
)

// history adds what a charm's records and errors tell.
func (m *Manager) history(r store.Reader, out *api.Charm, c charm.Charm) error {
	runs, err := r.Runs(store.RunFilter{Charm: c.Row, Limit: charm.KeepRuns})
	if err != nil {
		return err
	}
	if t := state.TimingsOf(background(runs)); t.Runs > 0 {
		out.State.Timings = &api.Timings{P50ExecutionTimeMs: ms(t.P50), P95ExecutionTimeMs: ms(t.P95), P99ExecutionTimeMs: ms(t.P99)}
		if t.Scheduled > 0 {
			out.State.P50LatenessMs, out.State.P95LatenessMs = new(ms(t.Late50)), new(ms(t.Late95))
		}
	}
	out.Problems, err = m.problems(r, c.Row)
	return err
}

// background leaves out of runs what was done on pages.
func background(runs []charm.Run) []charm.Run {
	return slices.DeleteFunc(runs, func(r charm.Run) bool { return r.Reason == charm.Event })
}

// mostProblems is how many errors of all charms are listed at once.
const mostProblems = 1000

// Problems lists the errors that a charm has met, or all charms when both names
// are empty, the one seen last first.
func (m *Manager) Problems(ctx context.Context, space, name string) (list []api.Trouble, err error) {
	err = m.store.View(ctx, func(r store.Reader) error {
		var row int64
		if name != "" {
			c, err := find(r, space, name)
			if err != nil {
				return err
			}
			row = c.Row
		}
		list, err = m.problems(r, row)
		return err
	})
	return list, err
}

func (m *Manager) problems(r store.Reader, row int64) ([]api.Trouble, error) {
	found, err := r.Problems(row, mostProblems)
	if err != nil {
		return nil, err
	}
	list := []api.Trouble{}
	for _, p := range found {
		list = append(list, api.Trouble{
			Charm: m.refOf(p.Charm), Outcome: p.Outcome, Code: p.Code, Message: p.Message, Position: p.Position,
			FirstSeen: p.First.UTC(), LastSeen: p.Last.UTC(), Times: p.Times, LastRun: p.Run,
		})
	}
	return list, nil
}
