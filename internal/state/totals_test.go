package state_test

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/state"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

// TestTotalsOverRestarts starts again and again on records that nobody had
// counted when the service died, and on what retention left of them.
func TestTotalsOverRestarts(t *testing.T) {
	t.Parallel()
	db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	outcomes := []charm.Outcome{charm.OK, charm.Errored, charm.Remote, charm.Lost}
	for start := range int64(4) {
		m := state.NewManager(5)
		if err := db.Update(t.Context(), func(tx store.Tx) error { return errors.Join(m.Load(tx), m.CountStart(tx)) }); err != nil {
			t.Fatal(err)
		}
		got := m.Totals()
		if got.Starts != start+1 || got.Executions != 3*start || got.Successes != start || got.Failures != start || got.Cycles != start {
			t.Errorf("start %d found %+v", start, got)
		}
		m.CountCycle(noon)
		err := db.Update(t.Context(), func(tx store.Tx) error {
			for i, o := range outcomes {
				r := ended(o, time.Second)
				r.ID, r.Charm = fmt.Sprint(start, "-", i), 1
				if err := tx.AddRun(r); err != nil {
					return err
				}
			}
			if err := tx.AddRun(charm.Run{ID: fmt.Sprint(start, "-maintenance"), Outcome: charm.OK, EndedAt: noon}); err != nil {
				return err
			}
			if start%2 == 0 {
				if _, err := tx.PruneRuns(2, noon.Add(-time.Hour), 1000); err != nil {
					return err
				}
			}
			return m.Save(tx)
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range outcomes {
			m.Count(ended(o, 0))
		}
		if got := m.Totals(); got.Executions != 3*(start+1) || got.Cycles != start+1 {
			t.Errorf("start %d counts %+v", start, got)
		}
	}
}
