package sqlite

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// contentsOf is every file of a directory but the log's index, which readers write.
func contentsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	list, err := os.ReadDir(dir)
	ok(t, err)
	for _, e := range list {
		if strings.HasSuffix(e.Name(), "-shm") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		ok(t, err)
		files[e.Name()] = string(text)
	}
	return files
}

func same(a, b map[string]string) bool {
	for name := range a {
		if a[name] != b[name] {
			return false
		}
	}
	return len(a) == len(b)
}

func TestExamineChangesNothing(t *testing.T) {
	t.Parallel()
	look := func(path string) (value string) {
		t.Helper()
		dir := filepath.Dir(path)
		before := contentsOf(t, dir)
		ok(t, Examine(t.Context(), path, func(l *Look) (err error) {
			if l.Format != l.Known {
				t.Errorf("the format is %d, known is %d", l.Format, l.Known)
			}
			broken, err := l.Damage()
			if len(broken) > 0 || err != nil {
				t.Errorf("damage %q, %v", broken, err)
			}
			strays, err := l.Strays()
			if len(strays) > 0 || err != nil {
				t.Errorf("strays %q, %v", strays, err)
			}
			value, err = l.Value("key 1")
			return err
		}))
		if after := contentsOf(t, dir); !same(before, after) {
			t.Errorf("the files have changed")
		}
		return value
	}
	path := newPath(t)
	filled(t, path)
	if look(path) == "" {
		t.Error("nothing was read of a database that was closed")
	}

	// One that is left as a crash leaves it, its newest changes in the log.
	crashed := filepath.Join(t.TempDir(), "charmd.db")
	db, err := Open(t.Context(), path, Options{})
	ok(t, err)
	ok(t, db.Update(t.Context(), func(tx store.Tx) error { return tx.SetValue("key 1", "new") }))
	if err := Examine(t.Context(), path, func(*Look) error { return nil }); charm.CodeOf(err) != charm.CodeDataLocked {
		t.Errorf("of one that is open: %v", err)
	}
	for _, suffix := range []string{"", "-wal"} {
		ok(t, copyFile(path+suffix, crashed+suffix))
	}
	ok(t, os.WriteFile(filepath.Join(filepath.Dir(crashed), lockName), []byte("1\n"+mark+"\n"), 0o600))
	ok(t, db.Close())
	if got := look(crashed); got != "new" {
		t.Errorf("read %q of what is in the log", got)
	}
	db, err = Open(t.Context(), crashed, Options{})
	ok(t, err)
	ok(t, db.Close())
}

func TestExamineOfNothing(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	if err := Examine(t.Context(), path, func(*Look) error { return nil }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
	if files := contentsOf(t, filepath.Dir(path)); len(files) > 0 {
		t.Errorf("it has made %v", files)
	}
}

func TestCheckOfAnOpenDatabase(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	filled(t, path)
	db, err := Open(t.Context(), path, Options{})
	ok(t, err)
	found, err := db.Check(t.Context())
	if err != nil || len(found) > 0 {
		t.Errorf("found %q, %v", found, err)
	}
	overwrite(t, path, 4096*40, bytes.Repeat([]byte{0xa5}, 4096*3))
	if found, err = db.Check(t.Context()); err != nil || len(found) == 0 {
		t.Errorf("in a damaged one: %q, %v", found, err)
	}
	ok(t, db.Close())
}

func TestRepairWritesNothingWithoutACopy(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	filled(t, path)
	execSQL(t, path, "pragma foreign_keys = off; insert into state select 4711, 0, 0, 0, 0, '', '', 0, '', '', 0, 0, 0, 0, 0, 0, 0, '', '', 0, 0, 0, 0, '', 0, ''")
	at := time.Date(2026, 3, 1, 10, 31, 0, 0, time.UTC)
	copied := path + ".before-repair-20260301T103100Z"
	ok(t, os.WriteFile(copied, nil, 0o600))
	before := contentsOf(t, filepath.Dir(path))
	done, err := Repair(t.Context(), path, at)
	if charm.CodeOf(err) != charm.CodeDataUnusable || len(done) > 0 || !same(before, contentsOf(t, filepath.Dir(path))) {
		t.Fatalf("it did %q, %v", done, err)
	}
	done, err = Repair(t.Context(), path, at.Add(time.Second))
	ok(t, err)
	want := []string{"copied the database to " + path + ".before-repair-20260301T103101Z", "deleted 1 of table state that belonged to charms that are gone"}
	if !slices.Equal(done, want) {
		t.Errorf("it did %q", done)
	}
	text, err := os.ReadFile(path + ".before-repair-20260301T103101Z")
	ok(t, err)
	if string(text) != before[filepath.Base(path)] {
		t.Error("the copy is not what was there")
	}
	db, err := Open(t.Context(), path, Options{})
	ok(t, err)
	ok(t, db.Close())
}

// TestRepairKeepsTheLog repairs a database after a crash: what is in its log alone
// is in the copy and in what is written anew.
func TestRepairKeepsTheLog(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	filled(t, path)
	db, err := Open(t.Context(), path, Options{})
	ok(t, err)
	ok(t, db.Update(t.Context(), func(tx store.Tx) error { return tx.SetValue("key 1", "new") }))
	crashed := filepath.Join(t.TempDir(), "charmd.db")
	for _, suffix := range []string{"", "-wal"} {
		ok(t, copyFile(path+suffix, crashed+suffix))
	}
	ok(t, os.WriteFile(filepath.Join(filepath.Dir(crashed), lockName), []byte("1\n"+mark+"\n"), 0o600))
	ok(t, db.Close())
	ok(t, rewriteOf(t, crashed))
	for _, name := range []string{crashed, crashed + ".before-repair-20260301T103100Z"} {
		db, err := Open(t.Context(), name, Options{})
		ok(t, err)
		ok(t, db.View(t.Context(), func(r store.Reader) error {
			if got, err := r.Value("key 1"); got != "new" || err != nil {
				t.Errorf("%s holds %q, %v", name, got, err)
			}
			return nil
		}))
		ok(t, db.Close())
	}
}

func TestStraysAreNotWrittenAnew(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	filled(t, path)
	execSQL(t, path, "pragma foreign_keys = off; insert into state select 4711, 0, 0, 0, 0, '', '', 0, '', '', 0, 0, 0, 0, 0, 0, 0, '', '', 0, 0, 0, 0, '', 0, ''")
	var deleted []string
	ok(t, rewrite(t.Context(), path, &deleted))
	if !slices.Equal(deleted, []string{"deleted 1 of table state that belonged to charms that are gone"}) {
		t.Errorf("it did %q", deleted)
	}
	ok(t, Examine(t.Context(), path, func(l *Look) error {
		if strays, err := l.Strays(); err != nil || len(strays) > 0 {
			t.Errorf("left are %q, %v", strays, err)
		}
		return nil
	}))
}

// rewriteOf repairs the database and writes it anew, damaged or not.
func rewriteOf(t *testing.T, path string) error {
	t.Helper()
	if _, err := Repair(t.Context(), path, time.Date(2026, 3, 1, 10, 31, 0, 0, time.UTC)); err != nil {
		return err
	}
	return rewrite(t.Context(), path, new([]string))
}
