package handlers_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/handlers"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/queue"
	"charmd/internal/state"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

const space = "did:key:z6Mkj5HyygpAVo2baUcx7kwTRoUbbBmk5egUQPHnV8arQ3SY"

// TestCleanup leaves what retention promises of a charm that ran and wrote often,
// and records that it did.
func TestCleanup(t *testing.T) {
	t.Parallel()
	const written, keepRuns, keepVersions = 60, 20, 10
	logger := slog.New(slog.DiscardHandler)
	db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), sqlite.Options{Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	mem := memory.New(db, "did:key:zOperator", time.Now)
	home := charm.Space{DID: space, Since: -1, CreatedAt: time.Now()}
	c := charm.Charm{Space: space, ID: "baedrei-c", Name: "c", Schedule: charm.Schedule{Every: time.Minute}, CreatedAt: time.Now(), UpdatedAt: time.Now()}
	update := func(fn func(store.Tx) error) {
		t.Helper()
		if err := db.Update(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
	update(func(tx store.Tx) (err error) {
		if home.Row, err = tx.PutSpace(home); err != nil {
			return err
		}
		c.Row, err = tx.PutCharm(c)
		return err
	})
	last := merkle.Unclaimed(memory.JSON, "of:doc")
	for n := range written {
		draft, err := memory.NewDraft(home, "did:key:zOperator", []memory.Change{memory.Assert("of:doc", last, fmt.Sprint(n))}, nil, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		update(func(tx store.Tx) error {
			if _, err := mem.Commit(tx, draft, nil); err != nil {
				return err
			}
			head, err := tx.Head(home.Row, memory.JSON, "of:doc")
			if err != nil {
				return err
			}
			last = head.Ref
			return tx.AddRun(charm.Run{ID: queue.NewID(time.Now()), Charm: c.Row, Job: queue.NewID(time.Now()), Attempt: 1, StartedAt: time.Now(), EndedAt: time.Now(), Outcome: charm.OK})
		})
	}

	update(func(tx store.Tx) error {
		for key, age := range map[string]time.Duration{"old": 2 * time.Hour, "new": time.Minute} {
			if err := tx.MeetProblem(store.Problem{Charm: c.Row, Key: key, Last: time.Now().Add(-age)}, charm.KeepProblems); err != nil {
				return err
			}
		}
		return nil
	})

	q, _, err := queue.Open(t.Context(), db, state.NewManager(5), queue.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Maintain(t.Context(), charm.Cleanup, time.Now()); err != nil {
		t.Fatal(err)
	}
	claim, err := q.NextTask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h := &handlers.Maintenance{
		Store: db, Queue: q, Logger: logger, Now: time.Now, Timeout: time.Minute,
		Retention: handlers.Retention{Runs: keepRuns, RunsFor: time.Hour, Versions: keepVersions, VersionsFor: time.Hour},
	}
	if _, err := h.Handle(t.Context(), *claim); err != nil {
		t.Fatal(err)
	}

	err = db.View(t.Context(), func(r store.Reader) error {
		runs, err := r.Runs(store.RunFilter{Charm: c.Row, Limit: 1000})
		if err != nil {
			return err
		}
		if len(runs) != keepRuns {
			t.Errorf("%d runs are left, want %d", len(runs), keepRuns)
		}
		problems, err := r.Problems(c.Row, 0)
		if err != nil || len(problems) != 1 || problems[0].Key != "new" {
			t.Errorf("the problems left are %+v, %v", problems, err)
		}
		tally, err := r.Tally()
		if err != nil || tally[charm.OK] != written {
			t.Errorf("the tally is %v, %v; want %d", tally, err, written)
		}
		head, err := r.Head(home.Row, memory.JSON, "of:doc")
		if err != nil || string(head.Is) != fmt.Sprintf("%q", fmt.Sprint(written-1)) {
			t.Errorf("the document is %s, %v", head.Is, err)
		}
		for since, want := range map[int64]bool{0: false, written - keepVersions - 2: false, written - keepVersions - 1: true, written - 2: true} {
			if _, err := r.FactAsOf(home.Row, memory.JSON, "of:doc", since); (err == nil) != want {
				t.Errorf("version %d: %v, want it kept: %v", since, err, want)
			}
		}
		first, err := r.CommitAt(home.Row, 0)
		if err != nil || first.Ref == [32]byte{} || first.Transaction != nil {
			t.Errorf("the first commit is %+v, %v; want its reference alone", first, err)
		}
		tasks, err := r.Runs(store.RunFilter{Job: claim.Job.ID})
		if err != nil {
			return err
		}
		if len(tasks) != 1 || tasks[0].Outcome != charm.OK || tasks[0].Task != charm.Cleanup {
			t.Errorf("the task is recorded as %+v", tasks)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
