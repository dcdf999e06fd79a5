package runcharm

import (
	"fmt"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
	"charmd/internal/wire"
)

// A charm is tried out in its first runs by the service, and in those after an
// update: until one has ended well, a few times and not for long.
func TestWhenACharmIsTriedOut(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, sqlite.Options{})
	made := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	run := func(after time.Duration, reason charm.Reason, outcome charm.Outcome) charm.Run {
		return charm.Run{Reason: reason, Outcome: outcome, StartedAt: made.Add(after), EndedAt: made.Add(after)}
	}
	failed := func(minutes ...int) (runs []charm.Run) {
		for _, m := range minutes {
			runs = append(runs, run(time.Duration(m)*time.Minute, charm.Due, charm.Errored))
		}
		return runs
	}
	acts := func(n int) (runs []charm.Run) {
		for i := range n {
			runs = append(runs, run(time.Duration(i)*time.Second, charm.Event, charm.OK))
		}
		return runs
	}
	ok := run(time.Minute, charm.Due, charm.OK)
	updated := store.Recast{Since: 1, At: made.Add(24 * time.Hour), Before: "old", After: "ba4j"}
	for _, c := range []struct {
		name   string
		runs   []charm.Run
		recast store.Recast
		work   Work
		at     time.Duration
		want   bool
	}{
		{"the first run", nil, store.Recast{}, Work{Mode: wire.ModeEvent}, 0, true},
		{"an act before it", nil, store.Recast{}, Work{Mode: wire.ModeEvent, Lane: true}, 0, false},
		{"after two that failed", failed(1, 2), store.Recast{}, Work{Mode: wire.ModeEvent}, 3 * time.Minute, true},
		{"after three that failed", failed(1, 2, 3), store.Recast{}, Work{Mode: wire.ModeEvent}, 4 * time.Minute, false},
		{"after one that ended well", []charm.Run{ok}, store.Recast{}, Work{Mode: wire.ModeEvent}, 3 * time.Minute, false},
		{"after acts", acts(4), store.Recast{}, Work{Mode: wire.ModeEvent}, 3 * time.Minute, true},
		{"after so many acts that they hide its runs", append(failed(0, 0, 0), acts(mostLooked)...), store.Recast{}, Work{Mode: wire.ModeEvent}, 3 * time.Minute, false},
		{"in the first hour", nil, store.Recast{}, Work{Mode: wire.ModeEvent}, tryFor - time.Second, true},
		{"later", nil, store.Recast{}, Work{Mode: wire.ModeEvent}, tryFor, false},
		{"after an update", append(failed(1, 2, 3), ok), updated, Work{Mode: wire.ModeEvent}, 24*time.Hour + time.Minute, true},
		{"long after it", nil, updated, Work{Mode: wire.ModeEvent}, 25 * time.Hour, false},
		{"after an update to what is not its recipe", nil, store.Recast{Since: 1, At: updated.At, Before: "old", After: "other"}, Work{Mode: wire.ModeEvent}, 24*time.Hour + time.Minute, false},
		{"while it is made", nil, store.Recast{}, Work{Mode: wire.ModeCast}, 0, true},
		{"while it is updated", []charm.Run{ok}, store.Recast{}, Work{Mode: wire.ModeTake}, 24 * time.Hour, true},
	} {
		space := charm.Space{DID: "did:key:z6Mk" + c.name, CreatedAt: made, Since: -1}
		kept := charm.Charm{Space: space.DID, ID: "baedrei", Name: "c", Recipe: "ba4j", CreatedAt: made, UpdatedAt: made}
		err := db.Update(t.Context(), func(tx store.Tx) (err error) {
			if _, err = tx.PutSpace(space); err != nil {
				return err
			}
			if kept.Row, err = tx.PutCharm(kept); err != nil {
				return err
			}
			for i, run := range c.runs {
				run.ID, run.Charm, run.Job = fmt.Sprintf("%02d%024d", kept.Row, i), kept.Row, fmt.Sprint("job", i)
				if err := tx.AddRun(run); err != nil {
					return err
				}
			}
			if c.recast.After == "" {
				return nil
			}
			c.recast.Charm = kept.Row
			return tx.AddRecast(c.recast, charm.KeepRecasts)
		})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		c.work.Charm = kept
		runner := &Runner{triedOut: map[string]string{}}
		for _, when := range []string{"asked", "remembered"} {
			s := &Session{runner: runner, work: c.work, started: made.Add(c.at)}
			if err := db.View(t.Context(), s.tryOut); err != nil || (s.trial != nil) != c.want {
				t.Errorf("%s, %s: tried out is %v, want %v (%v)", c.name, when, s.trial != nil, c.want, err)
			}
		}
	}
}
