package storetest

import (
	"strings"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

func testSpaces(f *fixture) {
	feeds, home := f.space("feeds"), f.space("home")
	nameless := charm.Space{DID: "did:key:z6Mknameless", CreatedAt: at(1), Since: 99, Commit: ref("ignored")}
	f.write(func(tx store.Tx) (err error) {
		nameless.Row, err = tx.PutSpace(nameless)
		return err
	})
	nameless.Since, nameless.Commit = -1, [32]byte{} // PutCommit alone moves them
	other := charm.Space{DID: "did:key:z6Mkalso-nameless", CreatedAt: at(1), Since: -1}
	f.write(func(tx store.Tx) (err error) {
		other.Row, err = tx.PutSpace(other)
		return err
	})

	f.equal(read(f, store.Reader.Spaces), []charm.Space{feeds, home, nameless, other})
	f.equal(read(f, func(r store.Reader) (charm.Space, error) { return r.Space(home.DID) }), home)
	f.equal(read(f, func(r store.Reader) (charm.Space, error) { return r.SpaceNamed("feeds") }), feeds)
	missing(f, store.ErrNotFound, func(r store.Reader) (charm.Space, error) { return r.Space("did:key:nobody") })
	missing(f, store.ErrNotFound, func(r store.Reader) (charm.Space, error) { return r.SpaceNamed("nobody") })
	missing(f, store.ErrNotFound, func(r store.Reader) (charm.Space, error) { return r.SpaceNamed("") })

	renamed := home
	renamed.Name, renamed.DID = "house", "did:key:changed"
	f.write(func(tx store.Tx) error {
		row, err := tx.PutSpace(renamed)
		if row != home.Row {
			f.Errorf("row %d, want %d", row, home.Row)
		}
		return err
	})
	home.Name = "house"
	f.equal(read(f, func(r store.Reader) (charm.Space, error) { return r.SpaceNamed("house") }), home)

	put := func(s charm.Space) func(store.Tx) error {
		return func(tx store.Tx) error { _, err := tx.PutSpace(s); return err }
	}
	f.refused(conflict, put(charm.Space{DID: feeds.DID, Name: "second"}))
	f.refused(conflict, put(charm.Space{DID: "did:key:new", Name: "feeds"}))
	f.refused(conflict, put(charm.Space{Row: home.Row, DID: home.DID, Name: "feeds"}))
	f.refused(store.ErrNotFound, put(charm.Space{Row: 4711, DID: "did:key:new", Name: "new"}))
}

// fullCharm has every field set.
func fullCharm(s charm.Space) charm.Charm {
	return charm.Charm{
		Space: s.DID, SpaceName: s.Name, ID: "baedreifull", Name: "full", Recipe: "ba4jcfull", Integration: "rss",
		Schedule: charm.Schedule{Every: 90 * time.Second, Cron: "0 7 * * *", Zone: "Europe/Vienna"},
		Timeout:  1500 * time.Millisecond, Priority: -3, AllowHosts: []string{"10.0.0.1:80", "[::1]"},
		ProbeNever: true, Registered: true, CreatedAt: at(1), UpdatedAt: at(2),
	}
}

func testCharms(f *fixture) {
	home, away := f.space("home"), f.space("away")
	bare := f.charm(home, "bare")
	full := fullCharm(away)
	full.Row = 1
	f.complete(full)
	full.Row = 0
	f.write(func(tx store.Tx) (err error) {
		full.Row, err = tx.PutCharm(full)
		return err
	})
	f.equal(read(f, func(r store.Reader) ([]charm.Charm, error) { return r.Charms("") }), []charm.Charm{bare, full})
	f.equal(read(f, func(r store.Reader) ([]charm.Charm, error) { return r.Charms(away.DID) }), []charm.Charm{full})
	f.equal(read(f, func(r store.Reader) (charm.Charm, error) { return r.Charm(full.Row) }), full)
	f.equal(read(f, func(r store.Reader) (charm.Charm, error) { return r.CharmByID(home.DID, bare.ID) }), bare)
	missing(f, store.ErrNotFound, func(r store.Reader) (charm.Charm, error) { return r.Charm(4711) })
	missing(f, store.ErrNotFound, func(r store.Reader) (charm.Charm, error) { return r.CharmByID(away.DID, bare.ID) })

	changed := bare
	changed.Name, changed.Schedule, changed.Registered, changed.UpdatedAt = "changed", charm.Schedule{Cron: "@daily"}, true, at(9)
	f.write(func(tx store.Tx) error {
		row, err := tx.PutCharm(changed)
		if row != bare.Row {
			f.Errorf("row %d, want %d", row, bare.Row)
		}
		return err
	})
	f.equal(read(f, func(r store.Reader) (charm.Charm, error) { return r.Charm(bare.Row) }), changed)

	// The name of its space is the space's, whatever the charm was stored with.
	f.write(func(tx store.Tx) error {
		home.Name = "house"
		_, err := tx.PutSpace(home)
		return err
	})
	if name := read(f, func(r store.Reader) (charm.Charm, error) { return r.Charm(bare.Row) }).SpaceName; name != "house" {
		f.Errorf("the charm's space is named %q, want house", name)
	}
}

func testCharmKeys(f *fixture) {
	home, away := f.space("home"), f.space("away")
	first := f.charm(home, "first")
	put := func(change func(*charm.Charm)) func(store.Tx) error {
		return func(tx store.Tx) error {
			c := fullCharm(home)
			change(&c)
			_, err := tx.PutCharm(c)
			return err
		}
	}
	f.refused(conflict, put(func(c *charm.Charm) { c.ID = first.ID }))
	f.refused(conflict, put(func(c *charm.Charm) { c.Name = first.Name }))
	f.refused(store.ErrNotFound, put(func(c *charm.Charm) { c.Space = "did:key:unknown" }))
	f.refused(store.ErrNotFound, put(func(c *charm.Charm) { c.Row = 4711 }))
	f.write(put(func(c *charm.Charm) { c.Space, c.ID, c.Name = away.DID, first.ID, first.Name }))
	f.write(put(func(c *charm.Charm) { c.ID, c.Name = "nameless 1", "" }))
	f.write(put(func(c *charm.Charm) { c.ID, c.Name = "nameless 2", "" }))

	last := f.charm(home, "last")
	f.write(func(tx store.Tx) error { return tx.DeleteCharm(last.Row) })
	if again := f.charm(home, "last"); again.Row <= last.Row {
		f.Errorf("row %d was used again, as %d", last.Row, again.Row)
	}
}

// fullState has every field set.
func fullState() charm.State {
	return charm.State{
		Executions: 7, Successes: 5, Failures: 2, ConsecutiveFailures: 1, LastRun: "01RUN", LastOutcome: charm.Errored,
		LastExecuted: at(1), LastError: "TypeError: nöö", LastErrorCode: charm.CodeThrown, LastErrorAt: at(2),
		MinTime: 17 * time.Microsecond, MaxTime: time.Second, SumTime: 3 * time.Second, LastTime: 2 * time.Millisecond,
		NextRun: at(3), Disabled: true, DisabledBy: charm.ByFailures, DisabledReason: "5 failures in a row",
		DisabledAt: at(4), NextTry: at(5), ProbeWait: 5 * time.Minute, UncleanStops: 2, Waiting: charm.Wait{For: charm.ForLists, Why: "in the trash"}, NotBefore: at(6),
	}
}

func testStates(f *fixture) {
	home := f.space("home")
	a, b, c := f.charm(home, "a"), f.charm(home, "b"), f.charm(home, "c")
	f.complete(fullState())
	state := func(row int64) charm.State {
		return read(f, func(r store.Reader) (charm.State, error) { return r.State(row) })
	}
	f.equal(state(a.Row), charm.State{})
	f.equal(read(f, store.Reader.States), map[int64]charm.State{})
	f.write(func(tx store.Tx) error { return tx.PutState(a.Row, fullState()) })
	f.write(func(tx store.Tx) error { return tx.PutState(b.Row, charm.State{Executions: 1}) })
	f.equal(state(a.Row), fullState())
	f.equal(state(c.Row), charm.State{})
	f.equal(read(f, store.Reader.States), map[int64]charm.State{a.Row: fullState(), b.Row: {Executions: 1}})
	f.write(func(tx store.Tx) error { return tx.PutState(a.Row, charm.State{}) })
	f.equal(state(a.Row), charm.State{})
	f.refused(store.ErrNotFound, func(tx store.Tx) error { return tx.PutState(4711, fullState()) })
}

func testDeleteCharm(f *fixture) {
	home := f.space("home")
	gone, stays := f.charm(home, "gone"), f.charm(home, "stays")
	run := charm.Run{ID: "01RUN", Charm: gone.Row, Outcome: charm.OK, StartedAt: at(1), EndedAt: at(2)}
	f.write(func(tx store.Tx) error {
		for _, c := range []charm.Charm{gone, stays} {
			f.ok(tx.PutState(c.Row, fullState()))
			f.ok(tx.PutJob(charm.Job{ID: "job of " + c.Name, Charm: c.Row}))
			f.ok(tx.SetValue(store.LastActKey(c.Row), "act of "+c.Name))
		}
		return tx.AddRun(run)
	})
	f.write(func(tx store.Tx) error { return tx.DeleteCharm(gone.Row) })
	f.equal(read(f, func(r store.Reader) ([]charm.Charm, error) { return r.Charms("") }), []charm.Charm{stays})
	f.equal(read(f, store.Reader.States), map[int64]charm.State{stays.Row: fullState()})
	f.equal(read(f, func(r store.Reader) ([]charm.Job, error) { return r.Jobs(0) }), []charm.Job{{ID: "job of stays", Charm: stays.Row}})
	f.equal(read(f, func(r store.Reader) (charm.Run, error) { return r.Run("01RUN") }), run)
	for row, want := range map[int64]string{gone.Row: "", stays.Row: "act of stays"} {
		f.equal(read(f, func(r store.Reader) (string, error) { return r.Value(store.LastActKey(row)) }), want)
	}
	f.refused(store.ErrNotFound, func(tx store.Tx) error { return tx.DeleteCharm(gone.Row) })
	late := charm.Run{ID: "02RUN", Charm: gone.Row, Outcome: charm.Cancelled}
	f.write(func(tx store.Tx) error { return tx.AddRun(late) })
}

func testJobs(f *fixture) {
	c := f.charm(f.space("home"), "c")
	full := charm.Job{ID: "01B", Charm: c.Row, Type: charm.ExecuteCharm, Reason: charm.Retry, Priority: 4, DueAt: at(20),
		Attempt: 2, Status: charm.Running, Run: "01RUN", Epoch: 9, LeaseEnd: at(30), Once: true, FollowUp: "01C", Pages: 3,
		CreatedAt: at(10), ClaimedAt: at(21)}
	full.Task = charm.All
	f.complete(full)
	cleanup := charm.Job{ID: "01C", Type: charm.Maintenance, Task: charm.Cleanup, DueAt: at(10), Status: charm.Pending}
	later := charm.Job{ID: "01A", Charm: c.Row, Type: charm.ExecuteCharm, DueAt: at(40)}
	same := charm.Job{ID: "01D", Charm: c.Row, Type: charm.ExecuteCharm, DueAt: at(20)}
	f.write(func(tx store.Tx) error {
		for _, j := range []charm.Job{later, full, same, cleanup} {
			f.ok(tx.PutJob(j))
		}
		return nil
	})
	jobs := func(limit int) []charm.Job {
		return read(f, func(r store.Reader) ([]charm.Job, error) { return r.Jobs(limit) })
	}
	of := func(row int64) []charm.Job {
		return read(f, func(r store.Reader) ([]charm.Job, error) { return r.JobsOf(row) })
	}
	f.equal(jobs(0), []charm.Job{cleanup, full, same, later})
	f.equal(jobs(2), []charm.Job{cleanup, full})
	f.equal(of(c.Row), []charm.Job{full, same, later})
	f.equal(of(0), []charm.Job{cleanup})
	f.equal(len(of(4711)), 0)
	f.equal(read(f, func(r store.Reader) (charm.Job, error) { return r.Job("01B") }), full)
	missing(f, store.ErrNotFound, func(r store.Reader) (charm.Job, error) { return r.Job("01Z") })

	full.DueAt, full.Status, full.Once = at(50), charm.Pending, false
	f.write(func(tx store.Tx) error { return tx.PutJob(full) })
	f.equal(jobs(0), []charm.Job{cleanup, same, later, full})
	f.write(func(tx store.Tx) error { return tx.DeleteJob("01C") })
	f.equal(jobs(0), []charm.Job{same, later, full})
	f.refused(store.ErrNotFound, func(tx store.Tx) error { return tx.DeleteJob("01C") })
	f.refused(store.ErrNotFound, func(tx store.Tx) error { return tx.PutJob(charm.Job{ID: "01E", Charm: 4711}) })
}

func testRecipes(f *fixture) {
	recipe := func(id string) charm.Recipe {
		return read(f, func(r store.Reader) (charm.Recipe, error) { return r.Recipe(id) })
	}
	bundle := charm.Recipe{ID: "ba4jcbundle", Name: "news.tsx", Source: "export default 1 // <&>\u2028",
		Files: map[string]string{"/news.tsx": "import './x'", "/x.ts": "<b>&amp;\u2028</b>"}, CreatedAt: at(1)}
	plain := charm.Recipe{ID: "ba4jcplain", Name: "counter.tsx", Source: strings.Repeat("x", charm.MaxSourceBytes),
		Program: "exports.default=1", SourceMap: "{}", Compiler: "1", CreatedAt: at(2)}
	f.write(func(tx store.Tx) error {
		f.ok(tx.PutRecipe(bundle))
		return tx.PutRecipe(plain)
	})
	f.equal(recipe(bundle.ID), bundle)
	f.equal(recipe(plain.ID), plain)
	again := bundle
	again.Program, again.SourceMap, again.Compiler = "compiled", "map", "2"
	f.write(func(tx store.Tx) error {
		changed := again
		changed.Name, changed.Source, changed.CreatedAt = "not this", "nor this", at(99)
		return tx.PutRecipe(changed)
	})
	f.complete(again)
	f.equal(recipe(bundle.ID), again)
	missing(f, store.ErrNotFound, func(r store.Reader) (charm.Recipe, error) { return r.Recipe("ba4jcnone") })
}

func testValues(f *fixture) {
	value := func(key string) string {
		return read(f, func(r store.Reader) (string, error) { return r.Value(key) })
	}
	f.equal(value("epoch"), "")
	f.write(func(tx store.Tx) error { return tx.SetValue("epoch", "1") })
	f.write(func(tx store.Tx) error { return tx.SetValue("started", "now") })
	f.equal(value("epoch"), "1")
	f.write(func(tx store.Tx) error { return tx.SetValue("epoch", "2") })
	f.equal(value("epoch"), "2")
	f.equal(value("started"), "now")
	f.write(func(tx store.Tx) error { return tx.SetValue("epoch", "") })
	f.equal(value("epoch"), "")
}

// testTexts stores texts that databases have trouble with.
func testTexts(f *fixture) {
	for _, text := range []string{
		"", " ", "'", `"`, "''; drop table charm; --", "null", "0", "1e3", "\x00", "a\x00b", "%s%d", "_%",
		"ä ö ü ß", "日本語", "🎈👨‍👩‍👧", "\u2028\u2029\uffff", "\u202eevil", "line\r\nline", strings.Repeat("long ", 200_000),
	} {
		f.write(func(tx store.Tx) error { return tx.SetValue("text "+text, text) })
		f.equal(read(f, func(r store.Reader) (string, error) { return r.Value("text " + text) }), text)
	}
}
