package handlers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/explain"
	"charmd/internal/store"
)

// reset lets charms begin anew: what stands against the invariants is mended (a
// claim that an earlier start left behind, say), no failures in a row are counted
// any more, and those that failures had disabled are enabled. What a person disabled, or what cannot run
// at all, stays as it is, and so do totals and history.
func (h *Maintenance) reset(ctx context.Context, did *strings.Builder) error {
	breaches, err := h.Queue.Reconcile(ctx)
	if h.Breaches != nil {
		h.Breaches(breaches)
	}
	for _, b := range breaches {
		fmt.Fprintf(did, "%s: %s; %s\n", b.Charm.Ref(), b.Detail, b.Repair)
	}
	if err != nil {
		return err
	}
	var charms []charm.Charm
	err = h.Store.View(ctx, func(r store.Reader) (err error) {
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
			what, err = h.resetCharm(tx, c.Row)
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
	fmt.Fprintf(did, "reset %d of %s\n", changed, explain.Count(len(charms), "charm"))
	return nil
}

// resetCharm resets one charm and says what that changed.
func (h *Maintenance) resetCharm(tx store.Tx, row int64) (what []string, err error) {
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
	switch {
	case s.Disabled && s.DisabledBy == charm.ByFailures:
		what = append(what, "enabled ("+s.DisabledReason+")")
		if s, err = h.Registry.Enable(tx, c, s); err != nil {
			return nil, err
		}
	case !s.Disabled && s.ConsecutiveFailures > 0:
		what = append(what, explain.Count(s.ConsecutiveFailures, "failure")+" in a row forgotten")
		s.ConsecutiveFailures = 0
	}
	if len(what) == 0 {
		return nil, nil
	}
	return what, h.Queue.Put(tx, c, s)
}
