// Package sqlite keeps the store in one SQLite file. It exists because one
// process with one file needs nobody to install a database, and because a
// single writer that commits for many callers at once is faster than a server
// that commits for each.
package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// Options are the ways to open a database; the zero value is fine.
type Options struct {
	// Logger hears of failures that no caller is told; nil discards them.
	Logger *slog.Logger
	// Fatal is called once, on a goroutine of its own, when the store has closed
	// itself for writes because what it wrote may be lost or damaged. The process
	// should end: only a new one reads what really is on the disk.
	Fatal func(error)
	// Faults is called on the writer's goroutine at every point of every
	// transaction, for tests. An error takes the place of what the database
	// would have said at Beginning and Committing, and is ignored at Committed.
	Faults func(Point) error
	// Committed is told of every transaction that wrote, or failed, on the
	// writer's goroutine, and Checkpointed how long each checkpoint took. They
	// must not block; nil tells nobody.
	Committed    func(Commit)
	Checkpointed func(time.Duration)
	// Readers is how many views run at once; 0 means 4.
	Readers int

	retry time.Duration // how long after a failure writing is tried again; 0 means a second
}

// Point is a moment in a transaction of the database.
type Point int

// The points.
const (
	Beginning  Point = iota // nothing has been written
	Committing              // every member has written, nothing is on disk
	Committed               // it is on disk, nobody has been told
)

// DB is an open database. It is a store.Store.
type DB struct {
	path    string
	options Options
	owner   *ownership
	health  health

	writer     *writer
	checkpoint *checkpointer
	readers    chan *session

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup
}

var _ store.Store = (*DB)(nil)

// Open opens the database file at path, and makes it when it is not there; its
// directory must be. The process owns the database until Close. Errors are
// *charm.Error: CodeDataLocked when another process owns it, CodeDataUnusable
// when it cannot be written there, CodeDataCorrupt when it is damaged or not
// ours, CodeDataNewer when a newer charmd wrote it.
func Open(ctx context.Context, path string, options Options) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, unusable(path, err)
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.Readers <= 0 {
		options.Readers = 4
	}
	if options.retry == 0 {
		options.retry = time.Second
	}
	owner, err := own(path)
	if err != nil {
		return nil, err
	}
	db := &DB{path: path, options: options, owner: owner, readers: make(chan *session, options.Readers)}
	if err := db.open(ctx); err != nil {
		return nil, errors.Join(err, owner.release())
	}
	return db, nil
}

// open makes the connections, and starts the goroutines when all of them stand.
func (db *DB) open(ctx context.Context) (err error) {
	var sessions []*session
	defer func() {
		if err != nil {
			for _, s := range sessions {
				err = errors.Join(err, s.close())
			}
		}
	}()
	add := func(s *session, err error) (*session, error) {
		if err == nil {
			sessions = append(sessions, s)
		}
		return s, err
	}
	main, err := add(db.openMain(ctx))
	var last *rowNumbers
	if err == nil {
		last, err = lastRows(main)
	}
	if err != nil {
		if charm.CodeOf(err) == charm.CodeInternal && ctx.Err() == nil {
			// SQLite does not take a statement that every database of ours takes.
			err = damaged(db.path, err)
		}
		return err
	}
	if err := db.owner.claim(true); err != nil {
		return unusable(db.path, err)
	}
	pages, err := add(connect(ctx, db.path, checkpointPragmas...))
	if err != nil {
		return err
	}
	for range db.options.Readers {
		s, err := add(connect(ctx, db.path, readerPragmas...))
		if err != nil {
			return err
		}
		db.readers <- s
	}
	db.writer = newWriter(db, main, last)
	db.checkpoint = newCheckpointer(db, pages)
	go db.writer.run()
	go db.checkpoint.run()
	return nil
}

// openMain opens the writer's connection to a database that it has found to be
// in order, up to date, and open for writing.
func (db *DB) openMain(ctx context.Context) (_ *session, err error) {
	fresh, err := inspect(db.path, db.owner.unclean)
	if err != nil {
		return nil, err
	}
	if fresh {
		// SQLite gives its other files the mode of this one.
		file, err := os.OpenFile(db.path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, unusable(db.path, err)
		}
		if err := file.Close(); err != nil {
			return nil, unusable(db.path, err)
		}
	}
	s, err := connect(ctx, db.path, writerPragmas...)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if fresh, err = identify(ctx, s); err != nil {
		return nil, err
	}
	if fresh {
		err = create(ctx, s)
	} else {
		err = check(ctx, s, db.owner.unclean)
	}
	if err != nil {
		return nil, err
	}
	if err := journal(ctx, s); err != nil {
		return nil, err
	}
	if err := migrate(ctx, s, migrations); err != nil {
		return nil, err
	}
	// Writing once puts the log on disk, before the mark in the lock's file says
	// that there is one, and shows that writing works at all.
	_, err = s.exec(probe)
	return s, err
}

// enter counts a call in, or returns store.ErrClosed.
func (db *DB) enter() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return store.ErrClosed
	}
	db.calls.Add(1)
	return nil
}

// Close implements store.Store. Closing again does nothing.
func (db *DB) Close() error {
	db.mu.Lock()
	again := db.closed
	db.closed = true
	db.mu.Unlock()
	db.calls.Wait()
	if again {
		return nil
	}
	close(db.writer.queue)
	<-db.writer.stopped
	close(db.checkpoint.grown)
	<-db.checkpoint.stopped
	var errs []error
	for range cap(db.readers) {
		errs = append(errs, (<-db.readers).close())
	}
	errs = append(errs, db.checkpoint.close())
	if db.health.fatal() != nil {
		// Closing the last connection would copy the log into the database and
		// delete it, though neither can be trusted. The mark stays, too.
		return errors.Join(append(errs, db.owner.release())...)
	}
	// The mark goes first: a crash from here on leaves a log or none, both right.
	errs = append(errs, db.owner.claim(false), db.writer.close(), db.owner.write(""), db.owner.release())
	return errors.Join(errs...)
}

// Files is the size of the database and of its log, bytes.
func (db *DB) Files() (database, log int64) {
	return max(sizeOf(db.path), 0), max(sizeOf(db.path+"-wal"), 0)
}

// Size implements store.Store.
func (db *DB) Size() (int64, error) { return Size(db.path) }

// Size is what the database at path takes with its log and the log's index, as far
// as they are there, bytes.
func Size(path string) (sum int64, err error) {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		switch {
		case err == nil:
			sum += info.Size()
		case !errors.Is(err, os.ErrNotExist):
			return 0, err
		}
	}
	return sum, nil
}
