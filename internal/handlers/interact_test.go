package handlers

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/queue"
	"charmd/internal/runcharm"
	"charmd/internal/state"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

// pagesBeside are the acts on one charm whose space another toolshed has.
type pagesBeside struct {
	*Interact
	t     *testing.T
	charm charm.Charm
	space charm.Space
	ended int
}

func newPagesBeside(t *testing.T) *pagesBeside {
	t.Helper()
	db := sqlitetest.Open(t, sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	key := identity.FromPassphrase("acts")
	p := &pagesBeside{t: t, space: charm.Space{DID: key.DID(), CreatedAt: time.Now(), Since: -1}}
	p.charm = charm.Charm{Space: key.DID(), ID: merkle.EntityID(nil, "a charm").Link(), Name: "c", Schedule: charm.Schedule{Every: time.Minute}}
	states := state.NewManager(5)
	q, _, err := queue.Open(t.Context(), db, states, queue.Options{Now: time.Now, DefaultTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	p.Interact = &Interact{
		Store: db, Memory: memory.New(db, key.DID(), time.Now), Queue: q, States: states, Service: "S",
		Logger: slog.New(slog.DiscardHandler), Now: time.Now, Ended: func(charm.Charm, charm.Run) { p.ended++ },
	}
	p.update(func(tx store.Tx) (err error) {
		if p.space.Row, err = tx.PutSpace(p.space); err != nil {
			return err
		}
		p.charm.Row, err = tx.PutCharm(p.charm)
		return err
	})
	return p
}

func (p *pagesBeside) update(fn func(tx store.Tx) error) {
	p.t.Helper()
	if err := p.Store.Update(p.t.Context(), fn); err != nil {
		p.t.Fatal(err)
	}
}

// applied has the copy show that the toolshed has applied an act.
func (p *pagesBeside) applied(run, job string) {
	p.t.Helper()
	p.update(func(tx store.Tx) error {
		space, err := tx.Space(p.space.DID)
		if err != nil {
			return err
		}
		v, err := runcharm.MarkOf(tx, space, p.charm.ID)
		if err != nil {
			return err
		}
		m := mark{services: map[string]entry{}}.with(p.Service+onPages, entry{Run: run, Job: job})
		d, err := memory.NewDraft(space, p.Memory.Issuer(), []memory.Change{{The: v.The, Of: v.Of, Cause: v.Cause(), Is: m.value(), Has: true}}, nil, time.Now())
		if err != nil {
			return err
		}
		_, err = p.Memory.Commit(tx, d, nil)
		return err
	})
}

// An act whose answer was lost is recorded once: also when two calls find it at the
// same time, and when retention has taken its record.
func TestActThatWasAppliedIsRecordedOnce(t *testing.T) {
	t.Parallel()
	p := newPagesBeside(t)
	long := time.Now().Add(-2 * charm.KeepRunsFor)
	p.Now = func() time.Time { return long }
	lost := Act{ID: queue.NewID(long), Charm: p.charm}
	p.applied(queue.NewID(long), lost.ID)
	other := Act{ID: queue.NewID(time.Now()), Charm: p.charm}
	if _, done, err := p.settle(t.Context(), other); done || err != nil || p.ended != 1 {
		t.Fatalf("done %v, %v, %d are told of", done, err, p.ended)
	}
	if run, done, err := p.settle(t.Context(), lost); !done || err != nil || run.Job != lost.ID || run.Outcome != charm.OK {
		t.Errorf("the act that was lost: %+v, done %v, %v", run, done, err)
	}

	p.update(func(tx store.Tx) error {
		if _, err := tx.FoldRuns(100); err != nil {
			return err
		}
		n, err := tx.PruneRuns(0, time.Now(), 100)
		if n != 1 {
			t.Errorf("retention has taken %d records", n)
		}
		return err
	})
	if _, done, err := p.settle(t.Context(), other); done || err != nil || p.ended != 1 {
		t.Errorf("after retention: done %v, %v, %d are told of", done, err, p.ended)
	}
}

// A record that another call has written meanwhile is the answer.
func TestActThatAnotherCallHasSettled(t *testing.T) {
	t.Parallel()
	p := newPagesBeside(t)
	act := Act{ID: queue.NewID(time.Now()), Charm: p.charm}
	run := queue.NewID(time.Now())
	p.applied(run, act.ID)
	p.Now = func() time.Time { // when it has been found to have no record
		p.Now = time.Now
		p.update(func(tx store.Tx) error {
			return p.settled(tx, act, charm.Run{ID: run, Job: act.ID, Charm: p.charm.Row, Outcome: charm.OK, Changed: 7})
		})
		return time.Now()
	}
	if got, done, err := p.settle(t.Context(), act); err != nil || !done || got.Changed != 7 || p.ended != 1 {
		t.Errorf("%+v, done %v, %v, %d are told of", got, done, err, p.ended)
	}
}

// An act that is under way is not said to be undone: whoever asks waits for its end.
func TestAnActThatIsUnderWayIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPagesBeside(t)
		act := Act{ID: queue.NewID(time.Now()), Charm: p.charm}
		release, err := p.alone(t.Context(), act.ID)
		if err != nil {
			t.Fatal(err)
		}
		answered, done := false, false
		go func() {
			_, done, err = p.Done(t.Context(), p.charm.Row, act.ID)
			answered = true
		}()
		synctest.Wait()
		if answered {
			t.Error("it is answered while it is under way")
		}
		p.update(func(tx store.Tx) error {
			return p.settled(tx, act, charm.Run{ID: queue.NewID(time.Now()), Job: act.ID, Charm: p.charm.Row, Outcome: charm.OK})
		})
		release()
		synctest.Wait()
		if !done || err != nil {
			t.Errorf("when it has ended it is done: %v, %v", done, err)
		}
	})
}
