package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	lib "modernc.org/sqlite/lib"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// TestKnownOfALostTransaction has a commit fail whose members succeeded: what the
// writer knew from them is not what is stored.
func TestKnownOfALostTransaction(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	db := open(t, newPath(t), Options{retry: time.Hour, Faults: func(p Point) error {
		if p == Committing && broken.Load() {
			return fault(lib.SQLITE_FULL)
		}
		return nil
	}})
	c := newCounter(t, db, "c")
	run := func(n int) func(store.Tx) error {
		return func(tx store.Tx) error {
			ok(t, c.count(tx, time.UnixMilli(int64(n))))
			ok(t, tx.PutState(c.charm, charm.State{Executions: int64(n)}))
			return tx.PutJob(charm.Job{ID: "job", Charm: c.charm, Attempt: n})
		}
	}
	stands := func(tx store.Tx) (text string) {
		space, err := tx.Space(c.did)
		ok(t, err)
		head, err := tx.Head(space.Row, the, c.of)
		ok(t, err)
		state, err := tx.State(c.charm)
		ok(t, err)
		jobs, err := tx.JobsOf(c.charm)
		ok(t, err)
		job, err := tx.Job("job")
		ok(t, err)
		return fmt.Sprint(space.Since, head.Since, state.Executions, len(jobs), jobs[0].Attempt, job.Attempt)
	}
	var before, during, after string
	ok(t, db.Update(t.Context(), run(1)))
	ok(t, db.Update(t.Context(), func(tx store.Tx) error { before = stands(tx); return nil }))
	broken.Store(true)
	for _, err := range grouped(t, db, run(2), run(3), func(tx store.Tx) error { during = stands(tx); return nil }) {
		wantCode(t, err, charm.CodeUnavailable)
	}
	broken.Store(false)
	ok(t, db.Update(t.Context(), func(tx store.Tx) error { after = stands(tx); return nil }))
	if before == during || before != after {
		t.Errorf("stood at %s, in the lost transaction at %s, after it at %s", before, during, after)
	}
}

// TestKnownOfAMemberThatFailed has one insert a space and a charm, look at them and
// fail: the next ones are given the same rows.
func TestKnownOfAMemberThatFailed(t *testing.T) {
	t.Parallel()
	db := open(t, newPath(t), Options{})
	c := newCounter(t, db, "c")
	add := func(name string, end error) func(store.Tx) error {
		return func(tx store.Tx) error {
			_, err := tx.Space(name)
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("the space that was not made yet: %v", err)
			}
			row, err := tx.PutSpace(charm.Space{DID: name})
			ok(t, err)
			space, err := tx.Space(name)
			ok(t, err)
			one, err := tx.PutCharm(charm.Charm{Space: c.did, ID: name})
			ok(t, err)
			stored, err := tx.Charm(one)
			ok(t, err)
			if space.Row != row || stored.ID != name {
				t.Errorf("space %d and charm %s are told, want %d and %s", space.Row, stored.ID, row, name)
			}
			return end
		}
	}
	lost := errors.New("lost")
	errs := grouped(t, db, add("a", lost), add("b", nil), add("a", nil))
	if !errors.Is(errs[0], lost) || errs[1] != nil || errs[2] != nil {
		t.Errorf("they ended with %v", errs)
	}
}

// TestKnownWhenOthersWrite changes a row by another connection, as a person may.
func TestKnownWhenOthersWrite(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := open(t, path, Options{})
	c := newCounter(t, db, "c")
	put := func(n int64) {
		ok(t, db.Update(t.Context(), func(tx store.Tx) error { return tx.PutState(c.charm, charm.State{Executions: n}) }))
	}
	executions := func() (n int64) {
		ok(t, db.Update(t.Context(), func(tx store.Tx) error {
			s, err := tx.State(c.charm)
			n = s.Executions
			return err
		}))
		return n
	}
	other, err := connect(t.Context(), path, everyPragma...)
	ok(t, err)
	put(1)
	ok(t, other.script(t.Context(), "update state set executions = 5"))
	if n := executions(); n != 5 {
		t.Errorf("the writer reads %d executions, want the 5 of the other connection", n)
	}
	put(6)
	ok(t, other.close())
	// A checkpoint beside the writer is no such change, nor is a commit of its own.
	db.checkpoint.one.Lock()
	_, err = db.checkpoint.checkpoint("passive")
	db.checkpoint.one.Unlock()
	ok(t, err)
	ok(t, db.Update(t.Context(), func(store.Tx) error {
		if len(db.writer.known.states) != 1 {
			t.Error("the transaction knows nothing of the one before")
		}
		return nil
	}))
}

// TestKnownIsBounded looks at more rows than the writer keeps, and at large ones.
func TestKnownIsBounded(t *testing.T) {
	t.Parallel()
	db := open(t, newPath(t), Options{})
	c := newCounter(t, db, "c")
	const rows = mostKnown + 10
	longName := "of:" + strings.Repeat("x", mostFact)
	value := bytes.Repeat([]byte("x"), 2*mostFactBytes/rows)
	ok(t, db.Update(t.Context(), func(tx store.Tx) error {
		space, err := tx.Space(c.did)
		ok(t, err)
		for i := range rows {
			if i < mostKnown-10 { // too much in bytes, but not in rows
				ok(t, tx.AddFact(store.Fact{Space: space.Row, The: the, Of: fmt.Sprint("of:", i), Is: value}))
			}
			one, err := tx.PutCharm(charm.Charm{Space: c.did, ID: fmt.Sprint("charm ", i)})
			ok(t, err)
			ok(t, tx.PutState(one, charm.State{Executions: 1}))
			_, err = tx.JobsOf(one)
			ok(t, err)
			ok(t, tx.PutJob(charm.Job{ID: fmt.Sprint("job ", i), Charm: one}))
			if _, err = tx.Charm(one); err != nil {
				return err
			}
		}
		ok(t, tx.AddFact(store.Fact{Space: space.Row, The: the, Of: longName}))
		return tx.AddFact(store.Fact{Space: space.Row, The: the, Of: "of:large", Is: bytes.Repeat(value, 1+mostFact/len(value))})
	}))
	onWriter(t, db, func(*session) error { // nobody else may look
		k := db.writer.known
		bytes := 0
		for _, f := range k.heads {
			bytes += len(f.Is) + len(f.Of) + len(f.The)
		}
		if bytes != k.bytes || bytes > mostFactBytes || bytes == 0 {
			t.Errorf("%d bytes of facts are known, counted as %d", bytes, k.bytes)
		}
		for what, n := range map[string]int{"charms": len(k.charms), "states": len(k.states), "charms' jobs": len(k.live), "jobs": len(k.jobs), "heads": len(k.heads)} {
			if n == 0 || n > mostKnown {
				t.Errorf("%d %s are known", n, what)
			}
		}
		for _, of := range []string{"of:large", longName} {
			if _, has := k.heads[place{1, of, the}]; has {
				t.Errorf("a large value or a long name is kept: %.10s", of)
			}
		}
		return nil
	})
}
