package storetest

import (
	"fmt"

	"charmd/internal/charm"
	"charmd/internal/store"
)

func (f *fixture) problems(row int64, limit int) []store.Problem {
	f.Helper()
	return read(f, func(r store.Reader) ([]store.Problem, error) { return r.Problems(row, limit) })
}

func (f *fixture) meet(p store.Problem, keep int) {
	f.Helper()
	f.write(func(tx store.Tx) error { return tx.MeetProblem(p, keep) })
}

func testProblems(f *fixture) {
	home := f.space("home")
	a, b := f.charm(home, "a"), f.charm(home, "b")
	first := store.Problem{Charm: a.Row, Key: "k", Outcome: charm.Errored, Code: charm.CodeThrown, Message: "no item 3",
		Position: "a.tsx:1:2", Run: "01A", Last: at(1)}
	again := store.Problem{Charm: a.Row, Key: "k", Outcome: charm.TimedOut, Code: charm.CodeTimeout, Message: "nö item 4",
		Position: "a.tsx:3:4", Run: "01B", Last: at(5)}
	f.equal(f.problems(0, 0), []store.Problem(nil))
	f.meet(first, 50)
	f.meet(again, 50)
	want := again
	want.First, want.Times = at(1), 2
	f.complete(want)
	f.equal(f.problems(a.Row, 0), []store.Problem{want})

	// One key of two charms is two problems; the one seen last comes first.
	other := store.Problem{Charm: b.Row, Key: "k", Message: "of b", Last: at(3)}
	f.meet(other, 50)
	other.First, other.Times = at(3), 1
	f.equal(f.problems(0, 0), []store.Problem{want, other})
	f.equal(f.problems(0, 1), []store.Problem{want})
	f.equal(f.problems(b.Row, 0), []store.Problem{other})
	f.equal(len(f.problems(4711, 0)), 0)
	f.refused(store.ErrNotFound, func(tx store.Tx) error { return tx.MeetProblem(store.Problem{Charm: 4711, Key: "k", Last: at(1)}, 50) })

	// A charm keeps those that were seen last.
	for i := range 10 {
		f.meet(store.Problem{Charm: a.Row, Key: fmt.Sprint("k", i), Last: at(10 + i)}, 4)
	}
	var keys []string
	for _, p := range f.problems(a.Row, 0) {
		keys = append(keys, p.Key)
	}
	f.equal(keys, []string{"k9", "k8", "k7", "k6"})
	f.equal(len(f.problems(b.Row, 0)), 1)

	prune := func(n int) (pruned int) {
		f.write(func(tx store.Tx) (err error) {
			pruned, err = tx.PruneProblems(at(n))
			return err
		})
		return pruned
	}
	f.equal(prune(17), 2) // of b, and k6
	f.equal(prune(17), 0)
	f.equal(len(f.problems(a.Row, 0)), 3)
	f.write(func(tx store.Tx) error { return tx.DeleteCharm(a.Row) })
	f.equal(len(f.problems(0, 0)), 0)
}

func testNotices(f *fixture) {
	none := func() { missing(f, store.ErrNotFound, store.Reader.FirstNotice) }
	add := func(n store.Notice, keep int) (dropped int) {
		f.write(func(tx store.Tx) (err error) {
			dropped, err = tx.AddNotice(n, keep)
			return err
		})
		return dropped
	}
	none()
	full := store.Notice{ID: "02", Body: `{"reason":"nö"}`, Attempts: 3, Due: at(1)}
	f.complete(full)
	f.equal(add(full, 2), 0)
	f.equal(add(store.Notice{ID: "01"}, 2), 0)
	f.equal(read(f, store.Reader.FirstNotice), full)
	full.Attempts, full.Due = 4, at(9)
	f.write(func(tx store.Tx) error {
		changed := full
		changed.Body = "not this"
		return tx.PutNotice(changed)
	})
	f.reopen()
	f.equal(read(f, store.Reader.FirstNotice), full)
	f.equal(add(store.Notice{ID: "00"}, 2), 1)
	f.equal(read(f, store.Reader.FirstNotice), store.Notice{ID: "01"})
	f.refused(store.ErrNotFound, func(tx store.Tx) error { return tx.DeleteNotice("02") })
	f.refused(store.ErrNotFound, func(tx store.Tx) error { return tx.PutNotice(store.Notice{ID: "02"}) })
	f.write(func(tx store.Tx) error { return tx.DeleteNotice("01") })
	f.equal(read(f, store.Reader.FirstNotice), store.Notice{ID: "00"})
	f.write(func(tx store.Tx) error { return tx.DeleteNotice("00") })
	none()
}

// testTally counts runs that retention takes away, over many transactions, some
// of which fail, and over restarts.
func testTally(f *fixture) {
	tally := func() map[charm.Outcome]int64 {
		return read(f, store.Reader.Tally)
	}
	f.equal(tally(), map[charm.Outcome]int64{})
	outcomes := []charm.Outcome{charm.OK, charm.OK, charm.Crashed, charm.Lost}
	n := 0
	add := func(tx store.Tx) {
		for _, o := range outcomes {
			n++
			f.ok(tx.AddRun(charm.Run{ID: fmt.Sprintf("%06d", n), Charm: int64(n%3 + 1), Outcome: o, StartedAt: at(n), EndedAt: at(n)}))
		}
		n++
		f.ok(tx.AddRun(charm.Run{ID: fmt.Sprintf("%06d", n), Outcome: charm.OK, EndedAt: at(n)})) // maintenance
	}
	for round := range int64(6) {
		f.write(func(tx store.Tx) error { add(tx); return nil })
		f.refused(errStop, func(tx store.Tx) error { add(tx); return errStop })
		f.write(func(tx store.Tx) error {
			add(tx)
			_, err := tx.PruneRuns(int(round%3), never, 7) // those of this transaction too
			return err
		})
		f.refused(errStop, func(tx store.Tx) error {
			_, err := tx.PruneRuns(0, at(n), 1000)
			f.ok(err)
			return errStop
		})
		want := map[charm.Outcome]int64{charm.OK: 4 * (round + 1), charm.Crashed: 2 * (round + 1), charm.Lost: 2 * (round + 1)}
		f.equal(tally(), want)
		f.reopen()
		f.equal(tally(), want)
	}
	// With all records gone none is counted twice, and none is missed after.
	for pruned := 1; pruned > 0; {
		f.write(func(tx store.Tx) (err error) {
			pruned, err = tx.PruneRuns(0, at(n+1), 1000)
			return err
		})
	}
	f.reopen()
	f.write(func(tx store.Tx) error { add(tx); return nil })
	f.equal(tally(), map[charm.Outcome]int64{charm.OK: 26, charm.Crashed: 13, charm.Lost: 13})

	// A record that is amended counts as what it says now, counted already or not.
	f.write(func(tx store.Tx) error {
		return tx.AddRun(charm.Run{ID: "new", Charm: 1, Outcome: charm.Lost, EndedAt: at(n + 9)})
	})
	for _, counted := range []bool{false, true} {
		if counted {
			f.write(func(tx store.Tx) error { _, err := tx.PruneRuns(1000, never, 1000); return err })
		}
		before := tally()
		for _, o := range []charm.Outcome{charm.OK, charm.OK, charm.Lost} {
			f.write(func(tx store.Tx) error { return tx.AmendRun(charm.Run{ID: "new", Outcome: o}) })
			moved := int64(0)
			if o == charm.OK {
				moved = 1
			}
			f.equal([]int64{tally()[charm.OK], tally()[charm.Lost]}, []int64{before[charm.OK] + moved, before[charm.Lost] - moved})
		}
	}
}
