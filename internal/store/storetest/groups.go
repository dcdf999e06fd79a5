package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"charmd/internal/store"
)

var errStop = errors.New("stop")

// blocked starts an Update that holds the writer until release is called, so
// that what is queued meanwhile shares a group.
func (f *fixture) blocked() (release func()) {
	running, gate, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- f.Update(context.Background(), func(store.Tx) error {
			close(running)
			<-gate
			return nil
		})
	}()
	<-running
	return sync.OnceFunc(func() {
		close(gate)
		f.ok(<-done)
	})
}

// grouped runs the functions in Updates that wait for the writer together, and
// returns their errors.
func (f *fixture) grouped(fns ...func(store.Tx) error) []error {
	release := f.blocked()
	errs := make([]error, len(fns))
	var all sync.WaitGroup
	started := make(chan struct{})
	for i, fn := range fns {
		all.Go(func() {
			started <- struct{}{}
			errs[i] = f.Update(context.Background(), fn)
		})
		<-started
		// From here it is a few steps to the queue, which cannot be seen from
		// outside. Whoever comes late has a group of his own.
		for range 100 {
			runtime.Gosched()
		}
	}
	release()
	all.Wait()
	return errs
}

func set(key, value string) func(store.Tx) error {
	return func(tx store.Tx) error { return tx.SetValue(key, value) }
}

func (f *fixture) value(key string) string {
	f.Helper()
	return read(f, func(r store.Reader) (string, error) { return r.Value(key) })
}

func testFailedMember(f *fixture) {
	home := f.space("home")
	var fns []func(store.Tx) error
	for i := range 20 {
		key := fmt.Sprint("member ", i)
		fns = append(fns, func(tx store.Tx) error {
			f.ok(tx.SetValue(key, "written"))
			f.ok(tx.AddFact(store.Fact{Space: home.Row, The: doc, Of: key, Is: []byte("1")}))
			if i%3 == 0 {
				return errStop
			}
			return nil
		})
	}
	for i, err := range f.grouped(fns...) {
		key, want := fmt.Sprint("member ", i), "written"
		if i%3 == 0 {
			want = ""
			f.is(err, errStop)
			missing(f, store.ErrNotFound, func(r store.Reader) (store.Fact, error) { return r.Head(home.Row, doc, key) })
		} else {
			f.ok(err)
			f.head(home, key)
		}
		f.equal(f.value(key), want)
	}

	// The same with nobody else in the group.
	f.refused(errStop, func(tx store.Tx) error {
		f.ok(tx.SetValue("single", "written"))
		return errStop
	})
	f.equal(f.value("single"), "")
	f.ok(f.Health())
}

func testPanic(f *fixture) {
	errs := f.grouped(
		set("before", "1"),
		func(tx store.Tx) error { f.ok(tx.SetValue("panic", "1")); panic(errStop) },
		func(tx store.Tx) error { f.ok(tx.SetValue("panic", "2")); panic("a text") },
		set("after", "1"),
	)
	f.ok(errs[0])
	f.is(errs[1], errStop)
	if errs[2] == nil {
		f.Error("a panic gave no error")
	}
	f.ok(errs[3])
	f.equal(f.value("before")+f.value("panic")+f.value("after"), "11")
}

func testGoexit(f *fixture) {
	errs := f.grouped(
		set("before", "1"),
		func(tx store.Tx) error { f.ok(tx.SetValue("gone", "1")); runtime.Goexit(); return nil },
		set("after", "1"),
	)
	if errs[1] == nil {
		f.Error("a function that ended its goroutine gave no error")
	}
	// Who was in the group with it may have to try again, but nobody hangs.
	f.write(set("next", "1"))
	f.equal(f.value("gone")+f.value("next"), "1")
	for i, key := range []string{"before", "", "after"} {
		if key != "" && (errs[i] == nil) != (f.value(key) == "1") {
			f.Errorf("%s: answered %v, stored %q", key, errs[i], f.value(key))
		}
	}
}

// testConstraintPassedOver: a statement that was refused leaves the rest of its
// transaction as it is.
func testConstraintPassedOver(f *fixture) {
	f.space("taken")
	f.write(func(tx store.Tx) error {
		f.ok(tx.SetValue("before", "1"))
		f.is(tx.DeleteJob("none"), store.ErrNotFound)
		f.is(tx.AddFact(store.Fact{Space: 4711, The: doc, Of: "of:a"}), store.ErrNotFound)
		return tx.SetValue("after", "1")
	})
	f.equal(f.value("before")+f.value("after"), "11")
}

func testAfterCommit(f *fixture) {
	var order []string // of one goroutine, the writer's
	say := func(tx store.Tx, what string) {
		tx.AfterCommit(func() {
			order = append(order, what)
			// It is on disk by now, so others see it.
			if got := f.value(what); got != "1" {
				f.Errorf("%s is told of before it can be read", what)
			}
		})
	}
	var ran []string
	member := func(name string, err error) func(store.Tx) error {
		return func(tx store.Tx) error {
			say(tx, name+" first")
			say(tx, name+" second")
			f.ok(tx.SetValue(name+" first", "1"))
			f.ok(tx.SetValue(name+" second", "1"))
			if err == nil {
				ran = append(ran, name+" first", name+" second")
			}
			return err
		}
	}
	errs := f.grouped(member("a", nil), member("failed", errStop), member("b", nil), member("c", nil))
	f.is(errs[1], errStop)
	f.equal(order, ran) // in order of the members, the failed one left out

	told := false
	f.write(func(tx store.Tx) error {
		tx.AfterCommit(func() { panic("a bug of the caller") })
		tx.AfterCommit(func() { told = true })
		return nil
	})
	if !told {
		f.Error("Update answered before AfterCommit had run")
	}
	f.write(set("next", "1"))
}

func testManyCallers(f *fixture) {
	const callers, each = 40, 25
	var all sync.WaitGroup
	var mu sync.Mutex
	var order []int64
	for c := range callers {
		all.Go(func() {
			for i := range each {
				err := f.Update(f.Context(), func(tx store.Tx) error {
					text, err := tx.Value("counter")
					if err != nil {
						return err
					}
					var n int64
					if text != "" {
						if _, err := fmt.Sscan(text, &n); err != nil {
							return err
						}
					}
					if (c+i)%5 == 0 {
						f.ok(tx.SetValue("counter", "spoilt"))
						return errStop
					}
					tx.AfterCommit(func() {
						mu.Lock()
						order = append(order, n)
						mu.Unlock()
					})
					return tx.SetValue("counter", fmt.Sprint(n+1))
				})
				if err != nil && !errors.Is(err, errStop) {
					f.Error(err)
				}
			}
		})
	}
	all.Wait()
	f.equal(f.value("counter"), fmt.Sprint(len(order)))
	f.equal(len(order), callers*each*4/5)
	if !slices.IsSorted(order) {
		f.Error("AfterCommit ran out of order")
	}
}
