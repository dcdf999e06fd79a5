package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	lib "modernc.org/sqlite/lib"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// fault is an error as the driver makes them.
type fault int

func (f fault) Error() string { return fmt.Sprintf("injected fault %d", int(f)) }
func (f fault) Code() int     { return int(f) }

// journalOf is a logger whose messages can be awaited.
type journalOf chan string

func newJournal() journalOf { return make(chan string, 1000) }

func (j journalOf) logger() *slog.Logger { return slog.New(j) }

func (j journalOf) Enabled(context.Context, slog.Level) bool { return true }
func (j journalOf) WithAttrs([]slog.Attr) slog.Handler       { return j }
func (j journalOf) WithGroup(string) slog.Handler            { return j }

func (j journalOf) Handle(_ context.Context, r slog.Record) error {
	j <- r.Message
	return nil
}

// recovered waits until the store has said that it works again.
func (j journalOf) recovered(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		select {
		case message := <-j:
			if strings.Contains(message, "can be written again") {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// grouped runs the functions in one group.
func grouped(t testing.TB, db *DB, fns ...func(store.Tx) error) []error {
	t.Helper()
	members := make([]*member, len(fns))
	errs := make([]error, len(fns))
	for i, fn := range fns {
		members[i] = &member{fn: func(t *tx) error { return fn(t) }, answer: make(chan error, 1)}
	}
	// The writer is held by a member of its own until all are in the queue.
	running, gate := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		onWriter(t, db, func(*session) error { close(running); <-gate; return nil })
	})
	<-running
	for _, m := range members {
		db.writer.queue <- m
	}
	close(gate)
	for i, m := range members {
		errs[i] = <-m.answer
	}
	all.Wait()
	return errs
}

// TestFault18_DiskFull fills the database up to a number of pages, which SQLite
// reports as it does a full disk.
func TestFault18_DiskFull(t *testing.T) {
	t.Parallel()
	journal := newJournal()
	db := open(t, newPath(t), Options{retry: time.Millisecond, Logger: journal.logger()})
	limit := func(pages int64) {
		onWriter(t, db, func(s *session) error {
			_, err := s.number(t.Context(), fmt.Sprint("pragma max_page_count = ", pages))
			return err
		})
	}
	limit(120)
	large := set("large", strings.Repeat("x", 1<<20))

	err := db.Update(t.Context(), large)
	if e := wantCode(t, err, charm.CodeUnavailable); !strings.Contains(e.Message, "disk is full") {
		t.Errorf("message %q", e.Message)
	}
	ok(t, journal.recovered(t.Context())) // what is small still finds room

	// In a group SQLite undoes all that ran before; those behind are not touched.
	errs := grouped(t, db, set("before", "1"), large, set("after", "1"))
	wantCode(t, errs[0], charm.CodeUnavailable)
	wantCode(t, errs[1], charm.CodeUnavailable)
	ok(t, errs[2])
	if got := value(t, db, "before") + value(t, db, "large") + value(t, db, "after"); got != "1" {
		t.Errorf("stored %d bytes, want those of the last member", len(got))
	}

	// A function that passes over the error is not committed by halves.
	err = db.Update(t.Context(), func(tx store.Tx) error {
		if err := tx.SetValue("first half", "1"); err != nil {
			return err
		}
		_ = large(tx)
		if err := tx.SetValue("second half", "1"); err == nil {
			t.Error("a lost transaction goes on")
		}
		return nil
	})
	wantCode(t, err, charm.CodeUnavailable)
	if got := value(t, db, "first half") + value(t, db, "second half"); got != "" {
		t.Errorf("half of a lost transaction is stored: %q", got)
	}

	limit(math.MaxInt32)
	ok(t, db.Update(t.Context(), large))
	ok(t, db.Health())
}

func TestFault18_CommitFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		point Point
		fault fault
		code  charm.ErrorCode
	}{
		{Beginning, lib.SQLITE_IOERR_WRITE, charm.CodeUnavailable},
		{Committing, lib.SQLITE_IOERR_WRITE, charm.CodeUnavailable},
		{Committing, lib.SQLITE_FULL, charm.CodeUnavailable},
		{Beginning, lib.SQLITE_READONLY, charm.CodeDataUnusable}, // the system does this to a disk with errors
	} {
		var broken atomic.Bool
		var told atomic.Int32
		path := newPath(t)
		journal := newJournal()
		db := open(t, path, Options{retry: time.Millisecond, Logger: journal.logger(), Faults: func(p Point) error {
			if p == c.point && broken.Load() {
				return c.fault
			}
			return nil
		}})
		write := func(key string) func(store.Tx) error {
			return func(tx store.Tx) error {
				tx.AfterCommit(func() { told.Add(1) })
				return tx.SetValue(key, "1")
			}
		}
		own := errors.New("own") // the reason for it is undone with the others
		broken.Store(true)
		errs := grouped(t, db, write("a"), write("b"), func(store.Tx) error { return own })
		for _, err := range errs {
			wantCode(t, err, c.code)
		}
		wantCode(t, db.Health(), c.code)
		if told.Load() != 0 {
			t.Error("AfterCommit ran for what was not committed")
		}
		if value(t, db, "a") != "" {
			t.Error("a failed commit left something")
		}
		broken.Store(false)
		ok(t, journal.recovered(t.Context())) // by itself
		ok(t, db.Update(t.Context(), write("c")))
		ok(t, db.Close())
		if got := value(t, open(t, path, Options{}), "c"); got != "1" {
			t.Errorf("after the failure %q was stored", got)
		}
	}
}

// TestFault18_FsyncFails: the store takes no more writes and has the process end.
// What it had acknowledged before is there for the next one.
func TestFault18_FsyncFails(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	fatal := make(chan error, 10)
	path := newPath(t)
	db, err := Open(t.Context(), path, Options{
		retry: time.Millisecond,
		Fatal: func(err error) { fatal <- err },
		Faults: func(p Point) error {
			if p == Committing && broken.Load() {
				return fault(lib.SQLITE_IOERR_FSYNC)
			}
			return nil
		},
	})
	ok(t, err)
	ok(t, db.Update(t.Context(), set("before", "1")))
	broken.Store(true)
	wantCode(t, db.Update(t.Context(), set("lost", "1")), charm.CodeUnavailable)
	wantCode(t, <-fatal, charm.CodeUnavailable)
	broken.Store(false)
	wantCode(t, db.Update(t.Context(), set("later", "1")), charm.CodeUnavailable)
	wantCode(t, db.Checkpoint(t.Context()), charm.CodeUnavailable)
	wantCode(t, db.Health(), charm.CodeUnavailable)
	if value(t, db, "before") != "1" {
		t.Error("it cannot be read any more")
	}
	log := sizeOf(path + "-wal")
	ok(t, db.Close())
	if sizeOf(path+"-wal") != log {
		t.Error("closing has touched the log, which cannot be trusted")
	}
	if len(fatal) != 0 {
		t.Error("Fatal was called again")
	}
	next := open(t, path, Options{})
	if got := value(t, next, "before") + value(t, next, "lost") + value(t, next, "later"); got != "1" || !next.owner.unclean {
		t.Errorf("the next owner finds %q, unclean %v", got, next.owner.unclean)
	}
	// In this process alone: the old connection is given up, not closed, and the
	// check for goroutines that are left needs it gone.
	ok(t, db.writer.close())
}

func TestDamageFoundLater(t *testing.T) {
	t.Parallel()
	fatal := make(chan error, 1)
	db, err := Open(t.Context(), newPath(t), Options{Fatal: func(err error) { fatal <- err }})
	ok(t, err)
	err = db.Update(t.Context(), func(tx store.Tx) error {
		return db.writer.note(fault(lib.SQLITE_CORRUPT_INDEX))
	})
	wantCode(t, err, charm.CodeDataCorrupt)
	wantCode(t, <-fatal, charm.CodeDataCorrupt)
	wantCode(t, db.Health(), charm.CodeDataCorrupt)
	ok(t, db.Close())
	ok(t, db.writer.close())
}

func init() {
	// cramped writes into a log that cannot grow, then into one that can again.
	children["cramped"] = func(path string) error {
		signal.Ignore(syscall.Signal(25)) // SIGXFSZ, so that writing fails instead
		journal := newJournal()
		db, err := Open(context.Background(), path, Options{retry: time.Millisecond, Logger: journal.logger()})
		if err != nil {
			return err
		}
		ctx := context.Background()
		if err := db.Update(ctx, set("before", "1")); err != nil {
			return err
		}
		if err := limitFileSize(uint64(sizeOf(path + "-wal"))); err != nil {
			return err
		}
		if err := db.Update(ctx, set("cramped", strings.Repeat("x", 1<<20))); charm.CodeOf(err) != charm.CodeUnavailable {
			return fmt.Errorf("a log that cannot grow: %w", err)
		}
		if db.Health() == nil {
			return errors.New("the store is healthy although nothing can be written")
		}
		if err := limitFileSize(math.MaxUint64); err != nil {
			return err
		}
		if err := journal.recovered(ctx); err != nil {
			return err
		}
		if err := db.Update(ctx, set("after", "1")); err != nil {
			return err
		}
		return db.Close()
	}
}

// TestFault18_WriteFails has the system refuse to write, and then allow it.
func TestFault18_WriteFails(t *testing.T) {
	t.Parallel()
	if err := limitFileSize(math.MaxUint64); err != nil {
		t.Skip("file sizes cannot be limited here:", err)
	}
	path := newPath(t)
	ok(t, child(t.Context(), "cramped", path).Run())
	db := open(t, path, Options{})
	if got := value(t, db, "before") + value(t, db, "cramped") + value(t, db, "after"); got != "11" {
		t.Errorf("stored %q", got)
	}
}

func TestPanicError(t *testing.T) {
	t.Parallel()
	db := open(t, newPath(t), Options{})
	err := db.Update(t.Context(), func(store.Tx) error { panic(os.ErrInvalid) })
	p, is := errors.AsType[*PanicError](err)
	if !is || !errors.Is(err, os.ErrInvalid) || !strings.Contains(string(p.Stack), "TestPanicError") {
		t.Errorf("error %#v does not tell of the panic", err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Error("the message holds the stack, which is for logs")
	}
}
