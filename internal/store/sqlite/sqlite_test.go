package sqlite

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// childEnv names the part that the test binary plays when a test runs it again
// as a process of its own; children are the parts.
const childEnv = "CHARMD_STORE_TEST_CHILD"

var children = map[string]func(path string) error{}

func TestMain(m *testing.M) {
	if part := os.Getenv(childEnv); part != "" {
		if err := children[part](os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// child is the command that plays the part on the database at path.
func child(ctx context.Context, part, path string, env ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], path)
	cmd.Env = append(append(os.Environ(), childEnv+"="+part), env...)
	cmd.Stderr = os.Stderr
	return cmd
}

// open opens the database at path until the test ends.
func open(t testing.TB, path string, options Options) *DB {
	t.Helper()
	db, err := Open(t.Context(), path, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "charmd.db") }

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantCode requires an error for people with that code.
func wantCode(t testing.TB, err error, code charm.ErrorCode) *charm.Error {
	t.Helper()
	e, is := errors.AsType[*charm.Error](err)
	if !is || e.Code != code {
		t.Fatalf("error %v, want one with code %s", err, code)
	}
	if e.Hint == "" {
		t.Errorf("no hint what to do about: %v", e)
	}
	return e
}

func set(key, value string) func(store.Tx) error {
	return func(tx store.Tx) error { return tx.SetValue(key, value) }
}

func value(t testing.TB, db *DB, key string) (v string) {
	t.Helper()
	ok(t, db.View(t.Context(), func(r store.Reader) (err error) {
		v, err = r.Value(key)
		return err
	}))
	return v
}

// onWriter runs fn with the writer's connection, outside of a transaction.
func onWriter(t testing.TB, db *DB, fn func(s *session) error) {
	t.Helper()
	ok(t, db.submit(t.Context(), &member{alone: fn}))
}

// counter is a charm that counts: what one run of it writes is one commit with
// one fact, and one record.
type counter struct {
	did, of string
	charm   int64
}

// newCounter is a charm of the space named home.
func newCounter(t testing.TB, db *DB, name string) *counter {
	t.Helper()
	c := &counter{
		did: "did:key:z6MksHnZGdHxNoCqcC3kPvBSo2goCzLSWheQ8LrVpAtQwgwW",
		of:  "of:baedreiew6ioyvfnvp2bdvmgkkz64ffk6gssvgmibh7yaw43yqhtv2nq" + name,
	}
	ok(t, db.Update(t.Context(), func(tx store.Tx) (err error) {
		if _, err = tx.Space(c.did); errors.Is(err, store.ErrNotFound) {
			_, err = tx.PutSpace(charm.Space{DID: c.did, Name: "home"})
		}
		if err != nil {
			return err
		}
		c.charm, err = tx.PutCharm(charm.Charm{Space: c.did, ID: name, Name: name})
		return err
	}))
	return c
}

// ids are of the form and order of ULIDs.
var ids atomic.Int64

func newID() string { return fmt.Sprintf("01J%023d", ids.Add(1)) }

const the = "application/json"

// count is one run at the time, with values as long as those of a real one.
func (c *counter) count(tx store.Tx, at time.Time) error {
	s, err := tx.Space(c.did)
	if err != nil {
		return err
	}
	next := s.Since + 1
	is := fmt.Appendf(nil, `{"value":{"internal":{"count":%d},"pad":"%s"}}`, next, bytes.Repeat([]byte("x"), 360))
	fact := store.Fact{Space: s.Row, The: the, Of: c.of, Since: next, Is: is, At: at}
	rand.Read(fact.Ref[:])
	if err := tx.AddFact(fact); err != nil {
		return err
	}
	commit := store.Commit{Space: s.Row, Since: next, Ref: fact.Ref, At: at, Transaction: append(is, is...)}
	if err := tx.PutCommit(commit); err != nil {
		return err
	}
	return tx.AddRun(charm.Run{ID: newID(), Charm: c.charm, Job: newID(), Reason: charm.Due, Attempt: 1,
		DueAt: at, StartedAt: at, EndedAt: at, Outcome: charm.OK, Changed: 1, PeakBytes: 1 << 20})
}
