package registry_test

import (
	"fmt"
	"testing"
	"time"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// listed is a world with one charm that can run, and what changes its lists.
func listed(t *testing.T) (w *world, c charm.Charm, tell func(name merkle.Ref, charms ...merkle.Ref)) {
	t.Helper()
	w = newWorld(t)
	w.update(func(tx store.Tx) error {
		return tx.PutRecipe(charm.Recipe{ID: "ba4jcrecipe", Name: "x.tsx", CreatedAt: time.Now()})
	})
	c = w.add("a")
	process := jsontext.NewObject()
	process.Set("$TYPE", "ba4jcrecipe")
	w.write(w.home, cell.Location{ID: merkle.ProcessID(merkle.EntityID(nil, "a")).Link()}, process)
	tell = func(name merkle.Ref, charms ...merkle.Ref) {
		t.Helper()
		cancel := w.registry.Listen()
		w.list(name, charms...)
		cancel()
		if err := w.registry.Relist(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tell(merkle.Charms, merkle.EntityID(nil, "a"))
	return w, c, tell
}

// A charm that another program registers again is looked up in the lists, which nobody
// did while it was not registered.
func TestRegisteredAgainByAnother(t *testing.T) {
	t.Parallel()
	w, c, tell := listed(t)
	entry := fmt.Sprintf(`{"space":%q,"charmId":%q,"integration":"rss"}`, home, c.ID)
	again := func(want charm.Need) {
		t.Helper()
		w.set("0", entry)
		w.sync()
		if s := w.standing(c); !s.Charm.Registered || s.State.Waiting.For != want || s.State.NextRun.IsZero() != (want != "") {
			t.Errorf("registered again it stands as %+v, want it to wait for %q", s, want)
		}
		w.set("0", `"gone"`)
		w.sync()
		if w.standing(c).Charm.Registered {
			t.Fatal("it is still registered")
		}
	}
	again("")
	tell(merkle.Charms)
	again(charm.ForLists)
	tell(merkle.Charms, merkle.EntityID(nil, "a"))
	again("")
}

// What is found in the lists, and of documents that arrive, does not end the wait for an
// account; what ends that finds what the lists say.
func TestListsDoNotEndTheWaitForAnAccount(t *testing.T) {
	t.Parallel()
	w, c, tell := listed(t)
	lost := charm.Wait{For: charm.ForAccount, Why: "connect it again"}
	w.update(func(tx store.Tx) error {
		s, err := tx.State(c.Row)
		if err != nil {
			return err
		}
		s.Waiting, s.LastOutcome = lost, charm.NeedsReconnect
		current, err := tx.Charm(c.Row)
		if err != nil {
			return err
		}
		return w.queue.Put(tx, current, s)
	})
	waits := func(after string) {
		t.Helper()
		if s := w.standing(c).State; s.Waiting != lost || !s.NextRun.IsZero() {
			t.Errorf("after %s it waits for %+v, next run %v", after, s.Waiting, s.NextRun)
		}
	}
	tell(merkle.Charms, merkle.EntityID(nil, "a"), merkle.EntityID(nil, "new"))
	waits("another charm was added")
	w.update(func(tx store.Tx) error { return w.registry.Arrived(tx, home) })
	waits("documents arrived")
	tell(merkle.Charms)
	waits("it was taken out of the lists")
	var s charm.State
	w.update(func(tx store.Tx) (err error) {
		s, err = w.registry.Waits(tx, w.standing(c).Charm, charm.State{})
		return err
	})
	if s.Waiting.For != charm.ForLists {
		t.Errorf("without that it waits for %+v", s.Waiting)
	}
}
