package sqlite

import (
	"fmt"
	"time"

	"charmd/internal/store"
)

var (
	problemColumns = columns{"charm", "key", "outcome", "code", "message", "position", "run", "first", "last", "times"}
	meetProblem    = problemColumns.insert("problem") + " on conflict (charm, key) do update set outcome = excluded.outcome, " +
		"code = excluded.code, message = excluded.message, position = excluded.position, run = excluded.run, " +
		"last = excluded.last, times = times + 1 returning times"
	selectProblem = "select " + problemColumns.of("problem") + " from problem "
)

const (
	newestProblems = "order by last desc, charm desc, key desc limit ?"
	pruneProblems  = "delete from problem where last < ?"
	forgetProblems = "delete from problem where charm = ? and key in " +
		"(select key from problem where charm = ? order by last desc, times desc, key limit -1 offset ?)"
)

func scanProblem(scan func(...any) error) (p store.Problem, err error) {
	err = scan(&p.Charm, &p.Key, &p.Outcome, &p.Code, &p.Message, &p.Position, &p.Run, timeOf{&p.First}, timeOf{&p.Last}, &p.Times)
	return p, err
}

func (v *view) Problems(charmRow int64, limit int) ([]store.Problem, error) {
	if limit <= 0 {
		limit = -1 // SQLite's word for all
	}
	if charmRow == 0 {
		return list(v.session, selectProblem+newestProblems, []any{limit}, scanProblem)
	}
	return list(v.session, selectProblem+"where charm = ? "+newestProblems, []any{charmRow, limit}, scanProblem)
}

func (t *tx) MeetProblem(p store.Problem, keep int) error {
	at := millis(p.Last)
	var times int64
	err := t.returning(meetProblem, []any{p.Charm, p.Key, string(p.Outcome), string(p.Code), p.Message, p.Position, p.Run, at, at, 1}, &times)
	if isMissingParent(err) {
		err = store.ErrNotFound
	}
	if err == nil && times == 1 { // else there are no more of them than before
		_, err = t.exec(forgetProblems, p.Charm, p.Charm, keep)
	}
	if err != nil {
		return fmt.Errorf("store a problem of charm %d: %w", p.Charm, err)
	}
	return nil
}

func (t *tx) PruneProblems(before time.Time) (int, error) {
	n, err := t.exec(pruneProblems, millis(before))
	if err != nil {
		return 0, fmt.Errorf("prune problems: %w", err)
	}
	return int(n), nil
}
