package sqlite

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

var (
	minuteColumns = columns{"begin", "runs", "failed", "lateness"}
	putMinute     = minuteColumns.upsert("minute", "begin")
	selectMinute  = "select " + minuteColumns.of("minute") + " from minute where begin = ?"
	selectMinutes = "select " + minuteColumns.of("minute") + " from minute where begin >= ? order by begin"
)

func scanMinute(scan func(...any) error) (m store.Minute, err error) {
	err = scan(timeOf{&m.Begin}, &m.Runs, &m.Failed, histogramOf{&m.Lateness})
	return m, err
}

func (v *view) Minutes(since time.Time) ([]store.Minute, error) {
	return list(v.session, selectMinutes, []any{millis(since)}, scanMinute)
}

// minutes are figures by the begin of their minute, ms.
type minutes map[int64]store.Minute

func (all minutes) add(r charm.Run, o charm.Outcome) {
	begin := r.EndedAt.Truncate(time.Minute)
	m := all[millis(begin)]
	m.Begin = begin
	m.Runs++
	if o != charm.OK {
		m.Failed++
	}
	if !r.DueAt.IsZero() {
		m.Lateness = m.Lateness.Add(r.StartedAt.Sub(r.DueAt))
	}
	all[millis(begin)] = m
}

// addMinutes adds to the figures that are stored.
func (t *tx) addMinutes(all minutes) error {
	for begin, add := range all {
		m, err := one(t.session, selectMinute, []any{begin}, scanMinute)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		lateness, err := json.Marshal(m.Lateness.Merge(add.Lateness))
		if err != nil {
			return err
		}
		if _, err := t.exec(putMinute, begin, m.Runs+add.Runs, m.Failed+add.Failed, string(lateness)); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) PruneMinutes(before time.Time) (int, error) {
	n, err := t.exec("delete from minute where begin < ?", millis(before))
	if err != nil {
		return 0, fmt.Errorf("prune minutes: %w", err)
	}
	return int(n), nil
}
