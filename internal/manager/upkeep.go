package manager

import (
	"context"
	"slices"

	"charmd/internal/api"
	"charmd/internal/store"
)

// LastUpkeep is the last kept run of each task of maintenance, the newest first.
func (m *Manager) LastUpkeep(ctx context.Context) ([]api.Run, error) {
	list := []api.Run{}
	err := m.store.View(ctx, func(r store.Reader) error {
		runs, err := r.Runs(store.RunFilter{Upkeep: true})
		for _, run := range runs {
			if !slices.ContainsFunc(list, func(other api.Run) bool { return other.Task == run.Task }) {
				list = append(list, runJSON(run, ""))
			}
		}
		return err
	})
	return list, err
}
