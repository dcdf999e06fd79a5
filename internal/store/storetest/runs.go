package storetest

import (
	"fmt"
	"strings"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

func fullRun(id string) charm.Run {
	return charm.Run{
		ID: id, Charm: 3, Job: "01JOB", Task: charm.Stats, Reason: charm.Again, Attempt: 2, DueAt: at(1), StartedAt: at(2),
		EndedAt: at(3), Outcome: charm.Errored, Code: charm.CodeThrown, Handler: "add", Error: "ReferenceError: x", Position: "news.tsx:3:14",
		Log: strings.Repeat("log: ä\n", 9000), Changed: 4, Since: 9, Requests: 5, Conflicts: 6, CPU: 7 * time.Microsecond, PeakBytes: 8 << 20,
		Walls: "namespaces landlock rlimits",
		Ledger: []charm.Request{{
			At: at(2), Method: "GET", URL: "https://a.example/<feed>?key=*", Host: "b.example", Via: []string{"a.example"}, Address: "192.0.2.1:443",
			Status: 200, Verdict: "sent", BytesIn: 1 << 40, BytesOut: 3, TookMs: 1.25, Error: "none",
		}, {At: at(3), Verdict: "refused"}},
	}
}

func (f *fixture) runs(filter store.RunFilter) []charm.Run {
	f.Helper()
	return read(f, func(r store.Reader) ([]charm.Run, error) { return r.Runs(filter) })
}

func testRuns(f *fixture) {
	full, bare := fullRun("01A"), charm.Run{ID: "01B", Outcome: charm.OK}
	f.complete(full)
	f.write(func(tx store.Tx) error {
		f.ok(tx.AddRun(full))
		return tx.AddRun(bare)
	})
	f.equal(read(f, func(r store.Reader) (charm.Run, error) { return r.Run("01A") }), full)
	f.equal(read(f, func(r store.Reader) (charm.Run, error) { return r.Run("01B") }), bare)
	missing(f, store.ErrNotFound, func(r store.Reader) (charm.Run, error) { return r.Run("01C") })

	amended := full
	amended.Outcome, amended.Code, amended.Error, amended.Log = charm.OK, "", "", full.Log+"and more\n"
	f.write(func(tx store.Tx) error { return tx.AmendRun(amended) })
	f.equal(read(f, func(r store.Reader) (charm.Run, error) { return r.Run("01A") }), amended)
	f.refused(store.ErrNotFound, func(tx store.Tx) error { return tx.AmendRun(charm.Run{ID: "01C"}) })
	f.write(func(tx store.Tx) error { return tx.AmendRun(full) })

	full.Log, full.Ledger = "", nil // lists leave them out
	f.equal(f.runs(store.RunFilter{}), []charm.Run{bare, full})
	f.refused(conflict, func(tx store.Tx) error { return tx.AddRun(charm.Run{ID: "01A"}) })
	f.equal(len(f.runs(store.RunFilter{})), 2)
}

func testRunFilters(f *fixture) {
	const runs = 250
	f.write(func(tx store.Tx) error {
		for i := range runs {
			r := charm.Run{ID: fmt.Sprintf("01%04d", i), Charm: int64(i%5 + 1), Job: fmt.Sprint("job", i/2), Outcome: charm.OK,
				StartedAt: at(i), EndedAt: at(i + 1)}
			if i%3 == 0 {
				r.Outcome = charm.Crashed
			}
			if i%10 == 3 {
				r.Charm = 0
			}
			f.ok(tx.AddRun(r))
		}
		return nil
	})
	for _, c := range []struct {
		name   string
		filter store.RunFilter
		want   func(i int) bool
		limit  int
	}{
		{"all", store.RunFilter{}, func(int) bool { return true }, 100},
		{"more", store.RunFilter{Limit: 1000}, func(int) bool { return true }, 1000},
		{"charm", store.RunFilter{Charm: 2, Limit: 1000}, func(i int) bool { return i%5 == 1 }, 1000},
		{"outcome", store.RunFilter{Outcome: charm.Crashed}, func(i int) bool { return i%3 == 0 }, 100},
		{"job", store.RunFilter{Job: "job7"}, func(i int) bool { return i/2 == 7 }, 100},
		{"since", store.RunFilter{Since: at(240)}, func(i int) bool { return i >= 240 }, 100},
		{"before", store.RunFilter{Before: "010010"}, func(i int) bool { return i < 10 }, 100},
		{"all together", store.RunFilter{Charm: 2, Outcome: charm.Crashed, Since: at(50), Before: "010200", Limit: 3},
			func(i int) bool { return i%5 == 1 && i%3 == 0 && i >= 50 && i < 200 }, 3},
		{"maintenance", store.RunFilter{Upkeep: true, Limit: 3}, func(i int) bool { return i%10 == 3 }, 3},
		{"none", store.RunFilter{Charm: 4711}, func(int) bool { return false }, 100},
	} {
		var want []string
		for i := runs - 1; i >= 0 && len(want) < c.limit; i-- {
			if c.want(i) {
				want = append(want, fmt.Sprintf("01%04d", i))
			}
		}
		var got []string
		for _, r := range f.runs(c.filter) {
			got = append(got, r.ID)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			f.Errorf("%s: got %v, want %v", c.name, got, want)
		}
	}

	// Pages follow one another without a gap and end.
	seen, before := 0, ""
	for {
		page := f.runs(store.RunFilter{Before: before, Limit: 60})
		if len(page) == 0 {
			break
		}
		seen, before = seen+len(page), page[len(page)-1].ID
	}
	f.equal(seen, runs)
}
