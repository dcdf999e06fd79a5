package manager

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
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

// betweenStore is a store with which something happens right before or after a call.
type betweenStore struct {
	store.Store
	before, after func() // of the next Update, once; nil for nothing
}

func (s *betweenStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	before, after := s.before, s.after
	s.before, s.after = nil, nil
	if before != nil {
		before()
	}
	err := s.Store.Update(ctx, fn)
	if after != nil {
		after()
	}
	return err
}

// world is a manager of charms that nobody runs.
type world struct {
	*Manager
	t  *testing.T
	db *betweenStore
}

func newWorld(t *testing.T) *world {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	db := sqlitetest.Open(t, sqlite.Options{Logger: logger})
	w := &world{t: t, db: &betweenStore{Store: db}}
	w.update(func(tx store.Tx) error {
		for name, did := range map[string]string{"system": identity.SystemSpaceDID, "home": home} {
			if _, err := tx.PutSpace(charm.Space{DID: did, Name: name, Since: -1, CreatedAt: time.Now()}); err != nil {
				return err
			}
		}
		return nil
	})
	q, _, err := queue.Open(t.Context(), w.db, state.NewManager(5), queue.Options{Now: time.Now, DefaultTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	mem := memory.New(db, "did:key:zOperator", time.Now)
	reg := registry.New(registry.Options{Store: db, Memory: mem, Queue: q, System: identity.SystemSpaceDID, Every: time.Minute, Logger: logger, Now: time.Now})
	w.Manager = New(Options{Store: w.db, Memory: mem, Queue: q, Registry: reg, URL: func() string { return "" }, Logger: logger, Now: time.Now})
	return w
}

var home = identity.FromPassphrase("home").DID()

func (w *world) update(fn func(store.Tx) error) {
	w.t.Helper()
	if err := w.db.Store.Update(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// add registers a charm that stands as s and is due in an hour.
func (w *world) add(name string, s charm.State) charm.Charm {
	w.t.Helper()
	c := charm.Charm{
		Space: home, SpaceName: "home", ID: merkle.EntityID(nil, name).Link(), Name: name, Registered: true,
		Schedule: charm.Schedule{Every: time.Hour}, CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
	s.NextRun = time.Now().Add(time.Hour)
	w.update(func(tx store.Tx) (err error) {
		if c.Row, err = tx.PutCharm(c); err != nil {
			return err
		}
		return w.queue.Put(tx, c, s)
	})
	return c
}

// remove is another caller who removes the charm.
func (w *world) remove(c charm.Charm) func() {
	return func() {
		w.t.Helper()
		w.update(func(tx store.Tx) error {
			if err := w.queue.Remove(tx, c.Row); err != nil {
				return err
			}
			return tx.DeleteCharm(c.Row)
		})
	}
}

// Who asks for a run and waits for it is told that there will be none, also when the
// job is taken away before the waiting has begun.
func TestARunThatIsTakenAwayBeforeItIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		removed, disabled, follows := w.add("removed", charm.State{}), w.add("disabled", charm.State{}), w.add("follows", charm.State{})
		waits := func(what string, c charm.Charm) <-chan api.RunReply {
			replies := make(chan api.RunReply, 1)
			go func() {
				reply, err := w.RunNow(t.Context(), "home", c.Name, true)
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
				replies <- reply
			}()
			synctest.Wait()
			return replies
		}
		taken := func(what string, replies <-chan api.RunReply) {
			select {
			case reply := <-replies:
				if reply.Run == nil || reply.Run.Outcome != charm.Cancelled {
					t.Errorf("%s: it is answered with %+v", what, reply)
				}
			default:
				t.Fatalf("%s: it is waited for still", what)
			}
		}
		w.db.after = w.remove(removed)
		taken("its charm is removed", waits("removed", removed))
		w.db.after = func() {
			w.update(func(tx store.Tx) error {
				return w.queue.Put(tx, disabled, state.Disable(charm.State{}, charm.ByPerson, "", time.Now()))
			})
		}
		taken("its charm is disabled", waits("disabled", disabled))

		if _, err := w.queue.RunNow(t.Context(), follows.Row); err != nil {
			t.Fatal(err)
		}
		claim, err := w.queue.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		replies := waits("a run that follows", follows)
		select {
		case reply := <-replies:
			t.Errorf("a run that follows another is answered before: %+v", reply)
		default:
		}
		w.remove(follows)()
		w.queue.Drop(*claim, charm.Run{Outcome: charm.Cancelled})
		synctest.Wait()
		taken("the charm of a run that follows is removed", replies)
	})
}

// What is done to a charm that another caller removes at the same moment is said in
// words, and leaves nothing behind.
func TestACharmThatIsRemovedAtThisMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	failed := charm.State{LastOutcome: charm.Errored}
	c := w.add("run", failed)
	w.db.before = w.remove(c)
	if _, err := w.RunNow(t.Context(), "home", "run", true); charm.CodeOf(err) != charm.CodeNotFound {
		t.Errorf("a run is asked for: %v", err)
	}
	c = w.add("pause", failed)
	w.db.before = w.remove(c)
	if _, err := w.Pause(t.Context(), api.PauseRequest{Space: "home", Charm: "pause"}); charm.CodeOf(err) != charm.CodeNotFound || len(w.Pauses()) != 0 {
		t.Errorf("it is paused: %v, %+v", err, w.Pauses())
	}
	c = w.add("first", failed)
	w.add("second", failed)
	w.db.before = w.remove(c)
	if out, err := w.Retry(t.Context(), api.RetryRequest{}); err != nil || len(out.Charms) != 1 || out.Charms[0] != "home/second" {
		t.Errorf("those that failed are tried again: %+v, %v", out, err)
	}
	c = w.add("disable", charm.State{})
	w.db.after = w.remove(c)
	if out, err := w.Disable(t.Context(), "home", "disable", "too loud"); err != nil || out.Name != "disable" || out.Enabled || out.State.DisabledReason != "too loud" {
		t.Errorf("it is disabled: %+v, %v", out, err)
	}
}

// A charm that starts to run while it is explained does not wait for itself.
func TestACharmDoesNotWaitForItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.add("c", charm.State{UncleanStops: 1})
	standing, _ := w.queue.Standing(c.Row)
	f := w.facts(standing)
	if _, err := w.queue.RunNow(t.Context(), c.Row); err != nil {
		t.Fatal(err)
	}
	if _, err := w.queue.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if crowd := w.crowd(f); crowd.InFlight != 0 || crowd.Held != 0 || crowd.Alone != "" {
		t.Errorf("it waits among %+v", crowd)
	}
}
