package queue_test

import (
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/state"
	"charmd/internal/store"
)

// TestFault13_ProbesDoubleToADay keeps a charm failing for a week: it is probed
// after five minutes, doubling to a day, also over restarts, and the first success
// puts it back on its schedule.
func TestFault13_ProbesDoubleToADay(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		for range 4 { // two jobs, each with a retry
			w.mustEnd(w.next(), charm.Errored)
		}
		if s := w.standing(c).State; !s.Disabled || s.DisabledBy != charm.ByFailures || time.Until(s.NextTry) != charm.FirstProbe {
			t.Fatalf("after two failed jobs it stands as %+v", s)
		}
		want := charm.FirstProbe
		for probe := range 12 {
			at := time.Now()
			if probe%3 == 2 {
				w.restart()
			}
			claim := w.next()
			if wait := time.Since(at).Round(time.Second); wait != want || claim.Job.Reason != charm.Probe {
				t.Fatalf("probe %d: a %s came after %v, want %v", probe, claim.Job.Reason, wait, want)
			}
			want = min(2*want, charm.MaxProbe)
			s := w.mustEnd(claim, charm.Errored)
			if !s.Disabled || time.Until(s.NextTry).Round(time.Second) != want || !s.NextRun.IsZero() || s.DisabledReason != "failed 2 times in a row, last: it went wrong" {
				t.Fatalf("after probe %d it stands as %+v", probe, s)
			}
		}
		if want != charm.MaxProbe {
			t.Fatalf("probes wait %v in the end", want)
		}
		if s := w.mustEnd(w.next(), charm.OK); s.Disabled || s.ConsecutiveFailures != 0 || !s.NextTry.IsZero() {
			t.Errorf("the first success leaves %+v", s)
		}
		at := time.Now()
		if claim := w.next(); claim.Job.Reason != charm.Due || time.Since(at) > time.Minute {
			t.Errorf("then a %s came after %v", claim.Job.Reason, time.Since(at))
		}
	})
}

// TestFault13_APersonIsNotOverruled disables as a person does, a charm that works
// and one that failures had disabled: neither is run by itself for a month.
func TestFault13_APersonIsNotOverruled(t *testing.T) {
	inBubble(t, func(w *world) {
		works := w.add(1)
		w.mustEnd(w.next(), charm.OK)
		fails := w.add(2, func(c *charm.Charm) { c.Schedule.Every = time.Hour })
		for range 4 {
			claim := w.next()
			for claim.Charm.Row == works.Row {
				w.mustEnd(claim, charm.OK)
				claim = w.next()
			}
			w.mustEnd(claim, charm.Errored)
		}
		w.update(func(tx store.Tx) error {
			for _, c := range []charm.Charm{works, fails} {
				s, err := tx.State(c.Row)
				if err != nil {
					return err
				}
				if err := w.queue.Put(tx, c, state.Disable(s, charm.ByPerson, "no", time.Now())); err != nil {
					return err
				}
			}
			return nil
		})
		w.idle(15 * 24 * time.Hour)
		w.restart()
		w.idle(15 * 24 * time.Hour)
		for _, c := range []charm.Charm{works, fails} {
			if s := w.standing(c).State; s.DisabledBy != charm.ByPerson || !s.NextTry.IsZero() || !s.NextRun.IsZero() {
				t.Errorf("%s stands as %+v", c.Name, s)
			}
		}
	})
}
