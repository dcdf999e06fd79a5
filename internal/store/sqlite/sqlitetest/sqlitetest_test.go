package sqlitetest_test

import (
	"testing"

	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

// Databases of two tests are new and apart; what is there already stays.
func TestAt(t *testing.T) {
	t.Parallel()
	value := func(path, put string) (got string) {
		t.Helper()
		db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Update(t.Context(), func(tx store.Tx) (err error) {
			if got, err = tx.Value("key"); err != nil {
				return err
			}
			return tx.SetValue("key", put)
		}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	one, other := sqlitetest.Path(t), sqlitetest.Path(t)
	if got := value(one, "one") + value(other, "other"); got != "" {
		t.Errorf("a new database holds %q", got)
	}
	if got := value(sqlitetest.At(t, one), ""); got != "one" {
		t.Errorf("what was there holds %q", got)
	}
}
