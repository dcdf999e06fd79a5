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
	statColumns = columns{"hour", "integration", "outcome", "runs", "busy", "times", "lateness"}
	statValues  = statColumns[3:]
	putStat     = statColumns.insert("stat") + " on conflict (hour, integration, outcome) do update set " +
		"runs = excluded.runs, busy = excluded.busy, times = excluded.times, lateness = excluded.lateness"
	selectStat  = "select " + statValues.of("stat") + " from stat where hour = ? and integration = ? and outcome = ?"
	selectStats = "select " + statColumns.of("stat") + " from stat where hour >= ? order by hour, integration, outcome"
)

// foldedRuns names, among the sweeps, the last record that is in the figures.
const foldedRuns = "run folded"

const unfoldedRuns = "select r.row, r.charm, coalesce(c.integration, ''), r.outcome, r.due, r.started, r.ended " +
	"from run r left join charm c on c.row = r.charm where r.row > ? order by r.row limit ?"

// histogramOf scans a stored histogram. A damaged one is empty: figures are no
// reason to stop counting, and retention with it.
type histogramOf struct{ h *charm.Histogram }

func (d histogramOf) read(c column) error {
	if (jsonOf{d.h}).read(c) != nil {
		*d.h = charm.Histogram{}
	}
	return nil
}

// scanStat are the destinations in the order of statValues.
func scanStat(s *store.Stat) []any {
	return []any{&s.Runs, durationOf{&s.Busy}, histogramOf{&s.Times}, histogramOf{&s.Lateness}}
}

func (v *view) Stats(since time.Time) ([]store.Stat, error) {
	return list(v.session, selectStats, []any{millis(since)}, func(scan func(...any) error) (s store.Stat, err error) {
		err = scan(append([]any{timeOf{&s.Hour}, &s.Integration, &s.Outcome}, scanStat(&s)...)...)
		return s, err
	})
}

// statKey is the row of stat that a record belongs to.
type statKey struct {
	hour        int64
	integration string
	outcome     charm.Outcome
}

func (t *tx) FoldRuns(limit int) (int, error) {
	from, err := t.folded()
	if err != nil {
		return 0, fmt.Errorf("fold runs: %w", err)
	}
	sums, perMinute, looked := make(map[statKey]*store.Stat), make(minutes), 0
	err = t.rows(unfoldedRuns, []any{from, limit}, func(scan func(...any) error) (bool, error) {
		var row int64
		var r charm.Run
		var k statKey
		if err := scan(&row, &r.Charm, &k.integration, &k.outcome, timeOf{&r.DueAt}, timeOf{&r.StartedAt}, timeOf{&r.EndedAt}); err != nil {
			return false, err
		}
		from, looked = row, looked+1
		if r.Charm != 0 {
			k.hour = millis(r.EndedAt.Truncate(time.Hour))
			addRun(sums, k, r)
			perMinute.add(r, k.outcome)
		}
		return true, nil
	})
	for k, sum := range sums {
		if err == nil {
			err = t.addStat(k, *sum)
		}
	}
	if err == nil {
		err = t.addMinutes(perMinute)
	}
	if err == nil && looked > 0 {
		err = t.remember(foldedRuns, 0, from)
	}
	if err != nil {
		return 0, fmt.Errorf("fold runs: %w", err)
	}
	return looked, nil
}

func addRun(sums map[statKey]*store.Stat, k statKey, r charm.Run) {
	s := sums[k]
	if s == nil {
		s = new(store.Stat)
		sums[k] = s
	}
	s.Runs++
	s.Busy += r.Elapsed()
	s.Times = s.Times.Add(r.Elapsed())
	if !r.DueAt.IsZero() {
		s.Lateness = s.Lateness.Add(r.StartedAt.Sub(r.DueAt))
	}
}

// folded is the row of the last record that is in the figures.
func (t *tx) folded() (row int64, err error) {
	err = t.row("select row from sweep where history = ?", []any{foldedRuns}, &row)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	return row, err
}

// addStat adds to the figures that are stored.
func (t *tx) addStat(k statKey, add store.Stat) error {
	var s store.Stat
	err := t.row(selectStat, []any{k.hour, k.integration, string(k.outcome)}, scanStat(&s)...)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	times, err := json.Marshal(s.Times.Merge(add.Times))
	if err != nil {
		return err
	}
	lateness, err := json.Marshal(s.Lateness.Merge(add.Lateness))
	if err != nil {
		return err
	}
	_, err = t.exec(putStat, k.hour, k.integration, string(k.outcome), s.Runs+add.Runs, (s.Busy + add.Busy).Microseconds(), string(times), string(lateness))
	return err
}

func (t *tx) PruneStats(before time.Time) (int, error) {
	n, err := t.exec("delete from stat where hour < ?", millis(before))
	if err != nil {
		return 0, fmt.Errorf("prune stats: %w", err)
	}
	return int(n), nil
}
