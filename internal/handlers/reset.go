package handlers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// reset lets charms begin anew: no failures in a row are counted any more, those
// that failures had disabled are enabled, and claims that an earlier start of the
// service left behind are given back. What a person disabled, or what cannot run
// at all, stays as it is, and so do totals and history.
func (h *Maintenance) reset(ctx context.Context, epoch int64, did *strings.Builder) error {
	var charms []charm.Charm
	err := h.Store.View(ctx, func(r store.Reader) (err error) {
		charms, err = r.Charms("")
		return err
	})
	if err != nil {
		return err
	}
	changed := 0
	for _, c := range charms {
		var what []string
		err := h.Store.Update(ctx, func(tx store.Tx) (err error) {
			what, err = h.resetCharm(tx, c.Row, epoch)
			return err
		})
		if err != nil {
			return fmt.Errorf("resetting %s: %w", c.Ref(), err)
		}
		if len(what) > 0 {
			changed++
			fmt.Fprintf(did, "%s: %s\n", c.Ref(), strings.Join(what, ", "))
			h.Logger.Info("charm reset", "charm", c.Ref(), "what", strings.Join(what, ", "))
		}
	}
	fmt.Fprintf(did, "reset %d of %d charms\n", changed, len(charms))
	return nil
}

// resetCharm resets one charm and says what that changed.
func (h *Maintenance) resetCharm(tx store.Tx, row, epoch int64) (what []string, err error) {
	c, err := tx.Charm(row)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil // removed meanwhile
	}
	if err != nil {
		return nil, err
	}
	s, err := tx.State(row)
	if err != nil {
		return nil, err
	}
	given, err := h.giveBack(tx, row, epoch)
	if err != nil {
		return nil, err
	}
	if given > 0 {
		what = append(what, "gave back a claim of an earlier start")
	}
	switch {
	case s.Disabled && s.DisabledBy == charm.ByFailures:
		what = append(what, "enabled ("+s.DisabledReason+")")
		if s, err = h.Registry.Enable(tx, c, s); err != nil {
			return nil, err
		}
	case !s.Disabled && s.ConsecutiveFailures > 0:
		what = append(what, fmt.Sprintf("%d failures in a row forgotten", s.ConsecutiveFailures))
		s.ConsecutiveFailures = 0
	}
	if len(what) == 0 {
		return nil, nil
	}
	return what, h.Queue.Put(tx, c, s)
}

// giveBack records the runs that an earlier start claimed and never ended as
// lost, and has their jobs wait to run again at once.
func (h *Maintenance) giveBack(tx store.Tx, row, epoch int64) (given int, err error) {
	jobs, err := tx.JobsOf(row)
	if err != nil {
		return 0, err
	}
	now := h.Now()
	for _, job := range jobs {
		if job.Status != charm.Running || job.Epoch == epoch {
			continue
		}
		_, err := tx.Run(job.Run)
		if errors.Is(err, store.ErrNotFound) {
			err = tx.AddRun(charm.Run{
				ID: job.Run, Charm: job.Charm, Job: job.ID, Reason: job.Reason, Attempt: job.Attempt, DueAt: job.DueAt,
				StartedAt: job.ClaimedAt, EndedAt: now, Outcome: charm.Lost, Code: charm.CodeLost, Error: "an earlier start of the service left this running",
			})
		}
		if err != nil {
			return given, err
		}
		waiting := charm.Job{
			ID: job.ID, Charm: job.Charm, Type: job.Type, Reason: charm.Retry, Priority: job.Priority, DueAt: now, Attempt: job.Attempt,
			Status: charm.Pending, Once: job.Once, FollowUp: job.FollowUp, Pages: job.Pages, CreatedAt: job.CreatedAt,
		}
		if err := tx.PutJob(waiting); err != nil {
			return given, err
		}
		given++
	}
	return given, nil
}
