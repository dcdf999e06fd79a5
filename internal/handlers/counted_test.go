package handlers

import (
	"log/slog"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/identity"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/queue"
	"charmd/internal/registry"
	"charmd/internal/runcharm"
	"charmd/internal/state"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

// Who is told that a run has ended finds it in the totals and the metrics: it is
// counted before anybody hears of it, and once.
func TestARunIsCountedBeforeItsEndIsTold(t *testing.T) {
	t.Parallel()
	logger := slog.New(slog.DiscardHandler)
	db := sqlitetest.Open(t, sqlite.Options{Logger: logger})
	states, mem := state.NewManager(5), memory.New(db, "did:key:zOperator", time.Now)
	q, _, err := queue.Open(t.Context(), db, states, queue.Options{Now: time.Now, DefaultTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	door, err := egress.New(egress.Options{Limits: egress.DefaultLimits(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	home := identity.FromPassphrase("home").DID()
	c := charm.Charm{Space: home, ID: merkle.EntityID(nil, "c").Link(), Name: "c", Registered: true, Schedule: charm.Schedule{Every: time.Hour}}
	update := func(fn func(tx store.Tx) error) {
		t.Helper()
		if err := db.Update(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
	update(func(tx store.Tx) (err error) {
		if _, err = tx.PutSpace(charm.Space{DID: home, Since: -1, CreatedAt: time.Now()}); err != nil {
			return err
		}
		if c.Row, err = tx.PutCharm(c); err != nil {
			return err
		}
		return q.Put(tx, c, charm.State{NextRun: time.Now().Add(time.Hour)})
	})

	var told <-chan charm.Run
	counted := 0
	ended := func(run charm.Run) {
		counted++
		select {
		case <-told:
			t.Errorf("the end of %+v was told before it was counted", run)
		default:
		}
	}
	execute := &ExecuteCharm{
		Store: db, Memory: mem, Queue: q, States: states, Logger: logger, Now: time.Now,
		Runner:   runcharm.New(runcharm.Options{Store: db, Memory: mem, Egress: door, Logger: logger, Now: time.Now}),
		Registry: registry.New(registry.Options{Store: db, Memory: mem, Queue: q, Logger: logger, Now: time.Now}),
		Ended:    func(_ charm.Charm, run charm.Run) { ended(run) },
	}
	maintain := &Maintenance{Store: db, Queue: q, Retention: DefaultRetention(), Timeout: time.Minute, Logger: logger, Now: time.Now, Ended: ended}
	run := func(meanwhile func(tx store.Tx) error) error {
		if _, err := q.RunNow(t.Context(), c.Row); err != nil {
			return err
		}
		claim, err := q.Next(t.Context())
		if err != nil {
			return err
		}
		var stop func()
		told, stop = q.Watch(claim.Job.ID)
		defer stop()
		update(meanwhile)
		_, err = execute.commit(t.Context(), *claim, runcharm.Result{Outcome: charm.OK, Started: time.Now(), Ended: time.Now()}, 0, nil)
		return err
	}
	for _, tc := range []struct {
		what  string
		end   func() error
		total int64 // executions counted then
	}{
		{"a run", func() error { return run(func(store.Tx) error { return nil }) }, 1},
		{"maintenance", func() error {
			next, err := q.Maintain(t.Context(), charm.Stats, time.Now())
			if err != nil {
				return err
			}
			var stop func()
			told, stop = q.Watch(next.Job)
			defer stop()
			claim, err := q.NextTask(t.Context())
			if err != nil {
				return err
			}
			_, err = maintain.Handle(t.Context(), *claim)
			return err
		}, 1},
		{"a run whose charm was removed", func() error {
			return run(func(tx store.Tx) error {
				if err := q.Remove(tx, c.Row); err != nil {
					return err
				}
				return tx.DeleteCharm(c.Row)
			})
		}, 1},
	} {
		counted = 0
		if err := tc.end(); err != nil {
			t.Fatalf("%s: %v", tc.what, err)
		}
		select {
		case <-told:
		default:
			t.Errorf("%s: nobody was told of its end", tc.what)
		}
		if n := states.Totals().Executions; counted != 1 || n != tc.total {
			t.Errorf("%s: counted %d times, and there are %d executions", tc.what, counted, n)
		}
	}
}
