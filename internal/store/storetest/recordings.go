package storetest

import (
	"fmt"

	"charmd/internal/charm"
	"charmd/internal/store"
)

func testRecordings(f *fixture) {
	home := f.space("home")
	counter, news := f.charm(home, "counter"), f.charm(home, "news")
	put := func(row int64, place int, run, body string) func(store.Tx) error {
		return func(tx store.Tx) error { return tx.PutRecording(row, place, run, []byte(body)) }
	}
	body := func(row int64, run string) string {
		f.Helper()
		return string(read(f, func(r store.Reader) ([]byte, error) { return r.Recording(row, run) }))
	}
	kept := func(row int64) []string {
		f.Helper()
		return read(f, func(r store.Reader) ([]string, error) { return r.Recordings(row) })
	}
	gone := func(row int64, run string) {
		f.Helper()
		missing(f, store.ErrNotFound, func(r store.Reader) ([]byte, error) { return r.Recording(row, run) })
	}
	f.equal(len(kept(counter.Row)), 0)
	for i := range 5 { // in three places
		f.write(put(counter.Row, i%3, fmt.Sprint("run", i), fmt.Sprint("body", i)))
	}
	f.write(put(news.Row, 0, "news0", ""))
	f.equal(kept(counter.Row), []string{"run4", "run3", "run2"})
	f.equal(body(counter.Row, "run3"), "body3")
	f.equal(body(news.Row, "news0"), "")
	gone(counter.Row, "run1")
	gone(news.Row, "run3")
	f.refused(store.ErrNotFound, put(4711, 0, "run", "body"))

	prune := func(keep, limit int) (n int) {
		f.write(func(tx store.Tx) (err error) {
			n, err = tx.PruneRecordings(keep, limit)
			return err
		})
		return n
	}
	f.write(func(tx store.Tx) error {
		for _, id := range []string{"run2", "run3", "run4"} {
			f.ok(tx.AddRun(charm.Run{ID: id, Charm: counter.Row, StartedAt: at(1), EndedAt: at(2), Outcome: charm.OK}))
		}
		return nil
	})
	f.equal(prune(3, 10), 1) // news0 has no record
	gone(news.Row, "news0")
	f.equal(prune(1, 1), 1)
	f.equal(prune(1, 10), 1)
	f.equal(prune(1, 10), 0)
	f.equal(kept(counter.Row), []string{"run3"})
	f.write(func(tx store.Tx) error { return tx.DeleteCharm(counter.Row) })
	gone(counter.Row, "run3")
}

func testRecasts(f *fixture) {
	home := f.space("home")
	counter, news := f.charm(home, "counter"), f.charm(home, "news")
	recasts := func(row int64) []store.Recast {
		f.Helper()
		return read(f, func(r store.Reader) ([]store.Recast, error) { return r.Recasts(row) })
	}
	recast := func(n int) store.Recast {
		return store.Recast{Charm: counter.Row, Since: int64(n), At: at(n), Before: fmt.Sprint("ba4jc", n), After: fmt.Sprint("ba4jc", n+1)}
	}
	f.complete(recast(1))
	for n := range 4 {
		f.write(func(tx store.Tx) error { return tx.AddRecast(recast(n+1), 3) })
	}
	f.equal(recasts(counter.Row), []store.Recast{recast(4), recast(3), recast(2)})
	f.equal(len(recasts(news.Row)), 0)
	f.refused(store.ErrNotFound, func(tx store.Tx) error { return tx.AddRecast(store.Recast{Charm: 4711}, 3) })
	f.write(func(tx store.Tx) error { return tx.DropRecast(counter.Row) })
	f.equal(recasts(counter.Row), []store.Recast{recast(3), recast(2)})
	f.refused(store.ErrNotFound, func(tx store.Tx) error { return tx.DropRecast(news.Row) })
	f.write(func(tx store.Tx) error { return tx.DeleteCharm(counter.Row) })
	f.equal(len(recasts(counter.Row)), 0)
}
