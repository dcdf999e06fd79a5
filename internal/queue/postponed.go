package queue

import (
	"context"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// Unpostpone lets every charm that waits because a host asked for it run now, and
// says how many there are.
func (q *Queue) Unpostpone(ctx context.Context) (n int, err error) {
	now := q.opts.Now()
	err = q.store.Update(ctx, func(tx store.Tx) error {
		// Of the store and not of memory: a run whose end is written together with this
		// may have been told by the same host.
		states, err := tx.States()
		if err != nil {
			return err
		}
		for row, s := range states {
			if s.NotBefore.After(now) {
				n++
				if err := q.unpostpone(tx, row, now); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return n, err
}

func (q *Queue) unpostpone(tx store.Tx, row int64, now time.Time) error {
	c, err := tx.Charm(row)
	if err != nil {
		return err
	}
	s, jobs, err := stands(tx, row)
	if err != nil {
		return err
	}
	s.NotBefore = time.Time{}
	switch {
	case len(jobs) == 1 && jobs[0].Status == charm.Pending:
		jobs[0].DueAt = now
		if err := tx.PutJob(jobs[0]); err != nil {
			return err
		}
	case len(jobs) == 0 && runs(c, s):
		s.NextRun = now
	}
	if err := tx.PutState(row, s); err != nil {
		return err
	}
	return q.learn(tx, c)
}
