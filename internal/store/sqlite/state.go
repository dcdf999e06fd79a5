package sqlite

import (
	"errors"
	"fmt"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

var (
	stateColumns = columns{"charm", "executions", "successes", "failures", "consecutive", "last_run", "last_outcome",
		"last_executed", "last_error", "last_error_code", "last_error_at", "min_time", "max_time", "sum_time",
		"last_time", "next_run", "disabled", "disabled_by", "disabled_reason", "disabled_at", "next_try",
		"probe_wait", "unclean_stops", "waits_for", "waiting", "not_before"}
	putState    = stateColumns.upsert("state", "charm")
	selectState = "select " + stateColumns.of("state") + " from state "
)

func scanState(row *int64, s *charm.State) []any {
	return []any{row, &s.Executions, &s.Successes, &s.Failures, &s.ConsecutiveFailures, &s.LastRun, &s.LastOutcome,
		timeOf{&s.LastExecuted}, &s.LastError, &s.LastErrorCode, timeOf{&s.LastErrorAt},
		durationOf{&s.MinTime}, durationOf{&s.MaxTime}, durationOf{&s.SumTime}, durationOf{&s.LastTime},
		timeOf{&s.NextRun}, &s.Disabled, &s.DisabledBy, &s.DisabledReason, timeOf{&s.DisabledAt}, timeOf{&s.NextTry},
		durationOf{&s.ProbeWait}, &s.UncleanStops, &s.Waiting.For, &s.Waiting.Why, timeOf{&s.NotBefore}}
}

func (v *view) State(row int64) (s charm.State, err error) {
	var of int64
	err = v.row(selectState+"where charm = ?", []any{row}, scanState(&of, &s)...)
	if errors.Is(err, store.ErrNotFound) {
		return charm.State{}, nil
	}
	return s, err
}

func (v *view) States() (map[int64]charm.State, error) {
	all := make(map[int64]charm.State)
	err := v.rows(selectState, nil, func(scan func(...any) error) (bool, error) {
		var row int64
		var s charm.State
		err := scan(scanState(&row, &s)...)
		all[row] = s
		return true, err
	})
	return all, err
}

func (t *tx) PutState(row int64, s charm.State) error {
	us := time.Duration.Microseconds
	_, err := t.exec(putState, row, s.Executions, s.Successes, s.Failures, s.ConsecutiveFailures, s.LastRun,
		string(s.LastOutcome), millis(s.LastExecuted), s.LastError, string(s.LastErrorCode), millis(s.LastErrorAt),
		us(s.MinTime), us(s.MaxTime), us(s.SumTime), us(s.LastTime), millis(s.NextRun), s.Disabled,
		string(s.DisabledBy), s.DisabledReason, millis(s.DisabledAt), millis(s.NextTry), us(s.ProbeWait),
		s.UncleanStops, string(s.Waiting.For), s.Waiting.Why, millis(s.NotBefore))
	if isMissingParent(err) {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("store the state of charm %d: %w", row, err)
	}
	t.known.putState(row, s)
	return nil
}
