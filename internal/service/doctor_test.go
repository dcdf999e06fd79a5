package service_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/testbin"
)

// examined is what charmd doctor said.
type examined struct {
	api.Diagnosis
	lines string // the same for people
	code  int
}

// codes are the codes of the problems, but for walls that this machine does not have.
func (e examined) codes() []string {
	var codes []string
	for _, p := range e.Problems {
		if p.Code != "sandbox" {
			codes = append(codes, p.Code)
		}
	}
	return codes
}

// examine examines the data directory, for programs and then for people.
func examine(t *testing.T, dir string, args ...string) (e examined) {
	t.Helper()
	text, code := charmdDoctor(t, dir, append(args, "--json")...)
	if err := json.Unmarshal([]byte(text), &e.Diagnosis); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	e.code = code
	if !slices.Contains(args, "--repair") {
		e.lines, _ = charmdDoctor(t, dir, args...)
	}
	return e
}

func charmdDoctor(t *testing.T, dir string, args ...string) (stdout string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testbin.Path(t), append([]string{"doctor", "--data-dir", dir}, args...)...)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+filepath.Join(dir, "runtime"))
	if !slices.Contains(args, "--listen") {
		cmd.Args = append(cmd.Args, "--listen", reserve(t))
	}
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if code > 1 {
		t.Fatalf("it ended with exit code %d: %s", code, log.String())
	}
	return out.String(), code
}

// lived makes a data directory of a service that has run two charms and stopped.
func lived(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	d := startDaemon(t, dir)
	for _, name := range []string{"counter", "other"} {
		d.runOK(d.add(counter, "home", name, every(time.Hour)))
	}
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// copyOf is another directory with the same files.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"admin.token", "operator.key", "vault.key", "charmd.db"} { // CopyFS opens them to others
		if err := os.Chmod(filepath.Join(to, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func execSQL(t *testing.T, dir, script string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "charmd.db"))
	if err == nil {
		_, err = db.ExecContext(t.Context(), script)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// spoilPages overwrites the root pages of tables and indexes.
func spoilPages(t *testing.T, dir string, names ...string) {
	t.Helper()
	path := filepath.Join(dir, "charmd.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	var offsets []int64
	for _, name := range names {
		var page, size int64
		err := db.QueryRowContext(t.Context(), "select rootpage, page_size from sqlite_schema, pragma_page_size where name = ?", name).Scan(&page, &size)
		if err != nil {
			t.Fatal(err)
		}
		offsets = append(offsets, (page-1)*size)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, at := range offsets {
		if _, err := file.WriteAt(bytes.Repeat([]byte{0xa5}, 512), at); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, dir, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func copiesIn(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "charmd.db.before-repair-*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestDoctorIsSilentWhenAllIsWell(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	well := func(when string) {
		t.Helper()
		e := examine(t, dir)
		if len(e.codes()) > 0 {
			t.Fatalf("%s: %+v", when, e.Problems)
		}
		if len(e.Problems) == 0 && (e.code != 0 || e.lines != "") {
			t.Fatalf("%s: exit code %d and %q", when, e.code, e.lines)
		}
	}
	if e := examine(t, dir); e.code != charm.ExitFailure || !strings.Contains(e.lines, "there is no charmd data in "+dir) {
		t.Fatalf("never started: exit code %d and %q", e.code, e.lines)
	}
	d := startDaemon(t, dir)
	d.runOK(d.add(counter, "home", "counter", every(time.Hour)))
	well("running")
	d.Kill()
	before, log := read(t, dir, "charmd.db"), read(t, dir, "charmd.db-wal")
	well("killed")
	if read(t, dir, "charmd.db") != before || read(t, dir, "charmd.db-wal") != log {
		t.Fatal("doctor has changed the database")
	}
	d = startDaemon(t, dir)
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	before = read(t, dir, "charmd.db")
	well("stopped")
	if names, err := filepath.Glob(filepath.Join(dir, "charmd.db?*")); err != nil || len(names) > 0 || read(t, dir, "charmd.db") != before {
		t.Fatalf("doctor has left %v, %v", names, err)
	}
}

func TestDoctorOfAStoppedService(t *testing.T) {
	t.Parallel()
	dir := lived(t)
	for _, tc := range []struct {
		name   string
		spoil  func(t *testing.T, dir string)
		code   string
		says   string
		mended bool // by --repair
		copied bool // the database was, for that
	}{
		{"token that others may read", func(t *testing.T, dir string) { chmod(t, filepath.Join(dir, "admin.token"), 0o644) },
			"file_mode", "admin.token (mode 0644)", true, false},
		{"database that others may write", func(t *testing.T, dir string) { chmod(t, filepath.Join(dir, "charmd.db"), 0o666) },
			"file_mode", "charmd.db (mode 0666)", true, false},
		{"directory that others may write to", func(t *testing.T, dir string) { chmod(t, dir, 0o777) },
			"data_directory", "others may write to the data directory", true, false},
		{"empty token", func(t *testing.T, dir string) { write(t, dir, "admin.token", nil) },
			"token", "does not hold a token", false, false},
		{"key gone", func(t *testing.T, dir string) { remove(t, dir, "operator.key") },
			"key_missing", "operator.key is gone", false, false},
		{"key overwritten", func(t *testing.T, dir string) { write(t, dir, "operator.key", []byte("no key")) },
			"key_invalid", "holds no Ed25519 private key", false, false},
		{"another key", func(t *testing.T, dir string) { write(t, dir, "operator.key", identity.Generate().MarshalPKCS8PEM()) },
			"key_foreign", "such as home", false, false},
		{"database gone", func(t *testing.T, dir string) { remove(t, dir, "charmd.db") },
			"database", "is gone", false, false},
		{"database empty", func(t *testing.T, dir string) { write(t, dir, "charmd.db", nil) },
			"database", "is empty", false, false},
		{"next run missing", func(t *testing.T, dir string) {
			execSQL(t, dir, "update state set next_run = 0 where charm = (select row from charm where name = 'counter')")
		}, "invariant", "home/counter stands against the invariants (unarmed)", true, true},
		{"next run in the far future", func(t *testing.T, dir string) {
			execSQL(t, dir, "update state set next_run = 99999999999999 where charm = (select row from charm where name = 'counter')")
		}, "invariant", "home/counter stands against the invariants (far_away)", true, true},
		{"two jobs", func(t *testing.T, dir string) {
			execSQL(t, dir, liveJob("a", "(select row from charm where name = 'counter')")+liveJob("b", "(select row from charm where name = 'counter')"))
		}, "invariant", "2 jobs of it are live", true, true},
		{"job of no charm", func(t *testing.T, dir string) { execSQL(t, dir, "pragma foreign_keys = off;"+liveJob("a", "4711")) },
			"stray_rows", "1 of table job belong to a charm that is gone", true, true},
		{"run of tomorrow", func(t *testing.T, dir string) {
			execSQL(t, dir, "update run set ended = ended + 86400000")
		}, "clock", "and a run has ended at", false, false},
		{"zone that is not known", func(t *testing.T, dir string) {
			execSQL(t, dir, "update charm set zone = 'Mars/Olympus' where name = 'counter'")
		}, "time_zone", "Mars/Olympus of home/counter", false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := copyOf(t, dir)
			tc.spoil(t, dir)
			e := examine(t, dir)
			if codes := e.codes(); e.code != charm.ExitFailure || len(codes) != 1 || codes[0] != tc.code {
				t.Fatalf("exit code %d and %+v", e.code, e.Problems)
			}
			if !strings.Contains(e.lines, tc.says) || strings.Count(e.lines, "\n") != len(e.Problems) || strings.Count(e.lines, ". Fix: ") != len(e.Problems) {
				t.Errorf("it says %s", e.lines)
			}
			repaired := examine(t, dir, "--repair")
			if mended := len(repaired.codes()) == 0; mended != tc.mended || mended != (len(repaired.Repaired) > 0) {
				t.Errorf("repaired %q, left %+v", repaired.Repaired, repaired.Problems)
			}
			if copies := copiesIn(t, dir); (len(copies) > 0) != tc.copied {
				t.Errorf("copies: %v", copies)
			}
			if !tc.mended {
				return
			}
			if again := examine(t, dir); len(again.codes()) > 0 {
				t.Errorf("after the repair: %+v", again.Problems)
			}
			d := startDaemon(t, dir)
			if err := d.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// liveJob is the SQL of a job that waits.
func liveJob(id, row string) string {
	return "insert into job select '" + id + "', " + row + ", 'execute_charm', '', 'retry', 0, unixepoch() * 1000, 1, 'pending', '', 0, 0, 0, '', 0, 0, 0;"
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// TestFault19_DoctorNeverWritesWithoutACopy damages the database: doctor names it
// and changes nothing, --repair mends what can be read after it has copied the
// file as it was.
func TestFault19_DoctorNeverWritesWithoutACopy(t *testing.T) {
	t.Parallel()
	dir := lived(t)
	for _, tc := range []struct {
		name   string
		spoil  func(t *testing.T, dir string)
		code   string
		mended bool
		copied bool
	}{
		{"indexes", func(t *testing.T, dir string) { spoilPages(t, dir, "run_job", "charm_name") }, "database_damaged", true, true},
		{"a table", func(t *testing.T, dir string) { spoilPages(t, dir, "state") }, "database_damaged", false, true},
		{"foreign", func(t *testing.T, dir string) {
			write(t, dir, "charmd.db", []byte(strings.Repeat("these are my notes\n", 500)))
		}, "database", false, false},
		{"newer", func(t *testing.T, dir string) { execSQL(t, dir, "pragma user_version = 4711") }, "database", false, false},
		{"cut", func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, "charmd.db"), 10_000); err != nil {
				t.Fatal(err)
			}
		}, "database", false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := copyOf(t, dir)
			tc.spoil(t, dir)
			before := read(t, dir, "charmd.db")
			e := examine(t, dir)
			if codes := e.codes(); e.code != charm.ExitFailure || len(codes) != 1 || codes[0] != tc.code {
				t.Fatalf("exit code %d and %+v", e.code, e.Problems)
			}
			if read(t, dir, "charmd.db") != before {
				t.Fatal("looking has changed the database")
			}
			repaired := examine(t, dir, "--repair")
			if mended := len(repaired.codes()) == 0; mended != tc.mended {
				t.Fatalf("repaired %q, left %+v", repaired.Repaired, repaired.Problems)
			}
			copies := copiesIn(t, dir)
			if (len(copies) > 0) != tc.copied || len(copies) > 0 && read(t, dir, filepath.Base(copies[0])) != before {
				t.Fatalf("copies %v, repaired %q", copies, repaired.Repaired)
			}
			if !tc.mended {
				if read(t, dir, "charmd.db") != before {
					t.Error("what could not be mended was changed")
				}
				return
			}
			if !strings.Contains(strings.Join(repaired.Repaired, "\n"), filepath.Base(copies[0])) {
				t.Errorf("it does not say where the copy is: %q", repaired.Repaired)
			}
			d := startDaemon(t, dir)
			list, err := d.Client.Charms(t.Context(), "")
			if err != nil || len(list) != 3 {
				t.Errorf("it has %d charms, %v", len(list), err)
			}
		})
	}
}

func TestDoctorOfARunningService(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := startDaemon(t, dir)
	chmod(t, filepath.Join(dir, "operator.key"), 0o640)
	if e := examine(t, dir); !slices.Equal(e.codes(), []string{"file_mode"}) {
		t.Errorf("found %+v", e.Problems)
	}
	if e := examine(t, dir, "--repair"); len(e.codes()) > 0 || len(e.Repaired) != 1 {
		t.Errorf("repaired %q, left %+v", e.Repaired, e.Problems)
	}
	token := read(t, dir, "admin.token")
	write(t, dir, "admin.token", []byte(strings.Repeat("x", 43)))
	if e := examine(t, dir); !slices.Equal(e.codes(), []string{"token"}) {
		t.Errorf("with another token: %+v", e.Problems)
	}
	write(t, dir, "admin.token", []byte(token))
	// One that does not find the daemon meets its lock.
	if err := os.RemoveAll(filepath.Join(dir, "runtime")); err != nil {
		t.Fatal(err)
	}
	if e := examine(t, dir); !slices.Equal(e.codes(), []string{"unreachable"}) {
		t.Errorf("without its runtime file: %+v", e.Problems)
	}
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
}

func TestDoctorNamesATakenAddressAndAFileOfADeadDaemon(t *testing.T) {
	t.Parallel()
	dir := lived(t)
	_, host := serve(t, http.NotFound)
	if e := examine(t, dir, "--listen", host); !slices.Equal(e.codes(), []string{"address"}) || !strings.Contains(e.lines, "is taken by another program") {
		t.Errorf("found %+v", e.Problems)
	}
	runtime := filepath.Join(dir, "runtime", "charmd")
	if err := os.MkdirAll(runtime, 0o700); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(reserve(t))
	text, err := json.Marshal(map[string]any{"url": "http://127.0.0.1:" + port, "dataDir": dir, "pid": os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	write(t, runtime, port+".json", text)
	if e := examine(t, dir); !slices.Equal(e.codes(), []string{"runtime_file"}) {
		t.Errorf("found %+v", e.Problems)
	}
	if e := examine(t, dir, "--repair"); len(e.codes()) > 0 || len(e.Repaired) != 1 {
		t.Errorf("repaired %q, left %+v", e.Repaired, e.Problems)
	}
}
