package sqlite_test

import (
	"path/filepath"
	"testing"

	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t testing.TB, dir string) store.Store {
		db, err := sqlite.Open(t.Context(), filepath.Join(dir, "charmd.db"), sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return db
	})
}
