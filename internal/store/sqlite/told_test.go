package sqlite

import (
	"errors"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// TestTransactionsAreTold has members that write, that fail and that only read.
func TestTransactionsAreTold(t *testing.T) {
	t.Parallel()
	told, checkpoints := make(chan Commit, 100), make(chan time.Duration, 100)
	broken := errors.New("not this time")
	var fail error
	db := open(t, newPath(t), Options{
		Committed: func(c Commit) { told <- c }, Checkpointed: func(took time.Duration) { checkpoints <- took },
		Faults: func(p Point) error {
			if p == Committing {
				return fail
			}
			return nil
		},
		retry: time.Hour,
	})
	var space int64
	ok(t, db.Update(t.Context(), func(tx store.Tx) (err error) {
		space, err = tx.PutSpace(charm.Space{DID: "did:key:z1", Since: -1, CreatedAt: time.Unix(1, 0)})
		return err
	}))
	if c := <-told; c.Members != 1 || c.Facts != 0 || c.Took <= 0 || c.Err != nil {
		t.Errorf("told of %+v", c)
	}
	ok(t, db.Update(t.Context(), func(tx store.Tx) error { _, err := tx.Spaces(); return err }))

	since := int64(-1)
	facts := func(n int, err error) func(store.Tx) error {
		return func(tx store.Tx) error {
			for range n {
				since++
				f := store.Fact{Space: space, The: "application/json", Of: "of:a", Since: since, Is: []byte("1"), At: time.Unix(1, 0)}
				f.Ref[0] = byte(since + 1)
				if err := tx.AddFact(f); err != nil {
					return err
				}
			}
			return err
		}
	}
	grouped(t, db, facts(2, nil), facts(3, errors.New("undone")), facts(1, nil))
	if c := <-told; c.Members != 3 || c.Facts != 3 || c.Err != nil {
		t.Errorf("told of %+v, want three facts of three members", c)
	}

	ok(t, db.Checkpoint(t.Context()))
	if took := <-checkpoints; took <= 0 {
		t.Errorf("a checkpoint took %v", took)
	}
	if database, log := db.Files(); database < 4096 || log != 0 {
		t.Errorf("after a checkpoint the files have %d and %d bytes", database, log)
	}

	fail = broken
	if err := db.Update(t.Context(), set("k", "v")); err == nil {
		t.Error("the fault was passed over")
	}
	if c := <-told; !errors.Is(c.Err, broken) {
		t.Errorf("told of %+v, want the failure", c)
	}
	fail = nil
}
