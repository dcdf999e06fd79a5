package storetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// fold repeats FoldRuns until it is done and returns how many it looked at.
func (f *fixture) fold(limit int) (sum int) {
	f.Helper()
	for {
		var n int
		f.write(func(tx store.Tx) (err error) {
			n, err = tx.FoldRuns(limit)
			return err
		})
		if n > limit {
			f.Fatalf("folded %d, more than %d", n, limit)
		}
		if n == 0 {
			return sum
		}
		sum += n
	}
}

func (f *fixture) stats(since time.Time) []store.Stat {
	f.Helper()
	return read(f, func(r store.Reader) ([]store.Stat, error) { return r.Stats(since) })
}

// ended adds the record of a run that ended then, took so long and was so late.
func (f *fixture) ended(c int64, o charm.Outcome, end time.Time, took, late time.Duration) {
	f.Helper()
	f.write(func(tx store.Tx) error {
		id := fmt.Sprintf("%d %d %s %s", c, end.UnixMilli(), took, o)
		return tx.AddRun(charm.Run{ID: id, Charm: c, Outcome: o, DueAt: end.Add(-took - late), StartedAt: end.Add(-took), EndedAt: end})
	})
}

func counted(times ...time.Duration) (h charm.Histogram) {
	for _, d := range times {
		h = h.Add(d)
	}
	return h
}

func testStats(f *fixture) {
	home := f.space("home")
	news := f.charm(home, "news")
	news.Integration = "rss"
	f.write(func(tx store.Tx) error {
		_, err := tx.PutCharm(news)
		return err
	})
	hour := at(0).Truncate(time.Hour)
	const ms = time.Millisecond
	f.ended(news.Row, charm.OK, hour, 10*ms, ms)
	f.ended(news.Row, charm.OK, hour.Add(time.Hour-ms), 30*ms, 7*time.Hour)
	f.ended(news.Row, charm.Errored, hour.Add(time.Minute), 20*ms, -5*ms) // it was pulled forward
	f.ended(news.Row, charm.OK, hour.Add(time.Hour), 40*ms, 0)
	f.ended(4711, charm.OK, hour, 50*ms, 0)                   // a charm that was removed
	f.ended(0, charm.OK, hour.Add(time.Minute), time.Hour, 0) // maintenance
	f.equal(f.stats(never), []store.Stat(nil))
	f.equal(f.fold(2), 6)

	full := store.Stat{Hour: hour, Integration: "rss", Outcome: charm.OK, Runs: 2, Busy: 40 * ms, Times: counted(10*ms, 30*ms), Lateness: counted(ms, 7*time.Hour)}
	f.complete(full)
	next := store.Stat{Hour: hour.Add(time.Hour), Integration: "rss", Outcome: charm.OK, Runs: 1, Busy: 40 * ms, Times: counted(40 * ms), Lateness: counted(0)}
	want := []store.Stat{
		{Hour: hour, Outcome: charm.OK, Runs: 1, Busy: 50 * ms, Times: counted(50 * ms), Lateness: counted(0)},
		{Hour: hour, Integration: "rss", Outcome: charm.Errored, Runs: 1, Busy: 20 * ms, Times: counted(20 * ms), Lateness: counted(0)},
		full, next,
	}
	f.equal(f.stats(hour), want)
	f.equal(f.stats(hour.Add(ms)), want[3:])

	var n int
	f.write(func(tx store.Tx) (err error) {
		n, err = tx.PruneStats(hour.Add(time.Hour))
		return err
	})
	f.equal(n, 3)
	f.equal(f.stats(never), want[3:])
}

// testStatsOutliveRuns: records that come after all others were taken are
// counted, too, also after the store was opened again.
func testStatsOutliveRuns(f *fixture) {
	c := f.charm(f.space("home"), "c")
	for round := range 3 {
		for i := range 5 {
			f.ended(c.Row, charm.OK, at(10*round+i), time.Second, 0)
		}
		f.equal(f.fold(100), 5)
		for left := 1; left > 0; {
			f.write(func(tx store.Tx) (err error) {
				left, err = tx.PruneRuns(200, at(10*round+9), 100)
				return err
			})
		}
		f.equal(len(f.runs(store.RunFilter{})), 0)
		f.reopen()
		f.equal(f.stats(never)[0].Runs, int64(5*(round+1)))
	}
}

// testFoldOnce folds in members that fail and in ones that do not.
func testFoldOnce(f *fixture) {
	c := f.charm(f.space("home"), "c")
	for i := range 20 {
		f.ended(c.Row, charm.OK, at(i), time.Second, 0)
	}
	undone := errors.New("undone")
	for range 5 {
		f.refused(undone, func(tx store.Tx) error {
			n, err := tx.FoldRuns(7)
			f.ok(err)
			f.equal(n, 7)
			return undone
		})
	}
	f.equal(f.stats(never), []store.Stat(nil))
	f.equal(f.fold(7), 20)
	f.equal(f.fold(7), 0)
	f.reopen()
	f.equal(f.fold(7), 0)
	f.equal(f.stats(never)[0].Runs, int64(20))
}

func testMinutes(f *fixture) {
	const ms = time.Millisecond
	minute := at(0).Truncate(time.Hour)
	minutes := func(since time.Time) []store.Minute {
		return read(f, func(r store.Reader) ([]store.Minute, error) { return r.Minutes(since) })
	}
	f.ended(4711, charm.OK, minute, 10*ms, ms)
	f.ended(4711, charm.Errored, minute.Add(time.Minute-ms), 10*ms, time.Second)
	f.ended(0, charm.OK, minute, 10*ms, ms) // maintenance
	f.equal(f.fold(100), 3)
	f.ended(4712, charm.Remote, minute.Add(time.Second), 10*ms, 0)
	f.ended(4712, charm.OK, minute.Add(2*time.Minute), 10*ms, 0)
	f.equal(f.fold(1), 2)
	full := store.Minute{Begin: minute, Runs: 3, Failed: 2, Lateness: counted(ms, time.Second, 0)}
	f.complete(full)
	later := store.Minute{Begin: minute.Add(2 * time.Minute), Runs: 1, Lateness: counted(0)}
	f.equal(minutes(minute), []store.Minute{full, later})
	f.equal(minutes(minute.Add(ms)), []store.Minute{later})
	f.write(func(tx store.Tx) error {
		n, err := tx.PruneMinutes(minute.Add(time.Minute))
		f.equal(n, 1)
		return err
	})
	f.equal(minutes(never), []store.Minute{later})
}

func testDropPrograms(f *fixture) {
	c := f.charm(f.space("home"), "c")
	f.write(func(tx store.Tx) error {
		for id, age := range map[string]int{c.Recipe: 0, "old": 1, "older": 2, "new": 100} {
			r := charm.Recipe{ID: id, Source: "source", Program: "program", SourceMap: "map", Compiler: "1", CreatedAt: at(age)}
			f.ok(tx.PutRecipe(r))
		}
		return nil
	})
	for _, want := range []int{1, 1, 0} {
		f.write(func(tx store.Tx) error {
			n, err := tx.DropPrograms(at(50), 1)
			f.equal(n, want)
			return err
		})
	}
	for id, want := range map[string]string{c.Recipe: "program", "old": "", "older": "", "new": "program"} {
		r := read(f, func(r store.Reader) (charm.Recipe, error) { return r.Recipe(id) })
		if r.Source != "source" || r.Program != want || (r.SourceMap == "") != (want == "") || (r.Compiler == "") != (want == "") {
			f.Errorf("recipe %s is %+v, want program %q", id, r, want)
		}
	}
}

func testCompact(f *fixture) {
	put := func(text string) {
		f.write(func(tx store.Tx) error { return tx.SetValue("large", text) })
	}
	put(strings.Repeat("x", 8<<20))
	put("small")
	for freed := int64(1); freed > 0; {
		var err error
		freed, err = f.Vacuum(f.Context(), 100)
		f.ok(err)
	}
	f.ok(f.Checkpoint(f.Context()))
	size, err := f.Size()
	f.ok(err)
	if size > 1<<20 {
		f.Errorf("the store takes %d bytes after it was compacted", size)
	}
	f.equal(read(f, func(r store.Reader) (string, error) { return r.Value("large") }), "small")
}
