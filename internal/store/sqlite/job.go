package sqlite

import (
	"fmt"

	"charmd/internal/charm"
	"charmd/internal/store"
)

var (
	jobColumns = columns{"id", "charm", "type", "task", "reason", "priority", "due", "attempt", "status", "run",
		"epoch", "lease_end", "once", "follow_up", "pages", "created", "claimed"}
	putJob    = jobColumns.upsert("job", "id")
	selectJob = "select " + jobColumns.of("job") + " from job "
)

// charmOf is the stored form of a job's charm: null for maintenance, which has
// none that the schema could check.
func charmOf(row int64) any {
	if row == 0 {
		return nil
	}
	return row
}

// charmIn scans it.
type charmIn struct{ row *int64 }

func (d charmIn) read(c column) (err error) {
	*d.row = 0
	if !c.null() {
		*d.row, err = c.integer()
	}
	return err
}

func scanJob(scan func(...any) error) (j charm.Job, err error) {
	err = scan(&j.ID, charmIn{&j.Charm}, &j.Type, &j.Task, &j.Reason, &j.Priority, timeOf{&j.DueAt}, &j.Attempt, &j.Status, &j.Run,
		&j.Epoch, timeOf{&j.LeaseEnd}, &j.Once, &j.FollowUp, &j.Pages, timeOf{&j.CreatedAt}, timeOf{&j.ClaimedAt})
	return j, err
}

func (v *view) Job(id string) (charm.Job, error) {
	return one(v.session, selectJob+"where id = ?", []any{id}, scanJob)
}

func (v *view) JobsOf(charmRow int64) ([]charm.Job, error) {
	return list(v.session, selectJob+"where charm is ? order by due, id", []any{charmOf(charmRow)}, scanJob)
}

func (v *view) Jobs(limit int) ([]charm.Job, error) {
	if limit <= 0 {
		limit = -1 // SQLite's word for all
	}
	return list(v.session, selectJob+"order by due, id limit ?", []any{limit}, scanJob)
}

func (t *tx) PutJob(j charm.Job) error {
	_, err := t.exec(putJob, j.ID, charmOf(j.Charm), string(j.Type), string(j.Task), string(j.Reason), j.Priority, millis(j.DueAt),
		j.Attempt, string(j.Status), j.Run, j.Epoch, millis(j.LeaseEnd), j.Once, j.FollowUp, j.Pages,
		millis(j.CreatedAt), millis(j.ClaimedAt))
	if isMissingParent(err) {
		err = fmt.Errorf("charm %d: %w", j.Charm, store.ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("store job %s: %w", j.ID, err)
	}
	t.known.putJob(j)
	return nil
}

func (t *tx) DeleteJob(id string) error {
	if err := t.must("delete from job where id = ?", id); err != nil {
		return fmt.Errorf("delete job %s: %w", id, err)
	}
	t.known.dropJob(id)
	return nil
}
