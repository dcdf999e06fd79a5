// Package sqlitetest gives tests new databases. It exists because to make one takes
// longer than most tests are at work with it, under the race detector a quarter of a
// second: it is made once for all tests of a package, and copied.
package sqlitetest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"charmd/internal/store/sqlite"
)

// made is the file of a database that was made and closed, and holds nothing.
var made = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "charmd-sqlitetest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "charmd.db")
	db, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// Open is a new database, which is closed when the test ends.
func Open(t testing.TB, o sqlite.Options) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), Path(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// Path is where a new database is, for sqlite.Open, until the test ends.
func Path(t testing.TB) string {
	t.Helper()
	return At(t, filepath.Join(t.TempDir(), "charmd.db"))
}

// At puts a new database at the path, unless there is something already, and returns
// the path.
func At(t testing.TB, path string) string {
	t.Helper()
	content, err := made()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return path
	}
	if err == nil {
		_, err = file.Write(content)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}
