package simulation

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
)

// fault is what goes wrong in the next transaction.
type fault int

const (
	none         fault = iota
	refused            // the disk is full when it begins
	undone             // the disk fails when it commits
	slow               // it takes many seconds
	crashBefore        // the service dies before anything is written
	crashWriting       // the service dies before what is written is on disk
	crashAfter         // the service dies with all on disk and nobody told
	blind              // the next view fails
)

func (f fault) String() string {
	return [...]string{"", "disk full", "commit fails", "slow", "crash before", "crash while writing", "crash after", "view fails"}[f]
}

// errDied is what everyone hears from the store of a service that died.
var errDied = errors.New("the service died")

// sqliteError is an error as the database's driver makes them.
type sqliteError int

func (e sqliteError) Error() string { return fmt.Sprintf("injected error %d", int(e)) }
func (e sqliteError) Code() int     { return int(e) }

const (
	sqliteFull sqliteError = 13
	sqliteIO   sqliteError = 10
)

// faulty is the store of one life of the service, with the fault of its next
// transaction.
type faulty struct {
	*sqlite.DB

	mu   sync.Mutex
	next fault
	slow time.Duration
	dead bool // it died: nothing is answered any more
	gate bool // the transaction that holds the writer is under way; it meets no fault
}

func (f *faulty) arm(next fault, slow time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next, f.slow = next, slow
}

func (f *faulty) died() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dead
}

// point is the store's hook at every moment of every transaction.
func (f *faulty) point(p sqlite.Point) error {
	f.mu.Lock()
	if f.gate || f.next == none {
		f.gate = f.gate && p != sqlite.Committed
		f.mu.Unlock()
		return nil
	}
	at := map[fault]sqlite.Point{
		refused: sqlite.Beginning, slow: sqlite.Beginning, crashBefore: sqlite.Beginning,
		undone: sqlite.Committing, crashWriting: sqlite.Committing, crashAfter: sqlite.Committed,
	}
	now, lasts := f.next, f.slow
	if when, of := at[now]; !of || when != p {
		f.mu.Unlock()
		return nil
	}
	f.next = none
	f.dead = f.dead || now == crashBefore || now == crashWriting || now == crashAfter
	f.mu.Unlock()
	switch now {
	case refused:
		return sqliteFull
	case undone:
		return sqliteIO
	case slow:
		time.Sleep(lasts)
		return nil
	}
	return errDied
}

func (f *faulty) Update(ctx context.Context, fn func(store.Tx) error) error {
	if f.died() {
		return errDied
	}
	err := f.DB.Update(ctx, fn)
	if f.died() {
		return errDied
	}
	return err
}

func (f *faulty) View(ctx context.Context, fn func(store.Reader) error) error {
	f.mu.Lock()
	dead, fails := f.dead, f.next == blind
	if fails {
		f.next = none
	}
	f.mu.Unlock()
	switch {
	case dead:
		return errDied
	case fails:
		return charm.Errorf(charm.CodeUnavailable, "the disk cannot be read")
	}
	return f.DB.View(ctx, fn)
}
