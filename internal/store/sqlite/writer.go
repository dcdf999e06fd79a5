package sqlite

import (
	"context"
	"errors"
	"runtime/debug"
	"sync/atomic"
	"time"

	"charmd/internal/store"
)

// maxGroup is how many members share one transaction at most; it bounds how
// long the first of them waits for the others.
const maxGroup = 256

// probe is the write that finds out whether writing works.
const probe = "insert or replace into probe (row, pad) values (1, zeroblob(4096))"

var errGoexit = errors.New("the function ended its goroutine within a transaction (runtime.Goexit, as t.Fatal does)")

// member is one call that waits for the writer: a function to run within a
// transaction that it shares with others, or one that needs the connection alone.
type member struct {
	fn     func(*tx) error
	alone  func(*session) error
	taken  atomic.Bool // by the writer, or by the caller who gave up waiting
	answer chan error  // has room for the one answer

	err   error
	after []func()
	facts int // that it wrote
}

// writer owns the connection that writes. Its goroutine takes whatever is
// queued, runs each member in a savepoint, commits once and answers all: so the
// disk is waited for once per group, and groups grow with the load.
type writer struct {
	*session
	db      *DB
	last    *rowNumbers
	known   *known
	queue   chan *member
	finish  chan struct{} // asks for the rest of a checkpoint, see checkpointer
	stopped chan struct{}

	waiting []*member // taken from the queue and not answered
	group   []*member // those of them that have run in the open transaction

	unwatched int // transactions since the log was looked at
}

func newWriter(db *DB, s *session, last *rowNumbers) *writer {
	return &writer{
		session: s,
		db:      db,
		last:    last,
		known:   newKnown(),
		queue:   make(chan *member, maxGroup),
		finish:  make(chan struct{}, 1),
		stopped: make(chan struct{}),
	}
}

// Update implements store.Store. A function that panics is undone and answered
// with a *PanicError. After an error of the database itself, such as a full
// disk, all members of its group get that error and nothing of them is kept.
func (db *DB) Update(ctx context.Context, fn func(store.Tx) error) error {
	return db.submit(ctx, &member{fn: func(t *tx) error { return fn(t) }})
}

// submit queues the member and waits for its answer.
func (db *DB) submit(ctx context.Context, m *member) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := db.enter(); err != nil {
		return err
	}
	defer db.calls.Done()
	m.answer = make(chan error, 1)
	select {
	case db.writer.queue <- m:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-m.answer:
		return err
	case <-ctx.Done():
		if m.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		return <-m.answer // it has started, and its outcome counts
	}
}

func (w *writer) run() {
	ended := false
	defer func() {
		if ended {
			close(w.stopped)
			return
		}
		// A function took this goroutine with it. The others must not wait for ever.
		w.waiting = w.waiting[len(w.group):]
		w.undo(w.group, errGoexit)
		go w.run()
	}()
	for {
		w.serve()
		var retry <-chan time.Time
		if w.db.health.now() != nil && w.db.health.fatal() == nil {
			retry = time.After(w.db.options.retry)
		}
		select {
		case m, open := <-w.queue:
			if !open {
				ended = true
				return
			}
			w.waiting = w.gather(m)
		case <-w.finish:
			w.finishCheckpoint()
		case <-retry:
			// Callers hold back while the store is unwell, so it looks by itself.
			w.waiting = []*member{{
				fn:     func(t *tx) error { _, err := t.exec(probe); return err },
				answer: make(chan error, 1),
			}}
		}
	}
}

// gather takes what else is queued.
func (w *writer) gather(m *member) []*member {
	all := []*member{m}
	for len(all) < maxGroup {
		select {
		case m, open := <-w.queue:
			if !open {
				return all
			}
			all = append(all, m)
		default:
			return all
		}
	}
	return all
}

// serve answers all who wait, in transactions of as many as can share one.
func (w *writer) serve() {
	for len(w.waiting) > 0 {
		n := 0
		for n < len(w.waiting) && w.waiting[n].alone == nil {
			n++
		}
		if n > 0 {
			n = w.transact(w.waiting[:n])
		} else {
			w.serveAlone(w.waiting[0])
			n = 1
		}
		w.waiting = w.waiting[n:]
	}
}

func (w *writer) serveAlone(m *member) {
	if !m.taken.CompareAndSwap(false, true) {
		return
	}
	err := w.db.health.fatal()
	if err == nil {
		w.broken = nil
		if err = m.alone(w.session); isFatal(err) {
			w.db.failed(err)
		}
	}
	m.answer <- err
}

// transact runs the members in one transaction and answers them. It returns how
// many it has dealt with: when the transaction is lost on the way, those behind
// have not run and can have another one.
func (w *writer) transact(members []*member) int {
	if err := w.db.health.fatal(); err != nil {
		w.undo(members, err)
		return len(members)
	}
	if err := w.step(Beginning, "begin immediate"); err != nil {
		w.lose(members, err)
		return len(members)
	}
	w.known.refresh(w.session)
	alone := len(members) == 1
	for i, m := range members {
		if !m.taken.CompareAndSwap(false, true) {
			continue
		}
		w.group = members[:i+1]
		if alone {
			m.err = w.call(m)
		} else {
			m.err = w.callInSavepoint(m)
		}
		if w.broken != nil {
			w.lose(members[:i+1], w.broken)
			return i + 1
		}
	}
	if alone && members[0].err != nil {
		w.undo(members, nil)
		return 1
	}
	began := time.Now()
	if err := w.step(Committing, "commit"); err != nil {
		w.lose(members, err)
		return len(members)
	}
	w.group = nil
	if w.wrote {
		w.db.succeeded()
		w.db.committed(members, time.Since(began))
	}
	w.pass(Committed)
	w.settle(members)
	w.watchLog()
	return len(members)
}

// step begins or commits, unless a fault is injected in its place.
func (w *writer) step(point Point, statement string) error {
	if err := w.pass(point); err != nil {
		return explain(err, w.path)
	}
	if point == Beginning {
		return w.begin(statement)
	}
	return w.control(statement)
}

func (w *writer) pass(point Point) error {
	if w.db.options.Faults == nil {
		return nil
	}
	return w.db.options.Faults(point)
}

// callInSavepoint runs the member so that its writes can be undone alone.
func (w *writer) callInSavepoint(m *member) error {
	if err := w.control("savepoint member"); err != nil {
		return err
	}
	failure := w.call(m)
	if failure != nil && w.broken == nil {
		if err := w.control("rollback to member"); err != nil {
			return w.lost(err)
		}
	}
	if w.broken == nil {
		if err := w.control("release member"); err != nil {
			return w.lost(err)
		}
	}
	return failure
}

// lost marks the transaction as lost when a savepoint could not be ended, for
// the group must not be committed then.
func (w *writer) lost(err error) error {
	w.broken = err
	return err
}

// call runs the member's function. An error that has ended the transaction is
// its error even when the function passed over it.
func (w *writer) call(m *member) (err error) {
	t := &tx{view: view{w.session, context.Background()}, last: w.last, known: w.known}
	before := w.wrote
	w.wrote = false // so far, of this member
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
		if err == nil {
			err = w.broken
		}
		if err != nil && w.wrote {
			w.known.forget() // what it wrote, inserted, and read again
		}
		w.wrote = w.wrote || before
	}()
	err = m.fn(t)
	m.after, m.facts = t.after, t.facts
	return err
}

// undo rolls the transaction back and answers the members: with their own
// errors, or with err those who have none.
func (w *writer) undo(members []*member, err error) {
	w.rollback()
	w.known.forget()
	w.group = nil
	for _, m := range members {
		m.taken.Store(true)
		if m.err == nil {
			m.err = err
		}
		m.answer <- m.err
	}
}

// lose is undo after an error of the database.
func (w *writer) lose(members []*member, err error) {
	w.db.failed(err)
	w.db.tell(Commit{Err: err})
	for _, m := range members {
		m.err = nil // an error of its own may come of what is undone with it
	}
	w.undo(members, err)
}

// settle tells what is on disk: first those who asked to hear of it, in order of
// the members, then the callers of Update.
func (w *writer) settle(members []*member) {
	for _, m := range members {
		for m.err == nil && len(m.after) > 0 {
			fn := m.after[0]
			m.after = m.after[1:]
			w.tell(fn)
		}
	}
	for _, m := range members {
		m.answer <- m.err
	}
}

// tell calls a function of AfterCommit. The transaction is on disk and the
// members behind it wait, so a panic is logged and no more.
func (w *writer) tell(fn func()) {
	defer func() {
		if v := recover(); v != nil {
			w.db.options.Logger.Error("panic after a commit", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	fn()
}
