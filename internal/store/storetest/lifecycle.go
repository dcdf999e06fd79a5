package storetest

import (
	"context"
	"fmt"
	"sync"

	"charmd/internal/charm"
	"charmd/internal/store"
)

func testReadOwnWrites(f *fixture) {
	home := f.space("home")
	f.write(func(tx store.Tx) error {
		f.ok(tx.SetValue("key", "new"))
		if v, err := tx.Value("key"); v != "new" || err != nil {
			f.Errorf("read %q, %v", v, err)
		}
		if v := f.value("key"); v != "" {
			f.Errorf("others see %q, which is not committed", v)
		}
		f.ok(tx.AddFact(store.Fact{Space: home.Row, The: doc, Of: "of:a", Is: []byte("1")}))
		if head, err := tx.Head(home.Row, doc, "of:a"); string(head.Is) != "1" || err != nil {
			f.Errorf("head %q, %v", head.Is, err)
		}
		f.ok(tx.PutCommit(store.Commit{Space: home.Row, Ref: ref("c")}))
		if s, err := tx.Space(home.DID); s.Since != 0 || err != nil {
			f.Errorf("space at %d, %v", s.Since, err)
		}
		return nil
	})
}

func testSnapshot(f *fixture) {
	home := f.space("home")
	f.commit(home, 0, "of:a", "0", "of:b", "0")
	f.ok(f.View(f.Context(), func(r store.Reader) error {
		before, err := heads(r, home, store.Selector{Since: -1})
		f.ok(err)
		f.commit(home, 1, "of:a", "1", "of:b", "1", "of:c", "1")
		f.write(set("key", "new"))
		after, err := heads(r, home, store.Selector{Since: -1})
		f.ok(err)
		f.equal(after, before)
		if v, err := r.Value("key"); v != "" || err != nil {
			f.Errorf("the snapshot has the value %q, %v", v, err)
		}
		if fact, err := r.Head(home.Row, doc, "of:a"); string(fact.Is) != "0" {
			f.Errorf("the snapshot has the head %q, %v", fact.Is, err)
		}
		return nil
	}))
	f.equal(len(f.heads(home, store.Selector{Since: 0})), 3)

	// Two documents that are always written together are never seen apart.
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 2; i < 60; i++ {
			f.commit(home, i, "of:a", fmt.Sprint(i), "of:b", fmt.Sprint(i))
		}
	})
	for range 200 {
		f.ok(f.View(f.Context(), func(r store.Reader) error {
			a, err := r.Head(home.Row, doc, "of:a")
			f.ok(err)
			b, err := r.Head(home.Row, doc, "of:b")
			f.ok(err)
			s, err := r.Space(home.DID)
			f.ok(err)
			if string(a.Is) != string(b.Is) || a.Since != s.Since {
				f.Errorf("a is %s, b is %s, the space is at %d", a.Is, b.Is, s.Since)
			}
			return nil
		}))
	}
	writing.Wait()
}

func testCancel(f *fixture) {
	ended, cancel := context.WithCancel(f.Context())
	cancel()
	f.is(f.Update(ended, set("never", "1")), context.Canceled)
	f.is(f.View(ended, func(store.Reader) error { f.Error("a view ran though its context had ended"); return nil }), context.Canceled)

	// Waiting behind another: it gives up and does not run later.
	release := f.blocked()
	waiting, cancel := context.WithCancel(f.Context())
	gaveUp := make(chan error, 1)
	go func() { gaveUp <- f.Update(waiting, set("never", "1")) }()
	cancel()
	f.is(<-gaveUp, context.Canceled)
	release()
	f.write(set("next", "1"))
	f.equal(f.value("never"), "")

	// Started: it counts.
	started, cancel := context.WithCancel(f.Context())
	f.ok(f.Update(started, func(tx store.Tx) error {
		cancel()
		return tx.SetValue("started", "1")
	}))
	f.equal(f.value("started"), "1")

	home := f.space("home")
	f.commit(home, 0, "of:a", "1")
	reading, cancel := context.WithCancel(f.Context())
	f.is(f.View(reading, func(r store.Reader) error {
		cancel()
		_, err := heads(r, home, store.Selector{Since: -1})
		return err
	}), context.Canceled)
}

func testClose(f *fixture) {
	f.write(set("key", "1"))
	f.ok(f.Close())
	f.is(f.Update(f.Context(), set("key", "2")), store.ErrClosed)
	f.is(f.View(f.Context(), func(store.Reader) error { return nil }), store.ErrClosed)
	f.ok(f.Close())
}

func testCloseWaits(f *fixture) {
	release := f.blocked()
	const callers = 20
	running, started := make(chan error, callers), make(chan struct{}, callers)
	for i := range callers {
		go func() {
			started <- struct{}{}
			running <- f.Update(context.Background(), set(fmt.Sprint("caller ", i), "1"))
		}()
	}
	for range callers {
		<-started
	}
	old := f.Store
	closed := make(chan error, 1)
	go func() { closed <- old.Close() }()
	release()
	f.ok(<-closed)
	f.Store = f.open(f.TB, f.dir)
	answered := 0
	for range callers {
		if <-running == nil {
			answered++
		}
	}
	stored := 0
	for i := range callers {
		if f.value(fmt.Sprint("caller ", i)) == "1" {
			stored++
		}
	}
	f.equal(stored, answered) // the others were told that it is closed
}

func testReopen(f *fixture) {
	home := f.space("home")
	full := fullCharm(home)
	f.write(func(tx store.Tx) (err error) {
		full.Row, err = tx.PutCharm(full)
		f.ok(err)
		f.ok(tx.PutState(full.Row, fullState()))
		f.ok(tx.PutJob(charm.Job{ID: "01J", Charm: full.Row}))
		f.ok(tx.AddRun(fullRun("01R")))
		return tx.PutRecipe(charm.Recipe{ID: "ba4jc", Files: map[string]string{"a": "b"}})
	})
	fact := f.commit(home, 0, "of:a", "0")[0]
	f.write(set("key", "value"))
	for range 2 {
		f.reopen()
		f.equal(read(f, func(r store.Reader) (charm.Charm, error) { return r.Charm(full.Row) }), full)
		f.equal(read(f, func(r store.Reader) (charm.State, error) { return r.State(full.Row) }), fullState())
		f.equal(read(f, func(r store.Reader) (charm.Job, error) { return r.Job("01J") }), charm.Job{ID: "01J", Charm: full.Row})
		f.equal(read(f, func(r store.Reader) (charm.Run, error) { return r.Run("01R") }), fullRun("01R"))
		f.equal(read(f, func(r store.Reader) (charm.Recipe, error) { return r.Recipe("ba4jc") }), charm.Recipe{ID: "ba4jc", Files: map[string]string{"a": "b"}})
		f.equal(f.value("key"), "value")
		f.sameFact(f.head(home, "of:a"), fact)
	}
	f.commit(home, 1, "of:a", "1")
	f.sameFact(read(f, func(r store.Reader) (store.Fact, error) { return r.FactAsOf(home.Row, doc, "of:a", 0) }), fact)
}

func testSizeAndHealth(f *fixture) {
	before, err := f.Size()
	f.ok(err)
	home := f.space("home")
	f.write(func(tx store.Tx) error {
		return tx.AddFact(store.Fact{Space: home.Row, The: doc, Of: "of:a", Is: make([]byte, 1<<20)})
	})
	after, err := f.Size()
	f.ok(err)
	if before <= 0 || after < before+1<<20 {
		f.Errorf("a megabyte grew the store from %d to %d bytes", before, after)
	}
	f.ok(f.Health())
}
