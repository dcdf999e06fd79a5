package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

const dieEnv = "CHARMD_STORE_TEST_DIE_AT"

func init() {
	// writer writes from several goroutines and says what has been acknowledged.
	// It kills itself at the point that the environment counts out, if any.
	children["writer"] = func(path string) error {
		var options Options
		if n, err := strconv.Atoi(os.Getenv(dieEnv)); err == nil {
			options.Faults = func(Point) error {
				if n--; n == 0 {
					return killSelf()
				}
				return nil
			}
		}
		db, err := Open(context.Background(), path, options)
		if err != nil {
			return err
		}
		var space int64
		err = db.Update(context.Background(), func(tx store.Tx) (err error) {
			s, err := tx.SpaceNamed("crash")
			if errors.Is(err, store.ErrNotFound) {
				s = charm.Space{DID: "did:key:crash", Name: "crash"}
				s.Row, err = tx.PutSpace(s)
			}
			space = s.Row
			return err
		})
		if err != nil {
			return err
		}
		var all sync.WaitGroup
		for g := range 6 {
			all.Go(func() {
				for i := range 10_000 {
					name := fmt.Sprintf("%d-%d-%d", os.Getpid(), g, i)
					err := db.Update(context.Background(), func(tx store.Tx) error { return writeOnce(tx, space, name, i%7 == 3) })
					if err == nil {
						fmt.Println(name)
					} else if !errors.Is(err, errUndone) {
						fmt.Fprintln(os.Stderr, err)
						os.Exit(1)
					}
				}
			})
		}
		all.Wait()
		return db.Close()
	}
}

var errUndone = errors.New("undone on purpose")

// writeOnce writes what belongs together: a fact, its commit, a record.
func writeOnce(tx store.Tx, space int64, name string, undone bool) error {
	s, err := tx.SpaceNamed("crash")
	if err != nil {
		return err
	}
	fact := store.Fact{Space: space, The: "text", Of: name, Since: s.Since + 1, Is: []byte(strings.Repeat(name, 50)), At: time.Now()}
	if undone {
		fact.Of = "undone " + name
	}
	if err := tx.AddFact(fact); err != nil {
		return err
	}
	if err := tx.PutCommit(store.Commit{Space: space, Since: s.Since + 1, At: time.Now()}); err != nil {
		return err
	}
	if err := tx.AddRun(charm.Run{ID: fact.Of}); err != nil {
		return err
	}
	if undone {
		return errUndone
	}
	return nil
}

// TestFault01_Killed kills a process that writes, at every kind of point of a
// transaction and at any moment: afterwards all that was acknowledged is there,
// and what was not is there whole or not at all.
func TestFault01_Killed(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	path := newPath(t)
	acknowledged := make(map[string]bool)
	for round := range 14 {
		var env []string
		killAfter := -1
		if round%2 == 0 {
			env = append(env, fmt.Sprintf("%s=%d", dieEnv, 1+random.IntN(60)))
		} else {
			killAfter = random.IntN(150)
		}
		cmd := child(t.Context(), "writer", path, env...)
		out, err := cmd.StdoutPipe()
		ok(t, err)
		ok(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for n := 0; ; n++ {
			if n == killAfter {
				ok(t, cmd.Process.Kill())
			}
			if !lines.Scan() {
				break
			}
			acknowledged[lines.Text()] = true
		}
		ok(t, lines.Err())
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("the process was not killed: %v", err)
		}
		verifyWritten(t, path, acknowledged)
	}
	if len(acknowledged) < 100 {
		t.Errorf("only %d writes were acknowledged, which proves little", len(acknowledged))
	}
}

func verifyWritten(t *testing.T, path string, acknowledged map[string]bool) {
	t.Helper()
	db, err := Open(t.Context(), path, Options{})
	ok(t, err)
	defer func() { ok(t, db.Close()) }()
	ok(t, db.View(t.Context(), func(r store.Reader) error {
		s, err := r.SpaceNamed("crash")
		if errors.Is(err, store.ErrNotFound) && len(acknowledged) == 0 {
			return nil
		}
		ok(t, err)
		missing := len(acknowledged)
		var facts int64
		ok(t, r.Heads(s.Row, store.Selector{Since: -1}, func(f store.Fact) bool {
			facts++
			if acknowledged[f.Of] {
				missing--
			}
			if string(f.Is) != strings.Repeat(f.Of, 50) {
				t.Errorf("fact %s is not what was written", f.Of)
			}
			if _, err := r.Run(f.Of); err != nil {
				t.Errorf("fact %s without its record: %v", f.Of, err)
			}
			if _, err := r.CommitAt(s.Row, f.Since); err != nil {
				t.Errorf("fact %s without its commit: %v", f.Of, err)
			}
			return true
		}))
		runs, err := r.Runs(store.RunFilter{Limit: 1 << 20})
		ok(t, err)
		if missing != 0 {
			t.Errorf("%d of %d acknowledged writes are gone", missing, len(acknowledged))
		}
		if facts != s.Since+1 || int64(len(runs)) != facts {
			t.Errorf("%d facts, %d commits, %d records: they were written together", facts, s.Since+1, len(runs))
		}
		return nil
	}))
	onWriter(t, db, func(s *session) error {
		verdict, err := s.word(t.Context(), "pragma integrity_check")
		if verdict != "ok" {
			t.Errorf("integrity: %s", verdict)
		}
		return err
	})
}
