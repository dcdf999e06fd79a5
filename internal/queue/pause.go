package queue

import (
	"context"
	"errors"
	"strconv"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// pauseKey is what a pause stops.
type pauseKey struct {
	scope   charm.PauseScope
	subject string
}

// Pause keeps what p names from running by itself. Runs that have begun end, and
// those that people ask for run. It is store.ErrNotFound when p names a charm that is
// not there: nobody could end that pause.
func (q *Queue) Pause(ctx context.Context, p charm.Pause) error {
	return q.store.Update(ctx, func(tx store.Tx) error {
		if p.Scope == charm.PauseCharm {
			row, err := strconv.ParseInt(p.Subject, 10, 64)
			if err != nil {
				return err
			}
			if _, err := tx.Charm(row); err != nil {
				return err
			}
		}
		tx.AfterCommit(func() { q.repause(func() { q.pauses[pauseKey{p.Scope, p.Subject}] = p }) })
		return tx.PutPause(p)
	})
}

// Resume ends a pause; store.ErrNotFound when there is none. What has become due
// meanwhile runs once.
func (q *Queue) Resume(ctx context.Context, scope charm.PauseScope, subject string) error {
	return q.store.Update(ctx, func(tx store.Tx) error { return q.resume(tx, pauseKey{scope, subject}) })
}

func (q *Queue) resume(tx store.Tx, key pauseKey) error {
	tx.AfterCommit(func() { q.repause(func() { delete(q.pauses, key) }) })
	return tx.DeletePause(key.scope, key.subject)
}

// repause changes what is paused and puts every charm where it then belongs.
func (q *Queue) repause(change func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	change()
	for _, e := range q.charms {
		q.arm(e)
	}
	q.wakeAll()
}

// Pauses lists what is paused.
func (q *Queue) Pauses() []charm.Pause {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := make([]charm.Pause, 0, len(q.pauses))
	for _, p := range q.pauses {
		list = append(list, p)
	}
	return list
}

// pausedBy is the widest pause that stops c, nil when none does. The caller holds mu.
func (q *Queue) pausedBy(c charm.Charm) *charm.Pause {
	if len(q.pauses) == 0 {
		return nil
	}
	for _, key := range []pauseKey{
		{charm.PauseAll, ""}, {charm.PauseSpace, c.Space}, {charm.PauseIntegration, c.Integration}, charmPause(c.Row),
	} {
		if p, ok := q.pauses[key]; ok {
			return &p
		}
	}
	return nil
}

func charmPause(row int64) pauseKey { return pauseKey{charm.PauseCharm, strconv.FormatInt(row, 10)} }

// forgetPause ends the pause of a charm that is removed in tx.
func (q *Queue) forgetPause(tx store.Tx, row int64) error {
	if err := q.resume(tx, charmPause(row)); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return nil
}
