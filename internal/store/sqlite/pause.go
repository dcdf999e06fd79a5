package sqlite

import (
	"fmt"

	"charmd/internal/charm"
)

var (
	pauseColumns = columns{"scope", "subject", "note", "at"}
	putPause     = pauseColumns.upsert("pause", "scope", "subject")
	selectPauses = "select " + pauseColumns.of("pause") + " from pause order by scope, subject"
)

func (v *view) Pauses() ([]charm.Pause, error) {
	return list(v.session, selectPauses, nil, func(scan func(...any) error) (p charm.Pause, err error) {
		err = scan(&p.Scope, &p.Subject, &p.Note, timeOf{&p.At})
		return p, err
	})
}

func (t *tx) PutPause(p charm.Pause) error {
	if _, err := t.exec(putPause, string(p.Scope), p.Subject, p.Note, millis(p.At)); err != nil {
		return fmt.Errorf("store the pause of %s %s: %w", p.Scope, p.Subject, err)
	}
	return nil
}

func (t *tx) DeletePause(scope charm.PauseScope, subject string) error {
	if err := t.must("delete from pause where scope = ? and subject = ?", string(scope), subject); err != nil {
		return fmt.Errorf("end the pause of %s %s: %w", scope, subject, err)
	}
	return nil
}
