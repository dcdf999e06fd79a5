package service_test

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // databases are spoiled, and made, by SQL

	"charmd/internal/charm"
	"charmd/internal/store/sqlite"
	"charmd/internal/testbin"
)

// sqlOn runs a script on the database file.
func sqlOn(t *testing.T, path, script string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err == nil {
		_, err = db.ExecContext(t.Context(), script)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// refused starts charmd on the data directory, which must end with the exit code,
// one line and a hint, and leave the database as it is.
func refused(t *testing.T, dir string, exitCode int, says string) {
	t.Helper()
	file := filepath.Join(dir, "charmd.db")
	before, _ := os.ReadFile(file) // it may not be there
	refusedTwice(t, dir, exitCode, says)
	if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
		t.Error("the database was changed")
	}
}

// refusedTwice is refused for what can only be seen in an open database.
func refusedTwice(t *testing.T, dir string, exitCode int, says string) {
	t.Helper()
	for range 2 { // refusing must not be what makes it acceptable
		cmd := exec.CommandContext(t.Context(), testbin.Path(t), "start", "--data-dir", dir, "--listen", "127.0.0.1:0")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		err := cmd.Run()
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok || exit.ExitCode() != exitCode {
			t.Fatalf("it ended with %v, want exit code %d:\n%s", err, exitCode, stderr.String())
		}
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		if len(lines) != 2 || !strings.HasPrefix(lines[0], "charmd: ") || !strings.Contains(lines[0], says) || !strings.HasPrefix(lines[1], "hint: ") {
			t.Errorf("it says, want %q and a hint:\n%s", says, stderr.String())
		}
	}
}

// ran is a data directory that a charm has run in, closed cleanly.
func ran(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	d := startDaemon(t, dir)
	d.runOK(d.add(counter, "s", "counter", notRegistered))
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestFault19_RefusedDatabases: each is one clear line and exit code 9.
func TestFault19_RefusedDatabases(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, file string)
		says  string
	}{
		{"damaged", func(t *testing.T, file string) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			copy(text[len(text)/4:len(text)/2], bytes.Repeat([]byte{0xa5}, len(text)))
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "damaged"},
		{"cut short", func(t *testing.T, file string) {
			if err := os.Truncate(file, 5000); err != nil {
				t.Fatal(err)
			}
		}, "damaged"},
		{"newer", func(t *testing.T, file string) { sqlOn(t, file, "pragma user_version = 4711") }, "was written by a newer charmd"},
		{"of another program", func(t *testing.T, file string) {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			sqlOn(t, file, "create table notes (text)")
		}, "belongs to another program"},
		{"no database", func(t *testing.T, file string) {
			if err := os.WriteFile(file, []byte("these are my notes\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "is not an SQLite database"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := ran(t)
			c.spoil(t, filepath.Join(dir, "charmd.db"))
			refused(t, dir, charm.ExitData, c.says)
		})
	}
}

// TestFault19_LostKeyOrDatabase: charmd makes neither in the place of one that is
// gone, and starts as before once it is put back.
func TestFault19_LostKeyOrDatabase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file string
		lose       func(path string) error
		says       string
	}{
		{"key gone", "operator.key", os.Remove, "operator.key is gone, and there are spaces that were made with it"},
		{"database gone", "charmd.db", os.Remove, "charmd.db is gone, and the key of its spaces is still there"},
		{"database empty", "charmd.db", func(path string) error { return os.Truncate(path, 0) }, "charmd.db is empty, and the key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := ran(t)
			path := filepath.Join(dir, c.file)
			kept, err := os.ReadFile(path)
			if err == nil {
				err = c.lose(path)
			}
			if err != nil {
				t.Fatal(err)
			}
			refusedTwice(t, dir, charm.ExitData, c.says)
			if err := os.WriteFile(path, kept, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := startDaemon(t, dir).Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFirstStartThatWasInterrupted: the database was made, the key not yet.
func TestFirstStartThatWasInterrupted(t *testing.T) {
	t.Parallel()
	for _, database := range []bool{false, true} {
		dir := t.TempDir()
		if database {
			db, err := sqlite.Open(t.Context(), filepath.Join(dir, "charmd.db"), sqlite.Options{})
			if err == nil {
				err = db.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(filepath.Join(dir, "charmd.db"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := startDaemon(t, dir).Stop(); err != nil {
			t.Error(err)
		}
	}
}

// TestFault19_LogDeleted: after kill -9 the newest changes are in the log. Without
// it charmd does not start as if nothing were missing, and with it again all is there.
func TestFault19_LogDeleted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := startDaemon(t, dir)
	ref := d.add(counter, "s", "counter", notRegistered)
	d.runOK(ref)
	d.Kill()
	log := filepath.Join(dir, "charmd.db-wal")
	if err := os.Rename(log, log+".away"); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, charm.ExitData, "lacks its newest changes")
	if err := os.Rename(log+".away", log); err != nil {
		t.Fatal(err)
	}
	if n := result[counted](t, startDaemon(t, dir).show(ref)).Value; n != 1 {
		t.Errorf("with its log the counter is %d", n)
	}
}

// TestFault19_TwoDaemons: the second one ends, and the first goes on.
func TestFault19_TwoDaemons(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := startDaemon(t, dir)
	ref := d.add(counter, "s", "counter", notRegistered)
	out, err := exec.CommandContext(t.Context(), testbin.Path(t), "start", "--data-dir", dir, "--listen", "127.0.0.1:0").CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != charm.ExitLocked || !strings.Contains(string(out), "another charmd (pid ") {
		t.Errorf("the second ended with %v:\n%s", err, out)
	}
	d.runOK(ref)
}

// TestFault23_UpgradeKeepsData starts on a database as the first release left it.
func TestFault23_UpgradeKeepsData(t *testing.T) {
	t.Parallel()
	first, err := os.ReadFile(filepath.Join("..", "store", "sqlite", "migrations", "0001_initial.sql"))
	if err != nil {
		t.Fatal(err)
	}
	old := t.TempDir()
	d := startDaemon(t, old)
	ref := d.add(counter, "s", "counter", notRegistered)
	run := d.runOK(ref)
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	// The database of today, carried back into the tables of then.
	dir := t.TempDir()
	for _, name := range []string{"operator.key", "admin.token"} {
		text, err := os.ReadFile(filepath.Join(old, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	db := filepath.Join(dir, "charmd.db")
	sqlOn(t, db, "pragma auto_vacuum = incremental; pragma application_id = 0x63686d64; pragma journal_mode = wal; "+string(first)+"; pragma user_version = 1")
	carryBack(t, db, filepath.Join(old, "charmd.db"))
	sqlOn(t, db, `delete from sweep where history in ('tally', 'run folded'); insert or replace into setting values ('service.totals', '{"starts":3,"totalExecutions":12,"totalSuccesses":9,"totalFailures":2}')`)

	again := startDaemon(t, dir)
	c := again.show(ref)
	if n := result[counted](t, c).Value; n != 1 || c.State.TotalSuccesses != 1 {
		t.Errorf("after the upgrade it stands as %d in %d runs", n, c.State.TotalSuccesses)
	}
	if s, err := again.Client.Status(t.Context()); err != nil || s.TotalExecutions < 12 || s.TotalFailures != 2 || s.Restarts != 3 {
		t.Errorf("after the upgrade the service's totals are %+v, %v", s, err)
	}
	if kept, err := again.Client.RunRecord(t.Context(), run.ID); err != nil || kept.Outcome != charm.OK {
		t.Errorf("the run's record is %+v, %v", kept, err)
	}
	again.runOK(ref)
}

// carryBack fills the tables of a database with the rows of a newer one, as far
// as it has their columns.
func carryBack(t *testing.T, into, from string) {
	t.Helper()
	db, err := sql.Open("sqlite", into)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // the other database is attached to one connection
	if _, err := db.ExecContext(t.Context(), "attach ? as newer", from); err != nil {
		t.Fatal(err)
	}
	rows, err := db.QueryContext(t.Context(), `select 'insert into main.' || m.name || ' (' || group_concat(c.name) || ') select ' || group_concat(c.name) || ' from newer.' || m.name
		from main.sqlite_schema m, pragma_table_info(m.name, 'main') c where m.type = 'table' and m.name not like 'sqlite_%' group by m.name`)
	if err != nil {
		t.Fatal(err)
	}
	script := "pragma foreign_keys = off;"
	for rows.Next() {
		var statement string
		if err := rows.Scan(&statement); err != nil {
			t.Fatal(err)
		}
		script += statement + ";"
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), script); err != nil {
		t.Fatal(err)
	}
}

// TestFault23_DowngradeIsRefused: an older charmd leaves a newer database alone.
func TestFault23_DowngradeIsRefused(t *testing.T) {
	t.Parallel()
	dir := ran(t)
	file := filepath.Join(dir, "charmd.db")
	sqlOn(t, file, "pragma user_version = 99; create table of_tomorrow (x)")
	refused(t, dir, charm.ExitData, "its format is 99")
	sqlOn(t, file, "drop table of_tomorrow")
}
