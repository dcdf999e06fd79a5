package storetest

import (
	"fmt"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// never is a time before all others: nothing is too old.
var never = time.UnixMilli(1)

// pruneFacts repeats PruneFacts until it is done and returns how many it deleted.
func (f *fixture) pruneFacts(keep int, before time.Time, limit int) (sum int) {
	f.Helper()
	for range 100_000 {
		var n int
		f.write(func(tx store.Tx) (err error) {
			n, err = tx.PruneFacts(keep, before, limit)
			return err
		})
		if n > limit {
			f.Fatalf("pruned %d, more than %d", n, limit)
		}
		if n == 0 {
			return sum
		}
		sum += n
	}
	f.Fatal("pruning does not end")
	return 0
}

// kept are the numbers of the commits as of which the document can be read; all
// before the first of them must be forgotten.
func (f *fixture) kept(s charm.Space, of string, born, last int) []int {
	f.Helper()
	var kept []int
	for since := born; since <= last; since++ {
		fact, err := read2(f, func(r store.Reader) (store.Fact, error) { return r.FactAsOf(s.Row, doc, of, int64(since)) })
		switch {
		case err == nil && fact.Since == int64(since):
			kept = append(kept, since)
		case err == nil:
			f.Errorf("%s as of %d is of %d", of, since, fact.Since)
		case len(kept) > 0:
			f.Errorf("%s as of %d: %v, yet it is kept as of %d", of, since, err, kept[0])
		default:
			f.is(err, store.ErrForgotten)
		}
	}
	return kept
}

// read2 returns what a method answers, its error too.
func read2[T any](f *fixture, method func(store.Reader) (T, error)) (v T, err error) {
	err = f.View(f.Context(), func(r store.Reader) (err error) {
		v, err = method(r)
		return err
	})
	return v, err
}

func numbers(from, to int) (n []int) {
	for ; from <= to; from++ {
		n = append(n, from)
	}
	return n
}

func testPruneFactsByNumber(f *fixture) {
	home := f.space("home")
	for i := range 20 {
		f.commit(home, i, "of:a", fmt.Sprint(i))
	}
	b := f.commit(home, 20, "of:b", "20")[0]
	f.equal(f.pruneFacts(100, never, 1000), 0)
	f.equal(f.kept(home, "of:a", 0, 19), numbers(0, 19))

	f.pruneFacts(5, never, 1000)
	f.equal(f.kept(home, "of:a", 0, 19), numbers(14, 19)) // the current one, and five before it
	f.sameFact(f.head(home, "of:b"), b)
	missing(f, store.ErrNotFound, func(r store.Reader) (store.Fact, error) { return r.FactAsOf(home.Row, doc, "of:b", 19) })
	missing(f, store.ErrNotFound, func(r store.Reader) (store.Fact, error) {
		return r.FactByRef(home.Row, doc, "of:a", ref(0, "/", 0, "of:a"))
	})

	// What comes later counts, too, and a retraction is a fact like any other.
	for i := 21; i < 24; i++ {
		f.commit(home, i, "of:a", "")
	}
	f.pruneFacts(2, never, 1000)
	f.equal(f.kept(home, "of:a", 21, 23), numbers(21, 23))
	f.pruneFacts(0, never, 1000)
	f.equal(f.kept(home, "of:a", 21, 23), []int{23})
	f.equal(f.heads(home, store.Selector{Since: -1}), []string{"of:a " + doc + "=", "of:b " + doc + "=20"})
}

func testPruneFactsByAge(f *fixture) {
	home := f.space("home")
	for i := range 20 {
		f.commit(home, i, "of:a", fmt.Sprint(i))
	}
	f.commit(home, 20, "of:old", "never changed")
	// A fact is superseded when the next one comes: 9 by 10, so 10 is the first to
	// stay when what was superseded before at(11) goes.
	f.pruneFacts(100, at(11), 1000)
	f.equal(f.kept(home, "of:a", 0, 19), numbers(10, 19))
	f.pruneFacts(100, at(5), 1000) // an earlier time brings nothing back
	f.equal(f.kept(home, "of:a", 0, 19), numbers(10, 19))
	f.pruneFacts(100, at(1000), 1000)
	f.equal(f.kept(home, "of:a", 0, 19), []int{19})
	f.equal(f.heads(home, store.Selector{Since: -1}), []string{"of:a " + doc + "=19", "of:old " + doc + "=never changed"})
	f.commit(home, 21, "of:old", "changed")
	f.pruneFacts(100, at(1000), 1000)
	f.equal(f.kept(home, "of:old", 20, 21), []int{21})
}

func testPruneInSteps(f *fixture) {
	home := f.space("home")
	const docs, versions = 30, 12
	for i := range versions {
		var pairs []string
		for d := range docs {
			pairs = append(pairs, fmt.Sprintf("of:%02d", d), fmt.Sprint(i))
		}
		f.commit(home, i, pairs...)
	}
	for step := range 3 {
		f.write(func(tx store.Tx) error {
			n, err := tx.PruneFacts(3, never, 7)
			if n != 7 {
				f.Errorf("step %d pruned %d, want 7", step, n)
			}
			return err
		})
	}
	f.reopen()
	f.pruneFacts(3, never, 7)
	for d := range docs {
		f.equal(f.kept(home, fmt.Sprintf("of:%02d", d), 0, versions-1), numbers(versions-4, versions-1))
	}

	// A step that fails leaves nothing behind, its progress neither.
	f.refused(errStop, func(tx store.Tx) error {
		if _, err := tx.PruneFacts(0, never, 1000); err != nil {
			return err
		}
		return errStop
	})
	f.pruneFacts(1, never, 1000)
	f.equal(f.kept(home, "of:00", 0, versions-1), numbers(versions-2, versions-1))
}

func testKeepLess(f *fixture) {
	home := f.space("home")
	for i := range 10 {
		f.commit(home, i, "of:a", fmt.Sprint(i))
	}
	for _, keep := range []int{8, 8, 3, 6, 1} {
		f.pruneFacts(keep, never, 1)
	}
	f.equal(f.kept(home, "of:a", 0, 9), []int{8, 9})
}

func testPruneTransactions(f *fixture) {
	home, away := f.space("home"), f.space("away")
	for i := range 10 {
		f.commit(home, i)
	}
	f.commit(away, 0)
	with := func(s charm.Space, last int) (n []int) {
		for since := range last + 1 {
			c := read(f, func(r store.Reader) (store.Commit, error) { return r.CommitAt(s.Row, int64(since)) })
			f.equal(c.Ref, ref("commit", since)) // kept for ever
			f.equal(c.At, at(since))
			if c.Transaction != nil {
				n = append(n, since)
			}
		}
		return n
	}
	f.pruneFacts(6, never, 1000)
	f.equal(with(home, 9), numbers(4, 9))
	f.equal(with(away, 0), []int{0})
	f.pruneFacts(6, at(8), 1000) // 6 was followed by 7 before that
	f.equal(with(home, 9), numbers(7, 9))
	f.pruneFacts(0, at(1000), 1000)
	f.equal(with(home, 9), []int{9})
	f.equal(with(away, 0), []int{0})
}

func testPruneRuns(f *fixture) {
	add := func(charms int64, from, to int) {
		f.write(func(tx store.Tx) error {
			for i := from; i < to; i++ {
				f.ok(tx.AddRun(charm.Run{ID: fmt.Sprintf("01%04d-%d", i, charms), Charm: charms, StartedAt: at(i), EndedAt: at(i), Log: "log"}))
			}
			return nil
		})
	}
	prune := func(keep int, before time.Time, limit int) {
		f.Helper()
		for range 1000 {
			var n int
			f.write(func(tx store.Tx) (err error) {
				n, err = tx.PruneRuns(keep, before, limit)
				return err
			})
			if n == 0 {
				return
			}
			if n > limit {
				f.Fatalf("pruned %d, more than %d", n, limit)
			}
		}
		f.Fatal("pruning does not end")
	}
	has := func(row int64) (ids []string) {
		for _, r := range f.runs(store.RunFilter{Charm: row, Limit: 1000}) {
			ids = append(ids, r.ID)
		}
		return ids
	}
	add(1, 0, 30)
	add(2, 0, 3)
	add(9, 50, 52)
	prune(5, never, 4)
	f.equal(has(1), []string{"010029-1", "010028-1", "010027-1", "010026-1", "010025-1"})
	f.equal(has(2), []string{"010002-2", "010001-2", "010000-2"})
	// A run that started before the others may end, and be stored, after them.
	add(1, 20, 21)
	prune(5, never, 4)
	f.equal(has(1), []string{"010029-1", "010028-1", "010027-1", "010026-1", "010025-1"})
	prune(5, at(28), 4)
	f.equal(has(1), []string{"010029-1", "010028-1"})
	f.equal(len(has(2)), 0)
	f.equal(has(9), []string{"010051-9", "010050-9"})
	prune(0, never, 4)
	f.equal(len(f.runs(store.RunFilter{})), 0)

	f.reopen() // the table is empty now, and those to come are looked at all the same
	add(3, 60, 70)
	prune(2, never, 1)
	f.equal(has(3), []string{"010069-3", "010068-3"})
}
