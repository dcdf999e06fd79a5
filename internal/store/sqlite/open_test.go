package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // databases are made by SQL

	"charmd/internal/charm"
	"charmd/internal/store"
)

// filled makes a database with some megabytes in it, closed cleanly.
func filled(t *testing.T, path string) {
	t.Helper()
	db, err := Open(t.Context(), path, Options{})
	ok(t, err)
	ok(t, db.Update(t.Context(), func(tx store.Tx) error {
		for i := range 500 {
			if err := tx.SetValue(fmt.Sprint("key ", i), strings.Repeat("value ", 1000)); err != nil {
				return err
			}
		}
		return nil
	}))
	ok(t, db.Close())
}

func overwrite(t *testing.T, path string, offset int64, with []byte) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	ok(t, err)
	defer file.Close()
	_, err = file.WriteAt(with, offset)
	ok(t, err)
}

func execSQL(t *testing.T, path, script string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	ok(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), script)
	ok(t, err)
}

// TestFault19_Refused opens files that are not, or not any more, databases of
// ours: each is refused with its code and left as it is.
func TestFault19_Refused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, path string)
		code  charm.ErrorCode
		says  string
	}{
		{"text", func(t *testing.T, path string) {
			ok(t, os.WriteFile(path, []byte(strings.Repeat("these are my notes\n", 500)), 0o600))
		}, charm.CodeDataCorrupt, "not an SQLite database"},
		{"short text", func(t *testing.T, path string) {
			ok(t, os.WriteFile(path, []byte("notes"), 0o600))
		}, charm.CodeDataCorrupt, "not an SQLite database"},
		{"signature alone", func(t *testing.T, path string) {
			ok(t, os.WriteFile(path, []byte(signature), 0o600))
		}, charm.CodeDataCorrupt, ""},
		{"foreign database", func(t *testing.T, path string) {
			execSQL(t, path, "create table notes (text)")
		}, charm.CodeDataCorrupt, "another program"},
		{"foreign application", func(t *testing.T, path string) {
			execSQL(t, path, "pragma application_id = 42; create table notes (text)")
		}, charm.CodeDataCorrupt, "another program"},
		{"newer", func(t *testing.T, path string) {
			filled(t, path)
			execSQL(t, path, "pragma user_version = 4711")
		}, charm.CodeDataNewer, "newer charmd"},
		{"garbage pages", func(t *testing.T, path string) {
			filled(t, path)
			overwrite(t, path, 4096*40, bytes.Repeat([]byte{0xa5}, 4096*3))
		}, charm.CodeDataCorrupt, "damaged"},
		{"garbage schema", func(t *testing.T, path string) {
			filled(t, path)
			overwrite(t, path, 100, bytes.Repeat([]byte{0xa5}, 3000))
		}, charm.CodeDataCorrupt, "damaged"},
		{"truncated", func(t *testing.T, path string) {
			filled(t, path)
			ok(t, os.Truncate(path, sizeOf(path)/2/4096*4096))
		}, charm.CodeDataCorrupt, "damaged"},
		{"truncated within a page", func(t *testing.T, path string) {
			filled(t, path)
			ok(t, os.Truncate(path, sizeOf(path)-1000))
		}, charm.CodeDataCorrupt, "damaged"},
		{"gone, with its log left", func(t *testing.T, path string) {
			ok(t, os.WriteFile(path+"-wal", make([]byte, 5000), 0o600))
		}, charm.CodeDataCorrupt, "gone"},
		{"emptied, with its log left", func(t *testing.T, path string) {
			ok(t, os.WriteFile(path, nil, 0o600))
			ok(t, os.WriteFile(path+"-wal", make([]byte, 5000), 0o600))
		}, charm.CodeDataCorrupt, "empty"},
		{"log deleted after a crash", func(t *testing.T, path string) {
			filled(t, path)
			ok(t, os.WriteFile(filepath.Join(filepath.Dir(path), lockName), []byte("123\nopen\n"), 0o600))
		}, charm.CodeDataCorrupt, "lacks its newest changes"},
		{"directory", func(t *testing.T, path string) {
			ok(t, os.Mkdir(path, 0o700))
		}, charm.CodeDataUnusable, ""},
		{"log is a directory", func(t *testing.T, path string) {
			filled(t, path)
			ok(t, os.Mkdir(path+"-wal", 0o700))
		}, charm.CodeDataUnusable, ""},
		{"no directory", func(t *testing.T, path string) {
			ok(t, os.Remove(filepath.Dir(path)))
		}, charm.CodeDataUnusable, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "data", "charmd.db")
			ok(t, os.Mkdir(filepath.Dir(path), 0o700))
			c.spoil(t, path)
			before, _ := os.ReadFile(path)
			for range 2 { // refusing must not be what makes it acceptable
				db, err := Open(t.Context(), path, Options{})
				if err == nil {
					ok(t, db.Close())
				}
				if e := wantCode(t, err, c.code); !strings.Contains(e.Message, c.says) || !strings.Contains(e.Message, path) {
					t.Errorf("message %q, want it to say %q and to name the file", e.Message, c.says)
				}
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the refused file was changed")
			}
		})
	}
}

func TestFault18_ReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root writes into read-only directories")
	}
	path := newPath(t)
	filled(t, path)
	ok(t, os.Remove(filepath.Join(filepath.Dir(path), lockName)))
	ok(t, os.Chmod(filepath.Dir(path), 0o500))
	t.Cleanup(func() { ok(t, os.Chmod(filepath.Dir(path), 0o700)) })
	_, err := Open(t.Context(), path, Options{})
	wantCode(t, err, charm.CodeDataUnusable)
}

func TestOpenEmptyFile(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	ok(t, os.WriteFile(path, nil, 0o600))
	db := open(t, path, Options{})
	ok(t, db.Update(t.Context(), set("key", "value")))
}

func TestOpenOddPaths(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b", "a?mode=memory", "a#b", "100%41", "ä日", ":memory:", "file:x", "a&b=c", "'\""} {
		path := filepath.Join(t.TempDir(), name)
		db := open(t, path, Options{})
		ok(t, db.Update(t.Context(), set("key", "value")))
		if sizeOf(path) <= 0 || sizeOf(path+"-wal") <= 0 {
			t.Errorf("%q is not where the database went", path)
		}
	}
}

func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	open(t, path, Options{})
	for _, name := range []string{path, path + "-wal", path + "-shm", filepath.Join(filepath.Dir(path), lockName)} {
		info, err := os.Stat(name)
		ok(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", filepath.Base(name), info.Mode().Perm())
		}
	}
}

func TestCleanCloseLeavesOneFile(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	filled(t, path)
	for _, suffix := range []string{"-wal", "-shm"} {
		if sizeOf(path+suffix) >= 0 {
			t.Errorf("%s%s is left after closing", filepath.Base(path), suffix)
		}
	}
	if n := sizeOf(filepath.Join(filepath.Dir(path), lockName)); n != 0 {
		t.Errorf("the lock's file has %d bytes after closing", n)
	}
}

func TestOpenIsCancelled(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	filled(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, path, Options{}); err == nil {
		t.Error("opened although the context had ended")
	}
	open(t, path, Options{}) // and nothing is held
}

func TestConnections(t *testing.T) {
	t.Parallel()
	db := open(t, newPath(t), Options{Readers: 1})
	for name, want := range map[string]int64{
		"synchronous": 2, "foreign_keys": 1, "wal_autocheckpoint": 0, "trusted_schema": 0, "busy_timeout": 5000,
	} {
		onWriter(t, db, func(s *session) error {
			got, err := s.number(t.Context(), "pragma "+name)
			if got != want {
				t.Errorf("%s of the writer is %d, want %d", name, got, want)
			}
			return err
		})
	}
	reader := <-db.readers
	defer func() { db.readers <- reader }()
	if _, err := reader.exec("delete from setting"); err == nil {
		t.Error("a reader can write")
	}
	reader.rollback()
}

// FuzzDamaged overwrites a part of a database. It is refused, or found damaged
// when it is read, or works; the process lives.
func FuzzDamaged(f *testing.F) {
	whole := filepath.Join(f.TempDir(), "charmd.db")
	db, err := Open(context.Background(), whole, Options{})
	ok(f, err)
	c := newCounter(f, db, "fuzz")
	for range 10 {
		ok(f, db.Update(context.Background(), func(tx store.Tx) error { return c.count(tx, time.UnixMilli(1)) }))
	}
	ok(f, db.Close())
	content, err := os.ReadFile(whole)
	ok(f, err)
	for _, offset := range []uint32{0, 16, 18, 20, 24, 28, 40, 52, 60, 68, 100, 108, 4096, 4100, 8192, 20_000} {
		f.Add(offset, []byte{0xff, 0, 0x80, 1})
		f.Add(offset, bytes.Repeat([]byte{0}, 500))
	}
	f.Fuzz(func(t *testing.T, offset uint32, with []byte) {
		path := newPath(t)
		damaged := bytes.Clone(content)
		copy(damaged[int(offset)%len(damaged):], with)
		ok(t, os.WriteFile(path, damaged, 0o600))
		db, err := Open(t.Context(), path, Options{})
		if err != nil {
			wantCodes(t, err, charm.CodeDataCorrupt, charm.CodeDataNewer, charm.CodeDataUnusable)
			return
		}
		defer db.Close()
		// What these say does not matter, as nobody can know what is right.
		_ = db.View(t.Context(), func(r store.Reader) error {
			_, _ = r.Spaces()
			_, _ = r.Charms("")
			_, _ = r.Runs(store.RunFilter{})
			return r.Heads(1, store.Selector{Since: -1}, func(store.Fact) bool { return true })
		})
		_ = db.Update(t.Context(), func(tx store.Tx) error { return c.count(tx, time.UnixMilli(2)) })
	})
}

func wantCodes(t *testing.T, err error, codes ...charm.ErrorCode) {
	t.Helper()
	if !slices.Contains(codes, charm.CodeOf(err)) {
		t.Errorf("error %v with code %s, want one of %v", err, charm.CodeOf(err), codes)
	}
}
