package sqlite

import (
	"fmt"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// TestTallyTakesOverTheTotals opens a database in which the totals were kept
// apart from the records.
func TestTallyTakesOverTheTotals(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, err := connect(t.Context(), path)
	ok(t, err)
	ok(t, create(t.Context(), s))
	ok(t, migrate(t.Context(), s, migrations[:1]))
	for _, statement := range []string{
		`insert into setting values ('service.totals', '{"starts":3,"totalExecutions":100,"totalSuccesses":60,"totalFailures":30}')`,
		"insert into run values (7, 'r', 1, '', '', '', 1, 0, 0, 0, 'ok', '', '', '', 0, 0, 0, 0, 0, '')",
	} {
		_, err := s.exec(statement)
		ok(t, err)
	}
	ok(t, s.close())
	db := open(t, path, Options{})
	ok(t, db.Update(t.Context(), func(tx store.Tx) error {
		return tx.AddRun(charm.Run{ID: "s", Charm: 1, Outcome: charm.OK})
	}))
	ok(t, db.View(t.Context(), func(r store.Reader) error {
		tally, err := r.Tally()
		if got := fmt.Sprint(tally); got != "map[error:30 ok:61 remote:10]" {
			t.Errorf("the tally is %s", got)
		}
		return err
	}))
}

// TestTallyInSteps wants nothing taken before all records are counted, however
// many there are.
func TestTallyInSteps(t *testing.T) {
	t.Parallel()
	const all = 2*tallyAtMost + 5
	db := open(t, newPath(t), Options{})
	ok(t, db.Update(t.Context(), func(tx store.Tx) error {
		for i := range all {
			if err := tx.AddRun(charm.Run{ID: fmt.Sprintf("%06d", i), Charm: 1, Outcome: charm.OK, EndedAt: time.UnixMilli(1)}); err != nil {
				return err
			}
		}
		return nil
	}))
	for pruned := 1; pruned > 0; {
		ok(t, db.Update(t.Context(), func(tx store.Tx) (err error) {
			if pruned, err = tx.PruneRuns(3, time.UnixMilli(2), 10_000); err != nil {
				return err
			}
			tally, err := tx.Tally()
			if tally[charm.OK] != all {
				t.Errorf("the tally is %v, want %d", tally, all)
			}
			return err
		}))
	}
}
