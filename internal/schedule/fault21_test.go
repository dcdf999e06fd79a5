package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"charmd/internal/charm"
	"charmd/internal/queue"
	"charmd/internal/schedule"
	"charmd/internal/state"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

const space = "did:key:z6Mkj5HyygpAVo2baUcx7kwTRoUbbBmk5egUQPHnV8arQ3SY"

// world is a queue on a real database, under a wall clock that can be set.
type world struct {
	t      *testing.T
	dir    string
	shift  time.Duration // of the wall clock
	db     *sqlite.DB
	states *state.Manager
	queue  *queue.Queue
}

// at lets fn act in a world whose clock reads a time of UTC.
func at(t *testing.T, clock string, fn func(w *world)) {
	t.Helper()
	dir := filepath.Dir(sqlitetest.Path(t))
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, dir: dir, states: state.NewManager(5)}
		start, err := time.Parse("2006-01-02 15:04", clock)
		if err != nil {
			t.Fatal(err)
		}
		w.shift = time.Until(start)
		w.open()
		defer w.close()
		fn(w)
	})
}

func (w *world) now() time.Time { return time.Now().Add(w.shift).Round(0) }

func (w *world) open() {
	w.t.Helper()
	var err error
	w.db, err = sqlite.Open(context.Background(), filepath.Join(w.dir, "charmd.db"), sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.queue, _, err = queue.Open(context.Background(), w.db, w.states, queue.Options{MaxRetries: 1, DefaultTimeout: 30 * time.Second, Now: w.now})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) close() {
	if err := w.db.Close(); err != nil {
		w.t.Error(err)
	}
}

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

func (w *world) add(name string, s charm.Schedule) charm.Charm {
	w.t.Helper()
	c := charm.Charm{Space: space, ID: "baedrei-" + name, Name: name, Registered: true, Schedule: s, CreatedAt: w.now(), UpdatedAt: w.now()}
	w.update(func(tx store.Tx) (err error) {
		if _, err = tx.Space(space); errors.Is(err, store.ErrNotFound) {
			_, err = tx.PutSpace(charm.Space{DID: space, Since: -1, CreatedAt: w.now()})
		}
		if err != nil {
			return err
		}
		if c.Row, err = tx.PutCharm(c); err != nil {
			return err
		}
		return w.queue.Put(tx, c, charm.State{NextRun: schedule.First(c, w.now())})
	})
	return c
}

// runs does what becomes due within a time and returns when each run began, by
// the name of its charm.
func (w *world) runs(within time.Duration) map[string][]time.Time {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), within)
	defer cancel()
	began := map[string][]time.Time{}
	for {
		claim, err := w.queue.Next(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			return began
		}
		if err != nil {
			w.t.Fatal(err)
		}
		began[claim.Charm.Name] = append(began[claim.Charm.Name], w.now())
		w.end(*claim)
	}
}

func (w *world) end(claim queue.Claim) {
	w.t.Helper()
	run := charm.Run{ID: claim.Job.Run, Charm: claim.Job.Charm, Job: claim.Job.ID, Attempt: 1, StartedAt: w.now(), EndedAt: w.now(), Outcome: charm.OK}
	w.update(func(tx store.Tx) error {
		s, err := tx.State(claim.Job.Charm)
		if err != nil {
			return err
		}
		end := w.queue.Ending(claim, run, queue.Wish{})
		s, _ = w.states.After(s, run, end.Final)
		return w.queue.End(tx, claim, run, end, s)
	})
}

func (w *world) state(c charm.Charm) charm.State {
	w.t.Helper()
	standing, ok := w.queue.Standing(c.Row)
	if !ok {
		w.t.Fatalf("the queue does not know %s", c.Name)
	}
	return standing.State
}

// minutes are the times in a zone to the minute: the spread is not looked at.
func minutes(t *testing.T, times []time.Time, zone string) string {
	t.Helper()
	in, err := schedule.Zone(zone)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, at := range times {
		list = append(list, at.In(in).Format("02 15:04 -07"))
	}
	return strings.Join(list, ", ")
}

func TestFault21_ClockSetForward(t *testing.T) {
	at(t, "2026-11-25 12:00", func(w *world) {
		w.add("minutely", charm.Schedule{Every: time.Minute})
		w.add("cron", charm.Schedule{Cron: "*/10 * * * *", Zone: "Europe/Berlin"})
		w.runs(33 * time.Minute)
		w.shift += time.Hour
		began := w.runs(31 * time.Second) // longer than the queue sleeps
		if len(began["cron"]) != 1 || len(began["minutely"]) > 2 || len(began["minutely"]) == 0 {
			t.Errorf("an hour was skipped, then ran %v", began)
		}
		began = w.runs(20 * time.Minute)
		if len(began["cron"]) != 2 || len(began["minutely"]) != 20 {
			t.Errorf("in 20 minutes after that ran %v", began)
		}
	})
}

func TestFault21_SuspendedForThreeDays(t *testing.T) {
	at(t, "2026-11-25 12:00", func(w *world) {
		for i := range 20 {
			w.add(fmt.Sprint("every-", i), charm.Schedule{Every: 5 * time.Minute})
			w.add(fmt.Sprint("cron-", i), charm.Schedule{Cron: "*/5 * * * *", Zone: "America/New_York"})
		}
		w.runs(33 * time.Minute)
		w.shift += 72 * time.Hour
		began := w.runs(31 * time.Second)
		if len(began) != 40 {
			t.Errorf("%d of 40 charms ran after it", len(began))
		}
		for name, times := range began {
			if len(times) > 2 { // one for all that was missed, one whose time came
				t.Errorf("%s ran at %v", name, times)
			}
		}
		for name, times := range w.runs(10 * time.Minute) {
			if len(times) != 2 {
				t.Errorf("in ten minutes after that %s ran at %v", name, times)
			}
		}
	})
}

// The same over a restart: the next runs that are stored have passed.
func TestFault21_StoppedForThreeDays(t *testing.T) {
	at(t, "2026-11-25 12:00", func(w *world) {
		w.add("every", charm.Schedule{Every: 5 * time.Minute})
		w.add("cron", charm.Schedule{Cron: "0 9 * * *", Zone: "Europe/Berlin"})
		w.runs(24 * time.Hour)
		w.shift += 72 * time.Hour
		w.restart()
		if began := w.runs(time.Second); len(began["every"]) != 1 || len(began["cron"]) != 1 {
			t.Errorf("after the restart ran %v", began)
		}
		if began := w.runs(24 * time.Hour); minutes(t, began["cron"], "Europe/Berlin") != "30 09:00 +01" {
			t.Errorf("the day after ran %v", began["cron"])
		}
	})
}

func TestFault21_ClockSetBack(t *testing.T) {
	at(t, "2026-11-25 12:00", func(w *world) {
		c := w.add("every", charm.Schedule{Every: 5 * time.Minute})
		w.add("cron", charm.Schedule{Cron: "*/10 * * * *", Zone: "Europe/Berlin"})
		w.runs(33 * time.Minute)
		w.shift -= time.Hour
		if s := w.state(c); schedule.Believable(c, s, w.now()) {
			t.Errorf("at %v the next run at %v is believed", w.now(), s.NextRun)
		}
		w.restart()
		began := w.runs(10 * time.Minute)
		if len(began["every"]) != 2 || len(began["cron"]) != 1 {
			t.Errorf("in ten minutes after an hour that came again ran %v", began)
		}
	})
}

func TestFault21_DaylightSavingGap(t *testing.T) {
	at(t, "2026-03-28 12:00", func(w *world) {
		w.add("skipped", charm.Schedule{Cron: "*/20 2 * * *", Zone: "Europe/Berlin"})
		w.add("after", charm.Schedule{Cron: "0 3 * * *", Zone: "Europe/Berlin"})
		w.add("interval", charm.Schedule{Cron: "*/30 * * * *", Zone: "Europe/Berlin"})
		began := w.runs(24 * time.Hour)
		for name, want := range map[string]string{"skipped": "29 03:00 +02", "after": "29 03:00 +02"} {
			if got := minutes(t, began[name], "Europe/Berlin"); got != want {
				t.Errorf("%s ran at %s, want %s", name, got, want)
			}
		}
		if n := len(began["interval"]); n != 48 {
			t.Errorf("each half hour ran %d times in 24 hours", n)
		}
	})
}

func TestFault21_DaylightSavingRepeat(t *testing.T) {
	at(t, "2026-10-24 12:00", func(w *world) {
		w.add("twice", charm.Schedule{Cron: "0,30 2 * * *", Zone: "Europe/Berlin"})
		w.add("interval", charm.Schedule{Cron: "*/30 * * * *", Zone: "Europe/Berlin"})
		began := w.runs(24 * time.Hour)
		if got, want := minutes(t, began["twice"], "Europe/Berlin"), "25 02:00 +02, 25 02:30 +02"; got != want {
			t.Errorf("it ran at %s, want %s", got, want)
		}
		if n := len(began["interval"]); n != 48 {
			t.Errorf("each half hour ran %d times in 24 hours", n)
		}
	})
}

func TestFault21_LeapDay(t *testing.T) {
	at(t, "2028-02-28 12:00", func(w *world) {
		c := w.add("leap", charm.Schedule{Cron: "0 12 29 2 *", Zone: "UTC"})
		w.add("last", charm.Schedule{Cron: "0 0 1 3 *", Zone: "UTC"})
		began := w.runs(48 * time.Hour)
		if got, want := minutes(t, began["leap"], "UTC"), "29 12:00 +00"; got != want {
			t.Errorf("it ran at %s, want %s", got, want)
		}
		if got, want := minutes(t, began["last"], "UTC"), "01 00:00 +00"; got != want {
			t.Errorf("after it ran %s, want %s", got, want)
		}
		if next := w.state(c).NextRun.UTC(); next.Format(time.DateOnly) != "2032-02-29" {
			t.Errorf("it comes again at %v", next)
		}
	})
}

// A stored schedule that cannot be used neither ends the service nor stops the
// charm without a word; when it can be used again, the charm runs again.
func TestFault21_ScheduleThatCannotBeUsed(t *testing.T) {
	at(t, "2026-11-25 12:00", func(w *world) {
		good := charm.Schedule{Cron: "0 * * * *", Zone: "Europe/Berlin"}
		for i, bad := range []charm.Schedule{{Cron: "0 * * * *", Zone: "Europe/Atlantis"}, {Cron: "99 * * * *"}, {}} {
			c := w.add(fmt.Sprint("c", i), good)
			c.Schedule = bad
			w.update(func(tx store.Tx) error { _, err := tx.PutCharm(c); return err })
			w.restart()
			if s := w.state(c); !s.NextRun.IsZero() || !strings.HasPrefix(s.Waiting.Why, "its schedule cannot be used: ") {
				t.Errorf("%+v: next run %v, waiting: %q", bad, s.NextRun, s.Waiting.Why)
			}
			if began := w.runs(2 * time.Hour); len(began[c.Name]) != 0 {
				t.Errorf("%+v ran at %v", bad, began)
			}
			c.Schedule = good
			w.update(func(tx store.Tx) error { _, err := tx.PutCharm(c); return err })
			w.restart()
			if began := w.runs(2 * time.Hour); len(began[c.Name]) < 2 || w.state(c).Waiting.Is() {
				t.Errorf("repaired, it ran at %v, waiting: %q", began[c.Name], w.state(c).Waiting.Why)
			}
		}
	})
}
