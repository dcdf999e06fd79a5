package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"charmd/internal/charm"
	"charmd/internal/queue"
	"charmd/internal/state"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

const space = "did:key:z6Mkj5HyygpAVo2baUcx7kwTRoUbbBmk5egUQPHnV8arQ3SY"

// world is a queue on a real database, in a bubble where time is virtual.
type world struct {
	t      *testing.T
	dir    string
	db     *sqlite.DB
	states *state.Manager
	queue  *queue.Queue
	found  queue.Recovered
}

func inBubble(t *testing.T, fn func(w *world)) {
	t.Helper()
	dir := filepath.Dir(sqlitetest.Path(t))
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, dir: dir}
		w.open()
		defer w.close()
		fn(w)
	})
}

func (w *world) open() {
	w.t.Helper()
	var err error
	w.db, err = sqlite.Open(context.Background(), filepath.Join(w.dir, "charmd.db"), sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.states = state.NewManager(2)
	w.queue, w.found, err = queue.Open(context.Background(), w.db, w.states, queue.Options{MaxRetries: 1, DefaultTimeout: 30 * time.Second, Now: time.Now})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) close() {
	if err := w.db.Close(); err != nil {
		w.t.Error(err)
	}
}

// restart leaves the claims as a killed service would, and starts again.
func (w *world) restart() {
	w.t.Helper()
	w.close()
	w.open()
}

func (w *world) update(fn func(store.Tx) error) {
	w.t.Helper()
	if err := w.db.Update(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// add registers a charm that runs each minute.
func (w *world) add(n int, change ...func(*charm.Charm)) charm.Charm {
	w.t.Helper()
	c := charm.Charm{
		Space: space, ID: fmt.Sprintf("baedrei-charm-%d", n), Name: fmt.Sprintf("c%d", n), Registered: true,
		Schedule: charm.Schedule{Every: time.Minute}, CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
	for _, fn := range change {
		fn(&c)
	}
	w.update(func(tx store.Tx) (err error) {
		if _, err = tx.Space(space); errors.Is(err, store.ErrNotFound) {
			_, err = tx.PutSpace(charm.Space{DID: space, Since: -1, CreatedAt: time.Now()})
		}
		if err != nil {
			return err
		}
		if c.Row, err = tx.PutCharm(c); err != nil {
			return err
		}
		return w.queue.Put(tx, c, charm.State{})
	})
	return c
}

func (w *world) next() queue.Claim {
	w.t.Helper()
	c, err := w.queue.Next(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return *c
}

// idle asserts that nothing is handed out for a while.
func (w *world) idle(d time.Duration) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), d)
	defer cancel()
	if c, err := w.queue.Next(ctx); err == nil {
		w.t.Fatalf("%s was handed out as %s", c.Charm.Name, c.Job.Reason)
	}
}

// end ends the claim's run with an outcome as the handler would.
func (w *world) end(c queue.Claim, o charm.Outcome, change ...func(*charm.Run)) (charm.State, error) {
	w.t.Helper()
	run := charm.Run{ID: c.Job.Run, Charm: c.Job.Charm, Job: c.Job.ID, Reason: c.Job.Reason, Attempt: c.Job.Attempt, StartedAt: time.Now(), EndedAt: time.Now(), Outcome: o}
	if o != charm.OK {
		run.Error = "it went wrong"
	}
	for _, fn := range change {
		fn(&run)
	}
	var after charm.State
	err := w.db.Update(context.Background(), func(tx store.Tx) error {
		s, err := tx.State(c.Job.Charm)
		if err != nil {
			return err
		}
		end := w.queue.Ending(c, run, queue.Wish{Again: run.Log == "again"})
		after, _ = w.states.After(s, run, end.Final)
		return w.queue.End(tx, c, run, end, after)
	})
	return after, err
}

func (w *world) mustEnd(c queue.Claim, o charm.Outcome, change ...func(*charm.Run)) charm.State {
	w.t.Helper()
	s, err := w.end(c, o, change...)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) standing(c charm.Charm) queue.Standing {
	w.t.Helper()
	s, ok := w.queue.Standing(c.Row)
	if !ok {
		w.t.Fatalf("the queue does not know %s", c.Name)
	}
	return s
}

func (w *world) rows() (jobs []charm.Job) {
	w.t.Helper()
	err := w.db.View(context.Background(), func(r store.Reader) (err error) {
		jobs, err = r.Jobs(0)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return jobs
}

func TestFirstRunAtOnceThenOnTheGrid(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		started := time.Now()
		claim := w.next()
		if claim.Charm.ID != c.ID || claim.Job.Reason != charm.Due || time.Since(started) > time.Second {
			t.Fatalf("claimed %+v after %v", claim.Job, time.Since(started))
		}
		if rows := w.rows(); len(rows) != 1 || rows[0].Status != charm.Running || rows[0].Run != claim.Job.Run {
			t.Fatalf("the claim is not on disk: %+v", rows)
		}
		time.Sleep(150 * time.Second) // a run of two and a half minutes
		w.mustEnd(claim, charm.OK)
		if len(w.rows()) != 0 {
			t.Error("the job's row is still there")
		}
		ended := time.Now()
		second := w.next()
		if wait := time.Since(ended); wait <= 0 || wait > time.Minute {
			t.Errorf("the run after a long one waited %v: missed runs are one run, on the grid", wait)
		}
		w.mustEnd(second, charm.OK)
		at := time.Now()
		w.mustEnd(w.next(), charm.OK)
		if wait := time.Since(at); wait != time.Minute {
			t.Errorf("the next run came after %v, want a minute", wait)
		}
	})
}

func TestRetriesAreOneFailureAndThenDisable(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		for job := 1; job <= 2; job++ {
			first := w.next()
			w.mustEnd(first, charm.Errored)
			failed := time.Now()
			if s := w.standing(c); s.Job == nil || s.Job.Status != charm.Pending || s.Job.Reason != charm.Retry || !s.State.NextRun.IsZero() {
				t.Fatalf("after a failure the charm stands as %+v", s)
			}
			retry := w.next()
			if retry.Job.ID != first.Job.ID || retry.Job.Attempt != 2 || retry.Job.Run == first.Job.Run {
				t.Fatalf("the retry is %+v", retry.Job)
			}
			if wait := time.Since(failed); wait < time.Second || wait > 1250*time.Millisecond {
				t.Errorf("the retry came after %v, want a second and some jitter", wait)
			}
			s := w.mustEnd(retry, charm.Errored)
			if s.ConsecutiveFailures != job || s.Failures != int64(2*job) {
				t.Errorf("after %d jobs: %d in a row, %d failures", job, s.ConsecutiveFailures, s.Failures)
			}
		}
		s := w.standing(c)
		if !s.State.Disabled || s.State.DisabledBy != charm.ByFailures || s.State.NextTry.IsZero() || s.Job != nil || !s.State.NextRun.IsZero() {
			t.Fatalf("after two failed jobs the charm stands as %+v", s)
		}
		disabled := time.Now()
		probe := w.next()
		if wait := time.Since(disabled); wait != charm.FirstProbe || probe.Job.Reason != charm.Probe {
			t.Errorf("a %s came after %v", probe.Job.Reason, wait)
		}
		w.mustEnd(probe, charm.Errored)
		failed := time.Now()
		probe = w.next()
		if wait := time.Since(failed); wait != 2*charm.FirstProbe {
			t.Errorf("the second probe came after %v", wait)
		}
		if s := w.mustEnd(probe, charm.OK); s.Disabled || s.ConsecutiveFailures != 0 {
			t.Errorf("a probe that worked leaves %+v", s)
		}
		if s := w.standing(c); s.State.NextRun.IsZero() {
			t.Error("the charm that works again has no next run")
		}
	})
}

func TestProbeNever(t *testing.T) {
	inBubble(t, func(w *world) {
		w.add(1, func(c *charm.Charm) { c.ProbeNever = true })
		for range 4 {
			w.mustEnd(w.next(), charm.Errored)
		}
		w.idle(48 * time.Hour)
	})
}

func TestAgainRunsThePageAtOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		again := func(r *charm.Run) { r.Log = "again" }
		claim := w.next()
		jobs := map[string]bool{claim.Job.ID: true}
		for page := 1; page <= 3; page++ {
			w.mustEnd(claim, charm.OK, again)
			at := time.Now()
			claim = w.next()
			if claim.Job.Reason != charm.Again || claim.Job.Pages != page || jobs[claim.Job.ID] || time.Since(at) != 0 {
				t.Fatalf("page %d is %+v", page, claim.Job)
			}
			jobs[claim.Job.ID] = true
		}
		w.mustEnd(claim, charm.OK)
		if s := w.standing(c); s.Job != nil || s.State.NextRun.IsZero() {
			t.Errorf("after the last page: %+v", s)
		}
	})
}

func TestRunNow(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		w.mustEnd(w.next(), charm.Errored)
		waiting, err := w.queue.RunNow(w.t.Context(), c.Row)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now()
		claim := w.next()
		if claim.Job.ID != waiting.Job || claim.Job.Attempt != waiting.Number || time.Since(at) != 0 {
			t.Errorf("the waiting retry was not pulled forward: %+v", claim.Job)
		}
		one, err := w.queue.RunNow(w.t.Context(), c.Row)
		if err != nil {
			t.Fatal(err)
		}
		two, err := w.queue.RunNow(w.t.Context(), c.Row)
		if err != nil || one != two {
			t.Errorf("asked twice while running: %v and %v, %v; want one follow-up", one, two, err)
		}
		seen, stop := w.queue.Watch(one.Job)
		defer stop()
		w.mustEnd(claim, charm.OK)
		follow := w.next()
		if follow.Job.ID != one.Job || follow.Job.Reason != charm.RunNow {
			t.Errorf("the follow-up is %+v, want job %s", follow.Job, one.Job)
		}
		w.mustEnd(follow, charm.OK)
		if run := <-seen; run.Job != one.Job || run.Outcome != charm.OK {
			t.Errorf("who waits was told %+v", run)
		}
		fresh, err := w.queue.RunNow(w.t.Context(), c.Row)
		if err != nil {
			t.Fatal(err)
		}
		if claim = w.next(); claim.Job.ID != fresh.Job {
			t.Errorf("a run asked for while merely due is job %s, want %s", claim.Job.ID, fresh.Job)
		}
	})
}

func TestRunNowOfACharmThatDoesNotRunIsOneAttempt(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1, func(c *charm.Charm) { c.Registered = false })
		w.idle(time.Hour)
		if _, err := w.queue.RunNow(w.t.Context(), c.Row); err != nil {
			t.Fatal(err)
		}
		w.mustEnd(w.next(), charm.Errored)
		w.idle(time.Hour)
		if s := w.standing(c); s.Job != nil || !s.State.NextRun.IsZero() {
			t.Errorf("it stands as %+v", s)
		}
	})
}

func TestDisabledByAPersonNeverRuns(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		w.mustEnd(w.next(), charm.Errored) // a retry is waiting
		w.update(func(tx store.Tx) error {
			s, err := tx.State(c.Row)
			if err != nil {
				return err
			}
			return w.queue.Put(tx, c, state.Disable(s, charm.ByPerson, "no", time.Now()))
		})
		w.idle(72 * time.Hour)
		if len(w.rows()) != 0 {
			t.Errorf("there are still jobs: %+v", w.rows())
		}
	})
}

func TestDisabledWhileRunningKeepsOnlyWhatAPersonAskedFor(t *testing.T) {
	inBubble(t, func(w *world) {
		disable := func(c charm.Charm) {
			w.update(func(tx store.Tx) error {
				s, err := tx.State(c.Row)
				if err != nil {
					return err
				}
				return w.queue.Put(tx, c, state.Disable(s, charm.ByPerson, "no", time.Now()))
			})
		}
		a, b := w.add(1), w.add(2)
		first, second := w.next(), w.next()
		asked, err := w.queue.RunNow(w.t.Context(), b.Row)
		if err != nil {
			w.t.Fatal(err)
		}
		disable(a)
		disable(b)
		w.mustEnd(first, charm.Errored) // no retry follows
		w.mustEnd(second, charm.OK)
		claim := w.next()
		if claim.Job.ID != asked.Job || !claim.Job.Once {
			w.t.Fatalf("claimed %+v, want the run that was asked for", claim.Job)
		}
		w.mustEnd(claim, charm.Errored)
		w.idle(72 * time.Hour)
		if len(w.rows()) != 0 {
			w.t.Errorf("there are still jobs: %+v", w.rows())
		}
	})
}

func TestAStandingIsOfTheMomentItsReaderSees(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		claim := w.next()
		err := w.db.View(w.t.Context(), func(r store.Reader) error {
			if _, err := r.State(c.Row); err != nil { // the reader's moment is that of its first read
				return err
			}
			w.mustEnd(claim, charm.OK)
			if now := w.standing(c); now.Job != nil || now.State.LastRun != claim.Job.Run {
				w.t.Errorf("memory has %+v, want the end of the run", now)
			}
			then, err := w.queue.StandingAt(r, c)
			if err == nil && (then.Job == nil || then.Job.Run != claim.Job.Run || then.State.LastRun != "") {
				w.t.Errorf("the reader is told %+v, want the run in flight", then)
			}
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
	})
}

func TestUncleanStop(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := w.add(1), w.add(2)
		first, second := w.next(), w.next()
		w.restart()
		if len(w.found.Lost) != 2 {
			t.Fatalf("found %d lost runs, want 2", len(w.found.Lost))
		}
		for _, claim := range []queue.Claim{first, second} {
			if _, err := w.end(claim, charm.OK); !errors.Is(err, queue.ErrNotOurs) {
				t.Errorf("the late end of a claim of the last start gave %v", err)
			}
		}
		alone := w.next()
		if alone.Job.Reason != charm.Retry || alone.Job.Attempt != 1 {
			t.Errorf("after the stop came %+v", alone.Job)
		}
		w.idle(20 * time.Second) // the other one waits: a suspect runs alone
		if s := w.mustEnd(alone, charm.OK); s.UncleanStops != 0 {
			t.Errorf("%d unclean stops are remembered after a run", s.UncleanStops)
		}
		w.mustEnd(w.next(), charm.OK)
		for _, c := range []charm.Charm{a, b} {
			if s := w.standing(c); s.State.Failures != 0 || s.State.ConsecutiveFailures != 0 {
				t.Errorf("the stop counted against %s: %+v", c.Name, s.State)
			}
		}
	})
}

func TestInFlightAtThreeStopsDisables(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		for range charm.MaxUncleanStops {
			w.next()
			w.restart()
		}
		s := w.standing(c)
		if !s.State.Disabled || s.State.DisabledBy != charm.ByFailures || s.State.DisabledReason != "was running when the service died, 3 times" {
			t.Fatalf("after three stops: %+v", s.State)
		}
		if len(w.found.Disabled) != 1 || len(w.rows()) != 0 {
			t.Errorf("told of %d charms, %d jobs left", len(w.found.Disabled), len(w.rows()))
		}
		if claim := w.next(); claim.Job.Reason != charm.Probe {
			t.Errorf("next came %+v", claim.Job)
		}
	})
}

func TestHandedBackIsPendingAgain(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		claim := w.next()
		s := w.mustEnd(claim, charm.Cancelled, func(r *charm.Run) { r.Code = charm.CodeHandedBack })
		if s.Executions != 0 || s.Failures != 0 {
			t.Errorf("handing back was counted: %+v", s)
		}
		w.restart()
		if len(w.found.Lost) != 0 {
			t.Errorf("a run that was handed back is lost: %+v", w.found.Lost)
		}
		if again := w.next(); again.Job.ID != claim.Job.ID || again.Charm.ID != c.ID || again.Job.Attempt != 1 {
			t.Errorf("after the restart came %+v", again.Job)
		}
	})
}

func TestRemovedWhileRunning(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		claim := w.next()
		w.update(func(tx store.Tx) error {
			return errors.Join(w.queue.Remove(tx, c.Row), tx.DeleteCharm(c.Row))
		})
		if _, err := w.end(claim, charm.OK); !errors.Is(err, queue.ErrNotOurs) {
			t.Errorf("the end of a removed charm's run gave %v", err)
		}
		w.queue.Drop(claim, charm.Run{})
		w.idle(time.Hour)
	})
}

func TestTheNextClaimRidesWithAnEnd(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := w.add(1), w.add(2)
		first := w.next()
		var ahead *queue.Claim
		claim := func(tx store.Tx) error {
			ahead = w.queue.ClaimNext(tx)
			return nil
		}
		undone := errors.New("undone")
		err := w.db.Update(w.t.Context(), func(tx store.Tx) error { return errors.Join(claim(tx), undone) })
		if !errors.Is(err, undone) || ahead == nil || len(w.rows()) != 1 {
			t.Fatalf("a transaction that failed gave %+v, %v and left %+v", ahead, err, w.rows())
		}
		w.queue.GiveBack(*ahead)
		w.update(claim)
		if ahead != nil {
			t.Error("what was just given back was handed out at once: the store may be refusing")
		}
		time.Sleep(time.Second)
		w.update(claim)
		if ahead == nil || ahead.Charm.ID != b.ID || len(w.rows()) != 2 {
			t.Fatalf("claimed %+v, rows %+v", ahead, w.rows())
		}
		w.mustEnd(*ahead, charm.OK)
		w.mustEnd(first, charm.OK)
		w.update(claim)
		if ahead != nil || w.standing(a).Job != nil || w.standing(b).Job != nil {
			t.Error("something was claimed that is not due")
		}
	})
}

func TestNothingThatIsGoneIsClaimedAhead(t *testing.T) {
	inBubble(t, func(w *world) {
		w.add(1)
		gone, off := w.add(2), w.add(3)
		first := w.next()
		// In one group of transactions nothing is in memory yet of what came before in it.
		w.update(func(tx store.Tx) error {
			if err := errors.Join(w.queue.Remove(tx, gone.Row), tx.DeleteCharm(gone.Row)); err != nil {
				return err
			}
			if err := w.queue.Put(tx, off, state.Disable(charm.State{}, charm.ByPerson, "no", time.Now())); err != nil {
				return err
			}
			for range 2 {
				if c := w.queue.ClaimNext(tx); c != nil {
					w.t.Errorf("%s was claimed", c.Charm.Name)
				}
			}
			return nil
		})
		w.mustEnd(first, charm.OK)
		if len(w.rows()) != 0 {
			w.t.Errorf("there are jobs left: %+v", w.rows())
		}
		if next := w.next(); next.Charm.Name != "c1" {
			w.t.Errorf("next came %s", next.Charm.Name)
		}
	})
}

func TestDisabledBetweenPickAndClaim(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		w.mustEnd(w.next(), charm.Errored) // a retry waits
		time.Sleep(2 * time.Second)
		var picked *queue.Claim
		undone := errors.New("undone")
		err := w.db.Update(w.t.Context(), func(tx store.Tx) error {
			picked = w.queue.ClaimNext(tx)
			return undone
		})
		if !errors.Is(err, undone) || picked == nil {
			w.t.Fatalf("picked %+v, %v", picked, err)
		}
		w.update(func(tx store.Tx) error {
			s, err := tx.State(c.Row)
			if err != nil {
				return err
			}
			return w.queue.Put(tx, c, state.Disable(s, charm.ByPerson, "no", time.Now()))
		})
		w.queue.GiveBack(*picked)
		w.idle(time.Hour)
		if s := w.standing(c); s.Job != nil || len(w.rows()) != 0 {
			w.t.Errorf("it stands as %+v with %+v", s, w.rows())
		}
	})
}

func TestRegisteredInTheSameGroupAsAnEnd(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1, func(c *charm.Charm) { c.Registered = false })
		if _, err := w.queue.RunNow(w.t.Context(), c.Row); err != nil {
			w.t.Fatal(err)
		}
		claim := w.next()
		c.Registered = true
		w.update(func(tx store.Tx) error {
			if _, err := tx.PutCharm(c); err != nil {
				return err
			}
			s, err := tx.State(c.Row)
			if err != nil {
				return err
			}
			if err := w.queue.Put(tx, c, s); err != nil {
				return err
			}
			run := charm.Run{ID: claim.Job.Run, Charm: c.Row, Job: claim.Job.ID, Attempt: 1, StartedAt: time.Now(), EndedAt: time.Now(), Outcome: charm.OK}
			return w.queue.End(tx, claim, run, w.queue.Ending(claim, run, queue.Wish{}), s)
		})
		if s := w.standing(c); s.State.NextRun.IsZero() {
			w.t.Errorf("the charm that was registered while it ran never runs again: %+v", s)
		}
	})
}

func TestProbeThatMeetsTheOtherSidesFaultWaits(t *testing.T) {
	inBubble(t, func(w *world) {
		w.add(1)
		for range 4 {
			w.mustEnd(w.next(), charm.Errored)
		}
		w.mustEnd(w.next(), charm.Remote)
		at := time.Now()
		w.mustEnd(w.next(), charm.OK)
		if wait := time.Since(at); wait != charm.FirstProbe {
			w.t.Errorf("the probe after one that met a dead host came after %v", wait)
		}
	})
}

func TestAProbeThatTakesTheServiceDownWaits(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		for range charm.MaxUncleanStops {
			w.next()
			w.restart()
		}
		w.next() // the probe
		w.restart()
		if s := w.standing(c); s.Job != nil || time.Until(s.State.NextTry) != 2*charm.FirstProbe {
			w.t.Errorf("after it the charm stands as %+v, next try in %v", s.State, time.Until(s.State.NextTry))
		}
	})
}

func TestWaitersAreToldOfWhatIsTakenAway(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.add(1)
		w.next()
		asked, err := w.queue.RunNow(w.t.Context(), c.Row)
		if err != nil {
			w.t.Fatal(err)
		}
		ended, stop := w.queue.Watch(asked.Job)
		defer stop()
		w.update(func(tx store.Tx) error {
			return errors.Join(w.queue.Remove(tx, c.Row), tx.DeleteCharm(c.Row))
		})
		if run := <-ended; run.Outcome != charm.Cancelled {
			w.t.Errorf("they were told %+v", run)
		}
	})
}

func TestMaintenanceHasASlotOfItsOwn(t *testing.T) {
	inBubble(t, func(w *world) {
		w.add(1)
		if _, err := w.queue.Maintain(w.t.Context(), charm.Cleanup, time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		w.mustEnd(w.next(), charm.OK)
		if !w.queue.HasTask(charm.Cleanup) {
			t.Error("the task is not known to wait")
		}
		at := time.Now()
		claim, err := w.queue.NextTask(w.t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if claim.Job.Task != charm.Cleanup || time.Since(at) != time.Minute {
			t.Errorf("%s came after %v", claim.Job.Task, time.Since(at))
		}
		w.mustEnd(*claim, charm.OK)
		if w.queue.HasTask(charm.Cleanup) || len(w.rows()) != 0 {
			t.Error("the task is still there")
		}
	})
}

func TestEndlessPagesEnd(t *testing.T) {
	inBubble(t, func(w *world) {
		w.add(1)
		claim := w.next()
		claim.Job.Pages = charm.MaxPages - 1
		run := charm.Run{Outcome: charm.OK, EndedAt: time.Now()}
		if end := w.queue.Ending(claim, run, queue.Wish{Again: true}); end.Next == nil || end.Next.Pages != charm.MaxPages {
			w.t.Errorf("the last page but one is followed by %+v", end.Next)
		}
		claim.Job.Pages = charm.MaxPages
		if end := w.queue.Ending(claim, run, queue.Wish{Again: true}); end.Next != nil || !end.Final {
			w.t.Errorf("the last page is followed by %+v", end.Next)
		}
	})
}

func TestCloseEndsWaiting(t *testing.T) {
	inBubble(t, func(w *world) {
		ended := make(chan error)
		go func() {
			_, err := w.queue.Next(context.Background())
			ended <- err
		}()
		synctest.Wait()
		w.queue.Close()
		if err := <-ended; !errors.Is(err, queue.ErrClosed) {
			t.Errorf("Next ended with %v", err)
		}
	})
}

func TestOnlyOneIntegration(t *testing.T) {
	dir := filepath.Dir(sqlitetest.Path(t))
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, dir: dir}
		w.open()
		w.add(1, func(c *charm.Charm) { c.Integration = "rss" })
		w.add(2, func(c *charm.Charm) { c.Integration = "gmail" })
		defer w.close()
		q, _, err := queue.Open(t.Context(), w.db, w.states, queue.Options{Now: time.Now, Only: "gmail"})
		if err != nil {
			t.Fatal(err)
		}
		w.queue = q
		if got := w.next().Charm.Integration; got != "gmail" {
			t.Errorf("got a %s charm", got)
		}
		w.idle(time.Hour)
	})
}
