package queue_test

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite" // rows are damaged by SQL

	"charmd/internal/charm"
	"charmd/internal/queue"
	"charmd/internal/state"
	"charmd/internal/store"
)

// sql changes rows behind the service's back, as a person with another program
// can; every %d of the statement is the charm's row.
func (w *world) sql(c charm.Charm, statement string) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "charmd.db")+"?_pragma=foreign_keys(1)")
	if err != nil {
		w.t.Fatal(err)
	}
	result, err := db.Exec(fmt.Sprintf(statement+" -- %[1]d", c.Row))
	if err != nil {
		w.t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		w.t.Fatalf("%d rows changed, %v", n, err)
	}
	if err := db.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// reconcile looks once, and again to see that what was found is mended.
func (w *world) reconcile() []queue.Breach {
	w.t.Helper()
	found, err := w.queue.Reconcile(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if again, err := w.queue.Reconcile(w.t.Context()); err != nil || len(again) != 0 {
		w.t.Fatalf("after the repair it finds %+v, %v", again, err)
	}
	return found
}

// How a charm stands when its rows are damaged.
var (
	due     = func(w *world, _ charm.Charm) *queue.Claim { w.mustEnd(w.next(), charm.OK); return nil }
	running = func(w *world, _ charm.Charm) *queue.Claim { c := w.next(); return &c }
	retried = func(w *world, _ charm.Charm) *queue.Claim { w.mustEnd(w.next(), charm.Errored); return nil }
	failing = func(w *world, _ charm.Charm) *queue.Claim {
		for range 4 {
			w.mustEnd(w.next(), charm.Errored)
		}
		return nil
	}
	follows = func(w *world, c charm.Charm) *queue.Claim { // a retry that runs
		retried(w, c)
		return running(w, c)
	}
	disabled = func(w *world, c charm.Charm) *queue.Claim {
		w.update(func(tx store.Tx) error {
			return w.queue.Put(tx, c, state.Disable(charm.State{}, charm.ByPerson, "no", time.Now()))
		})
		return nil
	}
	abandoned = func(w *world, _ charm.Charm) *queue.Claim { w.queue.Abandon(w.next()); return nil }
)

// Whatever is done to a charm's rows, the reconciler says what is wrong, and the
// charm runs again in time or the run in flight ends as if nothing had been done.
func TestDamageToRowsIsFoundAndMended(t *testing.T) {
	t.Parallel()
	const rival = `insert into job select 'rival', charm, type, task, reason, priority, due - 1000, 1, 'pending', '', 0, 0, 0, '', 0, created, 0
		from job where charm = %[1]d`
	const far = "4102444800000" // the year 2100
	for name, damage := range map[string]struct {
		stands func(*world, charm.Charm) *queue.Claim
		sql    string
		kind   queue.BreachKind
		within time.Duration // until the charm's next run; 0: not by itself
	}{
		"next run zeroed":                {due, "update state set next_run = 0", queue.Unarmed, time.Second},
		"next run far away":              {due, "update state set next_run = " + far, queue.FarAway, time.Minute},
		"next run earlier":               {due, "update state set next_run = 1000", queue.OutOfStep, time.Second},
		"next run of a disabled one":     {disabled, "update state set next_run = 1000", queue.Stopped, 0},
		"next try zeroed":                {failing, "update state set next_try = 0", queue.Unarmed, time.Second},
		"next try far away":              {failing, "update state set next_try = " + far, queue.FarAway, charm.FirstProbe},
		"next run before all times":      {due, "update state set next_run = -9223372036854775808", queue.Unarmed, time.Second},
		"next run after all times":       {due, "update state set next_run = 9223372036854775807", queue.FarAway, time.Minute},
		"disabled by nobody known":       {due, "update state set disabled = 1, disabled_by = 'martians'", queue.Unarmed, time.Second},
		"job that is nothing known":      {retried, "update job set status = 'zombie'", queue.DeadClaim, time.Second},
		"job of a type nobody knows":     {retried, "update job set type = 'frobnicate'", queue.DeadClaim, time.Second},
		"claim of a type nobody knows":   {running, "update job set type = 'frobnicate'", queue.LostClaim, time.Minute},
		"state gone":                     {due, "delete from state where charm = %[1]d", queue.Unarmed, time.Second},
		"enabled":                        {failing, "update state set disabled = 0", queue.Stopped, time.Second},
		"disabled":                       {due, "update state set disabled = 1, disabled_by = 'person'", queue.Stopped, 0},
		"disabled while a retry waits":   {retried, "update state set disabled = 1, disabled_by = 'person'", queue.Stopped, 0},
		"charm gone":                     {due, "delete from charm where row = %[1]d", queue.NotInStore, 0},
		"pending job gone":               {retried, "delete from job", queue.Unarmed, time.Second},
		"pending job far away":           {retried, "update job set due = " + far, queue.FarAway, time.Second},
		"pending job flipped to running": {retried, "update job set status = 'running'", queue.DeadClaim, time.Second},
		"second job of one that waits":   {retried, rival, queue.Rivals, time.Second},
		"claim gone":                     {running, "delete from job", queue.LostClaim, time.Minute},
		"claim of a retry gone":          {follows, "delete from job", queue.LostClaim, time.Minute},
		"claim of another epoch":         {running, "update job set epoch = epoch - 1", queue.LostClaim, time.Minute},
		"claim of another run":           {running, "update job set run = 'elsewhere'", queue.LostClaim, time.Minute},
		"claim flipped to pending":       {running, "update job set status = 'pending', run = '', epoch = 0", queue.LostClaim, time.Minute},
		"second job of one that runs":    {running, rival, queue.Rivals, time.Minute},
		"lease of an abandoned claim":    {abandoned, "update job set lease_end = 1", queue.DeadClaim, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(w *world) {
				c := w.add(1)
				claim := damage.stands(w, c)
				w.sql(c, damage.sql)
				at := time.Now()
				found := w.reconcile()
				if len(found) != 1 || found[0].Kind != damage.kind || found[0].Charm.Row != c.Row || found[0].Detail == "" || found[0].Repair == "" {
					t.Fatalf("found %+v, want %s", found, damage.kind)
				}
				if claim != nil {
					w.mustEnd(*claim, charm.OK)
					at = time.Now()
				}
				if damage.within == 0 {
					w.idle(48 * time.Hour)
					return
				}
				next := w.next()
				if late := time.Since(at); late > damage.within+2*time.Second {
					t.Errorf("its next run came after %v, want %v", late, damage.within)
				}
				w.mustEnd(next, charm.OK)
				w.mustEnd(w.next(), charm.OK)
			})
		})
	}
}

// What the rows of a charm say does not make the service forget the run it carries out.
func TestARunInFlightIsKnownThroughDamage(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		claim := w.next()
		flight, landed := w.queue.Bind(w.t.Context(), claim)
		defer landed()
		w.sql(c, `insert into job select 'rival', charm, type, task, reason, priority, due - 1000, 1, 'pending', '', 0, 0, 0, '', 0, created, 0
			from job where charm = %[1]d`)
		if _, err := w.queue.RunNow(w.t.Context(), c.Row); err != nil {
			t.Fatal(err)
		}
		if found := w.reconcile(); len(found) != 1 || found[0].Kind != queue.Rivals {
			t.Fatalf("found %+v", found)
		}
		if _, err := w.queue.Cancel(w.t.Context(), claim.Job.ID); err != nil {
			t.Fatal(err)
		}
		<-flight.Done()
		w.mustEnd(claim, charm.Cancelled)
	})
}

// What was asked for while a run was in flight follows it, though its row was lost.
func TestAFollowUpOutlivesItsClaimsRow(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		claim := w.next()
		asked, err := w.queue.RunNow(w.t.Context(), c.Row)
		if err != nil {
			t.Fatal(err)
		}
		w.sql(c, "delete from job where charm = %[1]d")
		if found := w.reconcile(); len(found) != 1 || found[0].Kind != queue.LostClaim {
			t.Fatalf("found %+v", found)
		}
		w.mustEnd(claim, charm.OK)
		if next := w.next(); next.Job.ID != asked.Job {
			t.Errorf("after it came %+v", next.Job)
		}
	})
}

// A claim that nobody carries out, of a charm that was disabled meanwhile, goes: who
// waits for it is told, and what was asked for behind it runs.
func TestWhatWasAskedForOutlivesADeadClaim(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		w.mustEnd(w.next(), charm.OK)
		first, err := w.queue.RunNow(w.t.Context(), c.Row)
		if err != nil {
			t.Fatal(err)
		}
		told, stop := w.queue.Watch(first.Job)
		defer stop()
		w.sql(c, "update job set status = 'running' where charm = %[1]d")
		second, err := w.queue.RunNow(w.t.Context(), c.Row)
		if err != nil || second.Job == first.Job {
			t.Fatalf("asked again it is %+v, %v", second, err)
		}
		disabled(w, c)
		if found := w.reconcile(); len(found) != 1 || found[0].Kind != queue.DeadClaim {
			t.Fatalf("found %+v", found)
		}
		if run := <-told; run.Outcome != charm.Lost {
			t.Errorf("who waits for the claim is told %+v", run)
		}
		if next := w.next(); next.Job.ID != second.Job || !next.Job.Once {
			t.Errorf("after it came %+v", next.Job)
		}
	})
}

// The service dies with a run in flight of a charm that was disabled: the run is lost,
// and what was asked for behind it runs.
func TestWhatWasAskedForOutlivesTheService(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		w.mustEnd(w.next(), charm.OK)
		disabled(w, c)
		if _, err := w.queue.RunNow(w.t.Context(), c.Row); err != nil {
			t.Fatal(err)
		}
		claim := w.next()
		second, err := w.queue.RunNow(w.t.Context(), c.Row)
		if err != nil || second.Job == claim.Job.ID {
			t.Fatalf("asked again it is %+v, %v", second, err)
		}
		w.restart()
		next := w.next()
		if next.Job.ID != second.Job || !next.Job.Once || next.Job.Attempt != 1 {
			t.Errorf("after it came %+v", next.Job)
		}
		w.mustEnd(next, charm.OK)
		w.idle(time.Hour)
	})
}

// A second job may hide what is wrong with the first: one start mends both.
func TestAStartMendsAllThatIsWrongWithACharm(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		retried(w, c)
		w.sql(c, `insert into job select 'rival', charm, type, task, reason, priority, due + 1000, 1, 'pending', '', 0, 0, 0, '', 0, created, 0
			from job where charm = %[1]d`)
		w.sql(c, "update job set due = due + 259200000 where id <> 'rival'")
		w.sql(c, "update job set due = due + 259300000 where id = 'rival'")
		w.restart()
		if len(w.found.Repaired) != 1 || w.found.Repaired[0].Kind != queue.Rivals {
			t.Errorf("repaired %+v", w.found.Repaired)
		}
		if found := w.reconcile(); len(found) != 0 {
			t.Errorf("after it there is still %+v", found)
		}
	})
}

// A row that says it is merely due is no reason to look at it for ever.
func TestAClaimThatWasMadeToWaitRuns(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		claim := w.next()
		w.sql(c, "update job set status = 'pending', run = '', epoch = 0 where charm = %[1]d")
		w.restart()
		if next := w.next(); next.Job.ID != claim.Job.ID {
			t.Errorf("next came %+v", next.Job)
		}
	})
}

func TestACharmInsertedBehindTheQueueIsTakenUp(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		w.mustEnd(w.next(), charm.OK)
		w.sql(c, `insert into charm (space, id, name, recipe, integration, every, cron, zone, timeout, priority, allow_hosts, probe_never, registered, created, updated)
			select space, 'another', 'another', recipe, integration, every, cron, zone, timeout, priority, allow_hosts, probe_never, registered, created, updated
			from charm where row = %[1]d`)
		if found := w.reconcile(); len(found) != 1 || found[0].Kind != queue.Unarmed || found[0].Charm.Name != "another" {
			t.Fatalf("found %+v", found)
		}
		if next := w.next(); next.Charm.Name != "another" {
			t.Errorf("next came %s", next.Charm.Name)
		}
	})
}

// What stands well is left alone, whatever the charms are doing.
func TestNothingIsFoundWhereNothingIsWrong(t *testing.T) {
	inBubble(t, func(w *world) {
		for n, stands := range []func(*world, charm.Charm) *queue.Claim{due, failing, retried, running} {
			stands(w, w.add(n))
		}
		disabled(w, w.add(9))
		if found := w.reconcile(); len(found) != 0 {
			t.Errorf("found %+v", found)
		}
	})
}

// A clock that is set back must not keep a charm waiting until it has caught up,
// also when a host had asked it to wait.
func TestASetBackClockIsFollowed(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		claim := w.next()
		run := charm.Run{ID: claim.Job.Run, Charm: c.Row, Job: claim.Job.ID, Attempt: 1, StartedAt: time.Now(), EndedAt: time.Now(), Outcome: charm.NeedsReconnect}
		w.update(func(tx store.Tx) error {
			wish := queue.Wish{NotBefore: time.Now().Add(3 * time.Hour)}
			return w.queue.End(tx, claim, run, w.queue.Ending(claim, run, wish), charm.State{})
		})
		if s := w.standing(c); time.Until(s.State.NextRun) != 3*time.Hour {
			t.Fatalf("it waits %v, the host asked for 3 hours", time.Until(s.State.NextRun))
		}
		w.sql(c, "update state set next_run = next_run + 259200000, not_before = not_before + 259200000, last_executed = next_run + 259200000") // as when it ran three days ahead
		if found := w.reconcile(); len(found) != 1 || found[0].Kind != queue.FarAway {
			t.Fatalf("found %+v", found)
		}
		at := time.Now()
		w.next()
		if late := time.Since(at); late > time.Minute {
			t.Errorf("its next run came after %v", late)
		}
	})
}

// A wish that no host can have is not believed.
func TestAWishFromAClockThatWasSetBackIsNotBelieved(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		claim := w.next()
		run := charm.Run{ID: claim.Job.Run, Charm: c.Row, EndedAt: time.Now(), Outcome: charm.Remote}
		if end := w.queue.Ending(claim, run, queue.Wish{NotBefore: time.Now().Add(72 * time.Hour)}); end.Next.DueAt.After(time.Now().Add(charm.MaxBackoff)) {
			t.Errorf("its retry waits until %v", end.Next.DueAt)
		}
	})
}

// Whatever takes a charm's live job away leaves the charm with its one time.
func TestALiveJobCoversATimeThatIsWrong(t *testing.T) {
	for name, gone := range map[string]func(*world, charm.Charm){
		"cancelled": func(w *world, c charm.Charm) {
			if _, err := w.queue.Cancel(w.t.Context(), w.standing(c).Job.ID); err != nil {
				w.t.Fatal(err)
			}
		},
		"ended": func(w *world, _ charm.Charm) { w.mustEnd(w.next(), charm.Errored) },
		"put": func(w *world, c charm.Charm) {
			w.update(func(tx store.Tx) error {
				s, err := tx.State(c.Row)
				if err != nil {
					return err
				}
				s.LastError = ""
				return errors.Join(tx.DeleteJob(w.standing(c).Job.ID), w.queue.Put(tx, c, s))
			})
		},
	} {
		for _, wrong := range []string{"0", "4102444800000"} {
			t.Run(name+" "+wrong, func(t *testing.T) {
				inBubble(t, func(w *world) {
					c := w.add(1)
					retried(w, c)
					time.Sleep(2 * time.Second)
					w.sql(c, "update state set disabled = 1, disabled_by = 'failures', next_try = "+wrong)
					w.sql(c, "update job set once = 1")
					if found := w.reconcile(); len(found) != 0 {
						t.Fatalf("found %+v: a live job takes precedence", found)
					}
					gone(w, c)
					if s := w.standing(c); s.Job != nil || s.State.NextTry.IsZero() || time.Until(s.State.NextTry) > charm.FirstProbe || !s.State.NextRun.IsZero() {
						t.Errorf("it stands as %+v", s)
					}
				})
			})
		}
	}
}

// A shorter schedule counts from when it is set.
func TestAShorterScheduleIsFollowedAtOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1, func(c *charm.Charm) { c.Schedule.Every = 24 * time.Hour })
		w.mustEnd(w.next(), charm.OK)
		c.Schedule.Every = time.Minute
		w.update(func(tx store.Tx) error {
			s, err := tx.State(c.Row)
			if err != nil {
				return err
			}
			_, err = tx.PutCharm(c)
			return errors.Join(err, w.queue.Put(tx, c, s))
		})
		if found := w.reconcile(); len(found) != 0 {
			t.Errorf("found %+v", found)
		}
		at := time.Now()
		w.next()
		if wait := time.Since(at); wait > time.Minute {
			t.Errorf("its next run came after %v", wait)
		}
	})
}

// The record that ends a claim must be that of its own run.
func TestAnotherRunsRecordEndsNoClaim(t *testing.T) {
	inBubble(t, func(w *world) {
		w.add(1)
		w.add(2)
		a, b := w.next(), w.next()
		if _, err := w.end(a, charm.OK, func(r *charm.Run) { r.ID = b.Job.Run }); !errors.Is(err, queue.ErrNotOurs) {
			t.Errorf("the end of a claim with another's record gave %v", err)
		}
		w.mustEnd(a, charm.OK)
		w.mustEnd(b, charm.OK)
	})
}

// A charm that has a reason for not running runs once when a person asks for it.
func TestAWaitingCharmRunsWhenAsked(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		w.update(func(tx store.Tx) error {
			return w.queue.Put(tx, c, charm.State{Waiting: charm.Wait{For: charm.ForLists, Why: "it is in the trash of its space"}})
		})
		w.idle(time.Hour)
		asked, err := w.queue.RunNow(w.t.Context(), c.Row)
		if err != nil {
			t.Fatal(err)
		}
		if found := w.reconcile(); len(found) != 0 {
			t.Errorf("what was asked for is held against it: %+v", found)
		}
		claim := w.next()
		if claim.Job.ID != asked.Job || !claim.Job.Once {
			t.Errorf("claimed %+v", claim.Job)
		}
		w.mustEnd(claim, charm.Errored)
		w.idle(time.Hour)
	})
}

// The wall clock may be set while a run is in flight. Its space must not pay for
// hours that nothing took, nor be given them.
func TestFault21_AClockThatJumpsWhileRunningCostsNoTurns(t *testing.T) {
	inBubble(t, func(w *world) {
		other := "did:key:z6MkrCD1csqtgdj8sjrsu8jxcbeyP6m7LiK87NzhfWqio5yr"
		w.update(func(tx store.Tx) error {
			_, err := tx.PutSpace(charm.Space{DID: other, Since: -1, CreatedAt: time.Now()})
			return err
		})
		for n := range 3 { // so that each space always has something due
			w.add(2*n, func(c *charm.Charm) { c.Schedule.Every = time.Second })
			w.add(2*n+1, func(c *charm.Charm) { c.Space, c.Schedule.Every = other, time.Second })
		}
		for _, jump := range []time.Duration{72 * time.Hour, -72 * time.Hour} {
			if s := w.mustEnd(w.next(), charm.OK, func(r *charm.Run) { r.EndedAt = r.EndedAt.Add(jump) }); s.MinTime < 0 {
				t.Errorf("the run took %v", s.MinTime)
			}
			w.reconcile()
		}
		turns := map[string]int{}
		for range 20 {
			claim := w.next()
			turns[claim.Charm.Space]++
			time.Sleep(20 * time.Second)
			w.mustEnd(claim, charm.OK, func(r *charm.Run) { r.StartedAt = r.StartedAt.Add(-20 * time.Second) })
		}
		if turns[space] < 7 || turns[other] < 7 {
			t.Errorf("of 20 turns the spaces had %v", turns)
		}
	})
}
