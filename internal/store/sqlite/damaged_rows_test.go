package sqlite

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// aCharm is a database that holds a charm, which has run once.
func aCharm(t *testing.T) (db *DB, row int64, at time.Time) {
	t.Helper()
	db, at = open(t, newPath(t), Options{}), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ok(t, db.Update(t.Context(), func(tx store.Tx) (err error) {
		if _, err = tx.PutSpace(charm.Space{DID: "did:key:z1", Name: "s", CreatedAt: at}); err != nil {
			return err
		}
		if row, err = tx.PutCharm(charm.Charm{Space: "did:key:z1", ID: "c", Name: "c", Schedule: charm.Schedule{Every: time.Minute}, AllowHosts: []string{"a"}, CreatedAt: at, UpdatedAt: at}); err != nil {
			return err
		}
		if err = tx.PutState(row, charm.State{NextRun: at, LastExecuted: at}); err != nil {
			return err
		}
		return tx.AddRun(charm.Run{ID: "r", Charm: row, Outcome: charm.OK, StartedAt: at, EndedAt: at})
	}))
	return db, row, at
}

// damageRows changes rows as no charmd does.
func damageRows(t *testing.T, db *DB, script string) {
	t.Helper()
	s := newSessionAt(t, db.path)
	ok(t, s.script(t.Context(), script))
}

// One row that holds a time or duration out of all bounds must not keep the others
// from being listed, nor count as due or as waiting for ever.
func TestFault19_TimesOutOfAllBounds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		stored string
		time   time.Time
		length time.Duration
	}{
		{"-9223372036854775808", time.Time{}, 0},
		{"-1", time.Time{}, 0},
		{"9223372036854775807", time.UnixMilli(lastTime).UTC(), time.Duration(longest) * time.Microsecond},
	} {
		db, row, _ := aCharm(t)
		damageRows(t, db, "update state set next_run = "+tc.stored+", last_executed = "+tc.stored+", probe_wait = "+tc.stored+";"+
			"update charm set timeout = "+tc.stored+"; update run set started = "+tc.stored+", cpu = "+tc.stored)
		ok(t, db.View(t.Context(), func(r store.Reader) error {
			c, err := r.Charm(row)
			ok(t, err)
			s, err := r.State(row)
			ok(t, err)
			runs, err := r.Runs(store.RunFilter{Limit: 1})
			ok(t, err)
			if !s.NextRun.Equal(tc.time) || !runs[0].StartedAt.Equal(tc.time) || s.ProbeWait != tc.length || c.Timeout != tc.length || runs[0].CPU != tc.length {
				t.Errorf("%s: next run %v, started %v, probe %v, timeout %v, cpu %v", tc.stored, s.NextRun, runs[0].StartedAt, s.ProbeWait, c.Timeout, runs[0].CPU)
			}
			if _, err := json.Marshal([]any{c, s, runs}); err != nil {
				t.Errorf("%s: %v", tc.stored, err)
			}
			return nil
		}))
	}
}

func TestFault19_WhatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		script, column string
		read           func(store.Reader) error
	}{
		{`update charm set allow_hosts = '["a'`, "allow_hosts", func(r store.Reader) error { _, err := r.Charms(""); return err }},
		{"update space set ref = x'00'", "ref", func(r store.Reader) error { _, err := r.Spaces(); return err }},
		{"update run set ledger = '{'", "ledger", func(r store.Reader) error { _, err := r.Run("r"); return err }},
	} {
		db, _, _ := aCharm(t)
		damageRows(t, db, tc.script)
		err := db.View(t.Context(), tc.read)
		if e := wantCode(t, err, charm.CodeDataCorrupt); !strings.Contains(e.Message, "column "+tc.column+":") || !strings.Contains(e.Message, db.path) {
			t.Errorf("%s: %v", tc.script, e)
		}
	}
}

// Figures are no reason to stop counting, and retention with it.
func TestFault19_DamagedFiguresAreEmpty(t *testing.T) {
	t.Parallel()
	db, row, at := aCharm(t)
	fold := func() {
		t.Helper()
		ok(t, db.Update(t.Context(), func(tx store.Tx) error { _, err := tx.FoldRuns(100); return err }))
	}
	fold()
	damageRows(t, db, "update stat set times = '[', lateness = 'x'; update minute set lateness = '{'")
	ok(t, db.Update(t.Context(), func(tx store.Tx) error {
		return tx.AddRun(charm.Run{ID: "s", Charm: row, Outcome: charm.OK, DueAt: at, StartedAt: at, EndedAt: at})
	}))
	fold()
	ok(t, db.View(t.Context(), func(r store.Reader) error {
		stats, err := r.Stats(time.Time{})
		if err != nil || len(stats) != 1 || stats[0].Runs != 2 {
			t.Errorf("%+v %v", stats, err)
		}
		return nil
	}))
}

// What no charmd leaves behind, and SQLite does not mind, is told all the same.
func TestFault19_RowsThatContradictEachOther(t *testing.T) {
	t.Parallel()
	db, _, at := aCharm(t)
	ok(t, db.Update(t.Context(), func(tx store.Tx) error {
		if err := tx.PutRecipe(charm.Recipe{ID: "r", CreatedAt: at, Files: map[string]string{}}); err != nil {
			return err
		}
		if err := tx.AddFact(store.Fact{Space: 1, Of: "of:a", The: "application/json", At: at, Is: []byte(`{"value":"\ud800"}`)}); err != nil {
			return err
		}
		return tx.PutCommit(store.Commit{Space: 1, At: at})
	}))
	for _, tc := range []struct{ damage, mend, found string }{
		{"update fact set value = cast('{' as blob)", `update fact set value = cast('{}' as blob)`, "documents that are no JSON: 1"},
		{"update fact set cause = x'00'", "update fact set cause = zeroblob(32)", "facts with a reference that is none: 1"},
		{"update memory set head = head + 9", "update memory set head = head - 9", "documents whose current fact is gone: 1"},
		{"update space set since = 7", "update space set since = 0", "spaces whose log ends at another commit: 1"},
		{"pragma foreign_keys = 0; update charm set space = 99", "update charm set space = 1", "charms whose space is gone: 1"},
		{"update charm set allow_hosts = '['", "update charm set allow_hosts = 'null'", "charms whose private hosts are no list: 1"},
		{"update recipe set files = ''", "update recipe set files = '{}'", "recipes whose files are no list: 1"},
	} {
		damageRows(t, db, tc.damage)
		found, err := db.Check(t.Context())
		if err != nil || len(found) != 1 || found[0] != tc.found {
			t.Errorf("%s: found %q, %v", tc.damage, found, err)
		}
		damageRows(t, db, tc.mend)
		if found, err := db.Check(t.Context()); err != nil || len(found) > 0 {
			t.Errorf("%s: found %q, %v", tc.mend, found, err)
		}
	}
}
