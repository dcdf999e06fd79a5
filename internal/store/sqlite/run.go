package sqlite

import (
	"fmt"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/store"
)

var (
	runColumns = columns{"row", "id", "charm", "job", "task", "reason", "attempt", "due", "started", "ended",
		"outcome", "code", "error", "position", "handler", "changed", "since", "requests", "conflicts", "cpu", "peak_bytes", "walls", "ledger", "log"}
	insertRun  = runColumns.insert("run")
	selectRuns = "select " + runColumns[1:len(runColumns)-2].of("run") + " from run" // without ledger and log
	selectRun  = "select " + runColumns[1:].of("run") + " from run where id = ?"
)

// scanRun are the destinations in the order of runColumns, row, ledger and
// log left out.
func scanRun(r *charm.Run) []any {
	return []any{&r.ID, &r.Charm, &r.Job, &r.Task, &r.Reason, &r.Attempt, timeOf{&r.DueAt}, timeOf{&r.StartedAt},
		timeOf{&r.EndedAt}, &r.Outcome, &r.Code, &r.Error, &r.Position, &r.Handler, &r.Changed, &r.Since, &r.Requests, &r.Conflicts,
		durationOf{&r.CPU}, &r.PeakBytes, &r.Walls}
}

func (v *view) Run(id string) (r charm.Run, err error) {
	err = v.row(selectRun, []any{id}, append(scanRun(&r), ledgerOf{&r.Ledger}, &r.Log)...)
	return r, err
}

func (v *view) Runs(f store.RunFilter) ([]charm.Run, error) {
	var where []string
	var args []any
	choose := func(condition string, arg any) {
		where, args = append(where, condition), append(args, arg)
	}
	if f.Charm != 0 || f.Upkeep {
		choose("charm = ?", f.Charm)
	}
	if f.Outcome != "" {
		choose("outcome = ?", string(f.Outcome))
	}
	if f.Job != "" {
		choose("job = ?", f.Job)
	}
	if !f.Since.IsZero() {
		choose("started >= ?", millis(f.Since))
	}
	if f.Before != "" {
		choose("id < ?", f.Before)
	}
	query := selectRuns
	if len(where) > 0 {
		query += " where " + strings.Join(where, " and ")
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	return list(v.session, query+" order by id desc limit ?", append(args, limit),
		func(scan func(...any) error) (r charm.Run, err error) {
			err = scan(scanRun(&r)...)
			return r, err
		})
}

func (t *tx) AddRun(r charm.Run) error {
	ledger, err := ledgerText(r.Ledger)
	if err != nil {
		return fmt.Errorf("store run %s: %w", r.ID, err)
	}
	_, err = t.exec(insertRun, next(&t.last.run), r.ID, r.Charm, r.Job, string(r.Task), string(r.Reason), r.Attempt,
		millis(r.DueAt), millis(r.StartedAt), millis(r.EndedAt), string(r.Outcome), string(r.Code), r.Error, r.Position, r.Handler,
		r.Changed, r.Since, r.Requests, r.Conflicts, r.CPU.Microseconds(), r.PeakBytes, r.Walls, ledger, r.Log)
	if isUnique(err) {
		return charm.Errorf(charm.CodeConflict, "run %s has a record already: %w", r.ID, err)
	}
	if err != nil {
		return fmt.Errorf("store run %s: %w", r.ID, err)
	}
	return nil
}
