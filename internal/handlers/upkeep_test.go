package handlers_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/handlers"
	"charmd/internal/identity"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/queue"
	"charmd/internal/registry"
	"charmd/internal/state"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

// upkeep is maintenance over a real database.
type upkeep struct {
	t       *testing.T
	db      *sqlite.DB
	memory  *memory.Memory
	queue   *queue.Queue
	handler *handlers.Maintenance
}

func newUpkeep(t *testing.T) *upkeep {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	db := sqlitetest.Open(t, sqlite.Options{Logger: logger})
	u := &upkeep{t: t, db: db, memory: memory.New(db, "did:key:zOperator", time.Now)}
	u.update(func(tx store.Tx) error {
		if _, err := tx.PutSpace(charm.Space{DID: identity.SystemSpaceDID, Since: -1, CreatedAt: time.Now()}); err != nil {
			return err
		}
		_, err := tx.PutSpace(charm.Space{DID: space, Name: "home", Since: -1, CreatedAt: time.Now()})
		return err
	})
	var err error
	if u.queue, _, err = queue.Open(t.Context(), db, state.NewManager(5), queue.Options{Now: time.Now, DefaultTimeout: time.Second}); err != nil {
		t.Fatal(err)
	}
	reg := registry.New(registry.Options{
		Store: db, Memory: u.memory, Queue: u.queue, System: identity.SystemSpaceDID, Every: time.Minute, Logger: logger, Now: time.Now,
	})
	u.handler = &handlers.Maintenance{
		Store: db, Queue: u.queue, Registry: reg, Retention: handlers.DefaultRetention(), Timeout: time.Minute, Logger: logger, Now: time.Now,
	}
	return u
}

// list makes charms the list of charms of the home space.
func (u *upkeep) list(charms ...merkle.Ref) {
	u.t.Helper()
	links := []any{}
	for _, id := range charms {
		links = append(links, cell.Location{ID: id.Link()}.Link())
	}
	u.update(func(tx store.Tx) error {
		in, err := tx.Space(space)
		if err != nil {
			return err
		}
		docs := cell.NewSnapshot(tx, in)
		id, doc, err := cell.Set(docs, cell.Location{ID: merkle.Charms.Link()}, links)
		if err != nil {
			return err
		}
		version := docs.Version(id)
		draft, err := memory.NewDraft(in, "did:key:zSomebody", []memory.Change{memory.Assert(version.Of, version.Cause(), doc)}, nil, time.Now())
		if err != nil {
			return err
		}
		_, err = u.memory.Commit(tx, draft, nil)
		return err
	})
}

func (u *upkeep) update(fn func(store.Tx) error) {
	u.t.Helper()
	if err := u.db.Update(u.t.Context(), fn); err != nil {
		u.t.Fatal(err)
	}
}

// add registers a charm that stands as s.
func (u *upkeep) add(name string, s charm.State) charm.Charm {
	u.t.Helper()
	c := charm.Charm{
		Space: space, SpaceName: "home", ID: merkle.EntityID(nil, name).Link(), Name: name, Recipe: "ba4jcr", Integration: "rss", Registered: true,
		Schedule: charm.Schedule{Every: time.Hour}, CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
	u.update(func(tx store.Tx) (err error) {
		if err := tx.PutRecipe(charm.Recipe{ID: c.Recipe, Source: "x", CreatedAt: time.Now()}); err != nil {
			return err
		}
		if c.Row, err = tx.PutCharm(c); err != nil {
			return err
		}
		return u.queue.Put(tx, c, s)
	})
	return c
}

// perform does the task and returns its record.
func (u *upkeep) perform(task charm.Task) charm.Run {
	u.t.Helper()
	job, err := u.queue.Maintain(u.t.Context(), task, time.Now())
	if err != nil {
		u.t.Fatal(err)
	}
	claim, err := u.queue.NextTask(u.t.Context())
	if err != nil {
		u.t.Fatal(err)
	}
	if _, err := u.handler.Handle(u.t.Context(), *claim); err != nil {
		u.t.Fatal(err)
	}
	var runs []charm.Run
	u.update(func(tx store.Tx) error {
		found, err := tx.Runs(store.RunFilter{Job: job.Job})
		if err != nil || len(found) != 1 {
			return fmt.Errorf("%d records, %w", len(found), err)
		}
		run, err := tx.Run(found[0].ID)
		runs = append(runs, run)
		return err
	})
	return runs[0]
}

func (u *upkeep) addRun(c charm.Charm, o charm.Outcome, end time.Time, took time.Duration) {
	u.t.Helper()
	u.update(func(tx store.Tx) error {
		return tx.AddRun(charm.Run{ID: queue.NewID(end), Charm: c.Row, Job: queue.NewID(end), Attempt: 1,
			DueAt: end.Add(-took), StartedAt: end.Add(-took), EndedAt: end, Outcome: o})
	})
}

func TestReset(t *testing.T) {
	t.Parallel()
	u := newUpkeep(t)
	failing := charm.State{ConsecutiveFailures: 5, Executions: 9, Failures: 7, LastError: "no such luck"}
	byFailures := state.Disable(failing, charm.ByFailures, "failed 5 times in a row", time.Now())
	cases := []struct {
		name   string
		before charm.State
		said   string
		wants  func(charm.State) bool
	}{
		{"well", charm.State{Executions: 3, Successes: 3}, "", func(s charm.State) bool { return s.Executions == 3 && !s.NextRun.IsZero() }},
		{"failing", failing, "5 failures in a row forgotten", func(s charm.State) bool {
			return s.ConsecutiveFailures == 0 && s.Failures == 7 && s.LastError == "no such luck" && !s.NextRun.IsZero()
		}},
		{"by-failures", byFailures, "enabled (failed 5 times in a row)", func(s charm.State) bool {
			return !s.Disabled && s.ConsecutiveFailures == 0 && s.NextTry.IsZero() && !s.NextRun.IsZero()
		}},
		{"by-person", state.Disable(failing, charm.ByPerson, "tired of it", time.Now()), "", func(s charm.State) bool {
			return s.Disabled && s.DisabledBy == charm.ByPerson && s.NextRun.IsZero()
		}},
		{"permanent", state.Disable(failing, charm.ByPermanent, "does not compile", time.Now()), "", func(s charm.State) bool {
			return s.Disabled && s.DisabledBy == charm.ByPermanent
		}},
	}
	rows := map[string]charm.Charm{}
	var listed []merkle.Ref
	for _, c := range cases {
		rows[c.name] = u.add(c.name, c.before)
		listed = append(listed, merkle.EntityID(nil, c.name))
	}
	u.list(listed...)
	run := u.perform(charm.Reset)
	if run.Outcome != charm.OK || !strings.Contains(run.Log, "reset 2 of 5 charms") {
		t.Errorf("it ended as %s %s, and says:\n%s", run.Outcome, run.Error, run.Log)
	}
	for _, c := range cases {
		standing, _ := u.queue.Standing(rows[c.name].Row)
		if !c.wants(standing.State) {
			t.Errorf("%s stands as %+v", c.name, standing.State)
		}
		if line := "home/" + c.name + ": "; strings.Contains(run.Log, line) != (c.said != "") || !strings.Contains(run.Log, c.said) {
			t.Errorf("of %s it says, in:\n%s", c.name, run.Log)
		}
	}
	if again := u.perform(charm.Reset); !strings.Contains(again.Log, "reset 0 of 5 charms") {
		t.Errorf("the second time it says %s", again.Log)
	}
}

// TestResetGivesBackClaims: a claim of an earlier start is recorded as lost and
// its job waits to run again; one of this start is left alone.
func TestResetGivesBackClaims(t *testing.T) {
	t.Parallel()
	u := newUpkeep(t)
	u.add("mine", charm.State{})
	running, err := u.queue.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	held := u.add("held", charm.State{})
	u.update(func(tx store.Tx) error {
		now := time.Now()
		return tx.PutJob(charm.Job{
			ID: "01HELD", Charm: held.Row, Epoch: 0, Run: "01LOST", Type: charm.ExecuteCharm, Reason: charm.Due,
			Status: charm.Running, Attempt: 1, DueAt: now, ClaimedAt: now, CreatedAt: now,
		})
	})
	if run := u.perform(charm.Reset); !strings.Contains(run.Log, "home/held: nobody carries out its claim; it is recorded as lost") || strings.Contains(run.Log, "home/mine") {
		t.Errorf("it says:\n%s", run.Log)
	}
	u.update(func(tx store.Tx) error {
		given, err := tx.Job("01HELD")
		if err != nil || given.Status != charm.Pending || given.Run != "" || given.Epoch != 0 {
			t.Errorf("the claim is %+v, %v", given, err)
		}
		if kept, err := tx.Job(running.Job.ID); err != nil || kept.Status != charm.Running || kept.Run != running.Job.Run {
			t.Errorf("the other claim is %+v, %v", kept, err)
		}
		lost, err := tx.Run("01LOST")
		if err != nil || lost.Outcome != charm.Lost || lost.Charm != held.Row {
			t.Errorf("its run is recorded as %+v, %v", lost, err)
		}
		return nil
	})
	claim, err := u.queue.Next(t.Context())
	if err != nil || claim.Job.ID != "01HELD" {
		t.Errorf("claimed %+v, %v; want what was given back", claim, err)
	}
}

func TestStatsTellsFigures(t *testing.T) {
	t.Parallel()
	u := newUpkeep(t)
	c := u.add("news", charm.State{})
	now := time.Now()
	for i := range 100 {
		u.addRun(c, charm.OK, now, time.Duration(i+1)*10*time.Millisecond)
	}
	u.addRun(c, charm.Errored, now, time.Second)
	u.addRun(c, charm.Lost, now, time.Hour) // how long it took is not known
	u.addRun(c, charm.OK, now.Add(-20*time.Hour), 10*time.Millisecond)
	u.addRun(c, charm.OK, now.Add(-50*time.Hour), 10*time.Millisecond)
	text := u.perform(charm.Stats).Log
	for _, want := range []string{"last hour: 102 runs, 100 ok, 1 error, 1 lost; took p50 ", "last day: 103 runs, 101 ok", "last day, rss: 103 runs", "; late p50 "} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
}

// TestCleanupFoldsFirst: what cleanup deletes is in the figures before.
func TestCleanupFoldsFirst(t *testing.T) {
	t.Parallel()
	u := newUpkeep(t)
	u.handler.Retention.Runs = 1
	c := u.add("news", charm.State{})
	const runs = 2500 // more than are folded at a time
	end := time.Now()
	u.update(func(tx store.Tx) error {
		for range runs {
			end = end.Add(time.Millisecond)
			r := charm.Run{ID: queue.NewID(end), Charm: c.Row, Attempt: 1, StartedAt: end, EndedAt: end, Outcome: charm.OK}
			if err := tx.AddRun(r); err != nil {
				return err
			}
		}
		return nil
	})
	text := u.perform(charm.Cleanup).Log
	if !strings.Contains(text, fmt.Sprintf("removed %d run records", runs-1)) {
		t.Errorf("it says %s", text)
	}
	var sum int64
	u.update(func(tx store.Tx) error {
		stats, err := tx.Stats(time.UnixMilli(1))
		for _, s := range stats {
			sum += s.Runs
		}
		return err
	})
	if sum != runs {
		t.Errorf("%d of %d runs are in the figures", sum, runs)
	}
}

// TestTaskGoesOnNextTime: a task whose time runs out keeps what it has done.
func TestTaskGoesOnNextTime(t *testing.T) {
	t.Parallel()
	u := newUpkeep(t)
	u.handler.Timeout = time.Nanosecond
	run := u.perform(charm.All)
	if run.Outcome != charm.TimedOut || !strings.Contains(run.Error, "it goes on there the next time") {
		t.Errorf("it ended as %s: %s", run.Outcome, run.Error)
	}
	u.handler.Timeout = time.Minute
	if run = u.perform(charm.All); run.Outcome != charm.OK || !strings.Contains(run.Log, "the database takes") || !strings.Contains(run.Log, "last day: ") {
		t.Errorf("then it ended as %s: %s\n%s", run.Outcome, run.Error, run.Log)
	}
}

func TestCleanupRemovesDrafts(t *testing.T) {
	t.Parallel()
	u := newUpkeep(t)
	old, fresh := filepath.Join(t.TempDir(), "old.new"), filepath.Join(t.TempDir(), "fresh.new")
	u.handler.Drafts = []string{old, fresh, old + ".none"}
	for _, name := range []string{old, fresh} {
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(old, before, before); err != nil {
		t.Fatal(err)
	}
	u.perform(charm.Cleanup)
	_, gone := os.Stat(old)
	_, kept := os.Stat(fresh)
	if !os.IsNotExist(gone) || kept != nil {
		t.Errorf("the old one: %v; the fresh one: %v", gone, kept)
	}
}
