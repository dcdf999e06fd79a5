package sqlite

import (
	"context"
	"fmt"
	"sync"
)

// checkpointFrames is the length of the log, in pages of 4 KiB, at which it is
// copied into the database.
const checkpointFrames = 1000

// checkpointer copies the log into the database beside the writer, which thereby
// need not wait for it. Under steady load the log has grown again when it is
// done, and only a log that is copied to its end starts over; so the writer is
// asked to copy that rest, which is short, between two transactions.
type checkpointer struct {
	*session
	db      *DB
	grown   chan struct{}
	stopped chan struct{}
	// one is held during a checkpoint: of two at a time SQLite refuses one.
	one sync.Mutex
}

func newCheckpointer(db *DB, s *session) *checkpointer {
	return &checkpointer{session: s, db: db, grown: make(chan struct{}, 1), stopped: make(chan struct{})}
}

// logState is how long the write-ahead log is and how much of it is copied.
type logState struct{ frames, copied int64 }

// checkpoint runs a checkpoint in the mode of SQLite: noop only asks.
func (s *session) checkpoint(mode string) (l logState, err error) {
	s.broken = nil
	var busy int64
	err = s.row("pragma wal_checkpoint("+mode+")", nil, &busy, &l.frames, &l.copied)
	return l, err
}

func (c *checkpointer) run() {
	defer close(c.stopped)
	for range c.grown {
		if c.db.health.fatal() != nil {
			continue
		}
		c.one.Lock()
		l, err := c.db.timed(c.session, "passive")
		c.one.Unlock()
		c.db.noteCheckpoint(err)
		if err == nil && l.frames > 2*checkpointFrames {
			notify(c.db.writer.finish)
		}
	}
}

// watchEvery is after how many transactions the log's length is looked at, which
// costs as much as a few reads.
const watchEvery = 16

// watchLog wakes the checkpointer when much of the log is not copied.
func (w *writer) watchLog() {
	if w.unwatched++; w.unwatched < watchEvery {
		return
	}
	w.unwatched = 0
	l, err := w.checkpoint("noop")
	if err == nil && l.frames-l.copied > checkpointFrames {
		notify(w.db.checkpoint.grown)
	}
}

// finishCheckpoint copies the rest of the log.
func (w *writer) finishCheckpoint() {
	if w.db.health.fatal() != nil {
		return
	}
	w.db.checkpoint.one.Lock()
	_, err := w.db.timed(w.session, "passive")
	w.db.checkpoint.one.Unlock()
	w.db.noteCheckpoint(err)
}

// noteCheckpoint judges the error of a checkpoint. What was committed is safe in
// the log, so only an fsync that failed, or damage, matters to callers.
func (db *DB) noteCheckpoint(err error) {
	switch {
	case isFatal(err):
		db.failed(err)
	case err != nil:
		db.options.Logger.Warn("the log could not be copied into the database; it grows until that works", "err", err)
	}
}

func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Checkpoint copies the whole log into the database and empties it, as far as
// no view still reads from it. The writer waits meanwhile.
func (db *DB) Checkpoint(ctx context.Context) error {
	return db.submit(ctx, &member{alone: func(s *session) error {
		db.checkpoint.one.Lock()
		defer db.checkpoint.one.Unlock()
		_, err := db.timed(s, "truncate")
		return err
	}})
}

// Vacuum gives at most so many unused pages back to the file system and returns
// the bytes that the database became smaller by. The file itself shrinks with
// the next checkpoint.
func (db *DB) Vacuum(ctx context.Context, pages int) (freed int64, err error) {
	err = db.submit(ctx, &member{alone: func(s *session) error {
		var size, before, after int64
		if err := s.row("select page_size, freelist_count from pragma_page_size, pragma_freelist_count", nil, &size, &before); err != nil {
			return err
		}
		if err := s.script(ctx, fmt.Sprintf("pragma incremental_vacuum(%d)", pages)); err != nil {
			return explain(err, s.path)
		}
		if err := s.row("select freelist_count from pragma_freelist_count", nil, &after); err != nil {
			return err
		}
		freed = (before - after) * size
		return nil
	}})
	return freed, err
}
