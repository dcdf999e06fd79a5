package queue_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/queue"
	"charmd/internal/state"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

// A job whose charm is gone, which the schema does not let be, kept the service
// from starting.
func TestFault19_AJobOfACharmThatIsGone(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		c := w.add(1)
		w.mustEnd(w.next(), charm.OK)
		for _, status := range []charm.Status{charm.Running, charm.Pending} {
			w.sql(c, fmt.Sprintf(`pragma foreign_keys = 0; insert into job values
				('%[1]s', 999, 'execute_charm', '', 'due', 0, 1, 1, '%[1]s', 'run of it', 1, 1, 0, '', 0, 1, 1)`, status))
		}
		w.restart()
		if jobs := w.rows(); len(jobs) != 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
		w.mustEnd(w.next(), charm.OK)
	})
}

func TestFault19_ValuesThatNobodyWroteAreNamed(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	if err := db.Update(t.Context(), func(tx store.Tx) error { return tx.SetValue("service.epoch", "[1") }); err != nil {
		t.Fatal(err)
	}
	_, _, err := queue.Open(t.Context(), db, state.NewManager(5), queue.Options{})
	if charm.CodeOf(err) != charm.CodeDataCorrupt || !strings.Contains(err.Error(), "service.epoch") {
		t.Errorf("the error is %v", err)
	}
}
