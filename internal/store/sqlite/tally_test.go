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
		return tx.AddRun(charm.Run{ID: "000000", Charm: 1, Outcome: charm.OK, EndedAt: time.UnixMilli(1)})
	}))
	onWriter(t, db, func(s *session) error { // as many times more, within SQLite
		_, err := s.exec(`with recursive n (i) as (select 1 union all select i + 1 from n where i < ?)
			insert into run (id, charm, job, task, reason, attempt, due, started, ended, outcome, code, error, position, changed, requests, conflicts, cpu, peak_bytes, log)
			select printf('%06d', i), charm, job, task, reason, attempt, due, started, ended, outcome, code, error, position, changed, requests, conflicts, cpu, peak_bytes, log
			from n, run where id = '000000'`, all-1)
		return err
	})
	for step := 1; step <= 4; step++ { // the third counts the rest
		ok(t, db.Update(t.Context(), func(tx store.Tx) (err error) {
			if _, err = tx.PruneRuns(3, time.UnixMilli(2), 10); err != nil {
				return err
			}
			tally, err := tx.Tally()
			if tally[charm.OK] != all {
				t.Errorf("the tally is %v, want %d", tally, all)
			}
			if _, found := tx.Run("000000"); (found == nil) != (step < 3) {
				t.Errorf("after step %d the oldest record: %v", step, found)
			}
			return err
		}))
	}
}
