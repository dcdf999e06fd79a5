package sqlite

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"charmd/internal/charm"
)

func TestLoadMigrations(t *testing.T) {
	t.Parallel()
	file := &fstest.MapFile{Data: []byte("select 1")}
	for _, c := range []struct {
		name  string
		files fstest.MapFS
		want  int
		err   string
	}{
		{"in order", fstest.MapFS{"migrations/0002_b.sql": file, "migrations/0001_a.sql": file, "migrations/notes.txt": file}, 2, ""},
		{"none", fstest.MapFS{}, 0, ""},
		{"a gap", fstest.MapFS{"migrations/0001_a.sql": file, "migrations/0003_c.sql": file}, 0, "0003_c.sql should have number 0002"},
		{"twice", fstest.MapFS{"migrations/0001_a.sql": file, "migrations/0001_b.sql": file}, 0, "0001_b.sql should have number 0002"},
		{"no number", fstest.MapFS{"migrations/first.sql": file}, 0, "first.sql should have number 0001"},
	} {
		list, err := loadMigrations(c.files)
		if len(list) != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %d migrations, %v; want %d, %q", c.name, len(list), err, c.want, c.err)
		}
	}
	if len(migrations) == 0 {
		t.Error("no migrations are embedded")
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	s, err := connect(t.Context(), newPath(t), writerPragmas...)
	ok(t, err)
	defer func() { ok(t, s.close()) }()
	version := func() int64 {
		n, err := s.number(t.Context(), "pragma user_version")
		ok(t, err)
		return n
	}
	things := func() int64 {
		n, err := s.number(t.Context(), "select count(*) from sqlite_schema")
		ok(t, err)
		return n
	}
	list := []migration{
		{1, "0001", "create table a (x); insert into a values (1)"},
		{2, "0002", "create table b (y); -- ends with a comment"},
	}
	ok(t, migrate(t.Context(), s, list[:1]))
	if version() != 1 || things() != 1 {
		t.Fatalf("version %d with %d tables after one migration", version(), things())
	}
	ok(t, migrate(t.Context(), s, list)) // the second alone: the first would fail
	ok(t, migrate(t.Context(), s, list)) // nothing to do
	if version() != 2 || things() != 2 {
		t.Fatalf("version %d with %d tables after both", version(), things())
	}

	broken := append(list, migration{3, "0003_broken.sql", "create table c (z); delete from a; insert into nowhere values (1)"})
	if err := migrate(t.Context(), s, broken); err == nil || !strings.Contains(err.Error(), "0003_broken.sql") {
		t.Errorf("error %v does not name the migration", err)
	}
	if n, err := s.number(t.Context(), "select count(*) from a"); n != 1 || err != nil || version() != 2 || things() != 2 {
		t.Errorf("a migration that failed left version %d with %d tables, %d rows, %v", version(), things(), n, err)
	}
}

// TestIndexes requires that every index serves a query of this package, and that
// no query that runs often reads a whole table.
func TestIndexes(t *testing.T) {
	t.Parallel()
	db := open(t, newPath(t), Options{Readers: 1})
	s := <-db.readers
	defer func() { db.readers <- s }()
	var plans strings.Builder
	for _, query := range []string{
		headQuery, factAsOfQuery, factByRefQuery,
		selectHead + " and (m.of, m.the) >= (?, ?) order by m.of, m.the limit ?",
		selectHead + " and m.of = ? and (m.of, m.the) > (?, ?) order by m.of, m.the limit ?",
		selectSpace + "where did = ?", selectSpace + "where name = ? and name <> ''",
		selectCharm + "where c.row = ?", selectCharm + "where s.did = ? and c.id = ?",
		selectState + "where charm = ?",
		selectJob + "where id = ?", selectJob + "where charm is ? order by due, id", // all of them are read whole: they are few
		selectRun, selectRuns + " order by id desc limit ?", selectRuns + " where charm = ? order by id desc limit ?",
		selectRuns + " where job = ? order by id desc limit ?",
		selectRecipe, "select value from setting where key = ?",
		facts.after, facts.bound, facts.remove, payloads.after, payloads.bound, payloads.remove, runs.after, runs.bound, runs.remove,
		pruneOldRuns, tallyEnd, tallySpan,
		selectProblem + newestProblems, selectProblem + "where charm = ? " + newestProblems, forgetProblems, pruneProblems,
		pruneOldRuns, unfoldedRuns, selectStat, selectStats, "delete from stat where hour < ?",
	} {
		ok(t, s.rows("explain query plan "+query, make([]any, strings.Count(query, "?")), func(scan func(...any) error) (bool, error) {
			var id, parent, unused int
			var detail string
			err := scan(&id, &parent, &unused, &detail)
			// In the order of an index, until the limit, is fine.
			if strings.HasPrefix(detail, "SCAN") && !strings.Contains(detail, "USING INDEX") {
				t.Errorf("%s\nreads a whole table: %s", query, detail)
			}
			plans.WriteString(detail + "\n")
			return true, err
		}))
	}
	names, err := list(s, "select name from sqlite_schema where type = 'index' and sql is not null", nil, func(scan func(...any) error) (name string, err error) {
		err = scan(&name)
		return name, err
	})
	ok(t, err)
	for _, name := range names {
		if name == "charm_name" {
			continue // it serves uniqueness alone
		}
		if !strings.Contains(plans.String(), " "+name) {
			t.Errorf("no query uses the index %s", name)
		}
	}
}

// States of before it was written what a charm waits for get that from the reason.
func TestMigrateWaits(t *testing.T) {
	t.Parallel()
	s, err := connect(t.Context(), newPath(t), writerPragmas...)
	ok(t, err)
	defer func() { ok(t, s.close()) }()
	ok(t, migrate(t.Context(), s, migrations[:6]))
	exec := func(query string) {
		t.Helper()
		_, err := s.exec(query)
		ok(t, err)
	}
	exec("pragma foreign_keys = off")
	reasons := []struct {
		waiting string
		want    charm.Need
	}{
		{"", ""},
		{"its documents are not in its space", charm.ForDocuments},
		{"it is in the trash of its space", charm.ForLists},
		{"it is in none of its space's lists (charms, pinned)", charm.ForLists},
		{"its recipe is not stored here", charm.ForRecipe},
		{"its schedule cannot be used: there is no time zone \"Mars/Phobos\"", charm.ForSchedule},
		{"its Google account ada@example.com must be connected again: it was taken back", charm.ForAccount},
	}
	old := slices.DeleteFunc(slices.Clone(stateColumns), func(name string) bool { return name == "waits_for" })
	for row, r := range reasons {
		values := make([]string, len(old))
		for i, name := range old {
			values[i] = "0"
			if name == "waiting" {
				values[i] = "'" + strings.ReplaceAll(r.waiting, "'", "''") + "'"
			}
		}
		values[0] = fmt.Sprint(row + 1)
		exec("insert into state (" + strings.Join(old, ", ") + ") values (" + strings.Join(values, ", ") + ")")
	}
	ok(t, migrate(t.Context(), s, migrations))
	ok(t, s.rows(selectState, nil, func(scan func(...any) error) (bool, error) {
		var row int64
		var got charm.State
		if err := scan(scanState(&row, &got)...); err != nil {
			return false, err
		}
		if r := reasons[row-1]; got.Waiting != (charm.Wait{For: r.want, Why: r.waiting}) {
			t.Errorf("%q became %+v", r.waiting, got.Waiting)
		}
		reasons[row-1].waiting = "seen"
		return true, nil
	}))
	for _, r := range reasons {
		if r.waiting != "seen" {
			t.Errorf("the state with %q is gone", r.waiting)
		}
	}
}
