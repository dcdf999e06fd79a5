package simulation

import (
	"database/sql"
	"fmt"
	"time"

	_ "modernc.org/sqlite" // rows are damaged by SQL
)

// damage changes rows behind the service's back, as a person with the sqlite3
// program could. For a few steps the store may then stand against the invariants;
// what runs did must be right all the same.
func (w *world) damage() {
	row := w.row()
	if row == 0 {
		return
	}
	far := w.wall().Add(1000 * time.Hour).UnixMilli()
	kind := pick(w, []struct{ name, statement string }{
		{"next run zeroed", "update state set next_run = 0, next_try = 0 where charm = %d"},
		{"next run far away", "update state set next_run = %[2]d where charm = %[1]d and disabled = 0"},
		{"next try far away", "update state set next_try = %[2]d where charm = %[1]d and disabled = 1"},
		{"job gone", "delete from job where charm = %d"},
		{"job far away", "update job set due = %[2]d where charm = %[1]d"},
		{"claim to another run", "update job set run = 'elsewhere' || lower(hex(randomblob(8))) where charm = %d and status = 'running'"},
		{"claim of another start", "update job set epoch = epoch + 7 where charm = %d and status = 'running'"},
		{"lease in the past", "update job set lease_end = 1 where charm = %d"},
		{"status flipped", "update job set status = case status when 'running' then 'pending' else 'running' end where charm = %d"},
		{"second job", `insert into job select 'rival' || lower(hex(randomblob(8))), charm, type, task, reason, priority, due + %[3]d, 1, 'pending',
			'', 0, 0, once, '', 0, created, 0 from job where charm = %[1]d`},
		{"enabled or disabled", "update state set disabled = 1 - disabled, disabled_by = 'failures' where charm = %d"},
		{"state gone", "delete from state where charm = %d"},
		{"charm gone", "delete from charm where row = %d"},
	})
	statement := fmt.Sprintf(kind.statement+" /* %[1]d %[2]d %[3]d */", row, far, pick(w, []int{60_000, -60_000}))
	n := w.sql(statement)
	w.say("damage: %s of %s, %d rows", kind.name, w.names[row], n)
	if n == 0 {
		return
	}
	w.hurt, w.redone[row] = true, true
	w.waiting = nil // who waits for a job that was deleted so is not told
	if w.chance(50) {
		w.reconcile()
	}
}

func (w *world) sql(statement string) int64 {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+w.path()+"?_pragma=foreign_keys(1)")
	w.must(err)
	result, err := db.Exec(statement)
	w.must(err)
	n, err := result.RowsAffected()
	w.must(err)
	w.must(db.Close())
	return n
}
