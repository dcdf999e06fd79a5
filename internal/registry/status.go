package registry

import (
	"context"
	"errors"
	"time"

	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/store"
)

// note is what is to be written to a charm's entry.
type note struct {
	charm   charm.Charm
	status  string
	lastRun float64
}

// written is what stands there.
type written struct {
	status string
	at     time.Time
}

// Note keeps in mind how a run ended, to be written to the charm's entry: a
// changed status soon, the time of the last run alone once a minute.
func (r *Registry) Note(c charm.Charm, run charm.Run, s charm.State) {
	if !c.Registered {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes[c.Row] = note{c, statusText(s), float64(run.EndedAt.UnixMilli())}
}

// flushEvery is how often notes are written; with batches of statusBatch that
// keeps to charm.StatusWrites a second.
const (
	flushEvery  = 200 * time.Millisecond
	statusBatch = int(charm.StatusWrites * flushEvery / time.Second)
)

// What could not be written, or read, is tried again after retryFirst, and then
// after twice as long each time: what is damaged stays so, and fills no log.
const (
	retryFirst = time.Second
	retryLast  = time.Minute
)

// retry is how long is waited after what has failed, and until when.
type retry struct {
	wait time.Duration
	due  time.Time
}

// Run writes noted statuses and takes up changes others make to the cell, until
// ctx ends. Neither waits for the other to work again.
func (r *Registry) Run(ctx context.Context) {
	defer r.Listen()()
	r.look() // what changed while nobody listened
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	var write, read retry
	for {
		next, first, second := &write, r.Push, r.Flush
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-r.changed:
			next, first, second = &read, r.Sync, r.Relist
		}
		if time.Now().Before(next.due) {
			continue
		}
		switch err := errors.Join(first(ctx), second(ctx)); {
		case err == nil:
			*next = retry{}
		case ctx.Err() == nil && !(r.memory.Copies() && waits(err)):
			r.logger.Error("the registry could not be brought up to date; trying again", "err", err)
			next.wait = min(max(2*next.wait, retryFirst), retryLast)
			next.due = time.Now().Add(next.wait)
			time.AfterFunc(next.wait, r.look)
		}
	}
}

// waits reports whether err says no more than that another toolshed is not there,
// which those say who talk to it.
func waits(err error) bool {
	code := charm.CodeOf(err)
	return code == charm.CodeUnavailable || code == charm.CodeUnanswered || code == charm.CodeForbidden || errors.Is(err, context.DeadlineExceeded)
}

// due takes the notes that may be written now.
func (r *Registry) due() []note {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	var batch []note
	for row, n := range r.notes {
		w := r.written[row]
		if n.status == w.status && now.Sub(w.at) < charm.LastRunWriteEvery {
			continue
		}
		batch = append(batch, n)
		delete(r.notes, row)
		r.written[row] = written{n.status, now}
		if len(batch) == statusBatch {
			break
		}
	}
	return batch
}

// Flush writes what has been noted and may be written now.
func (r *Registry) Flush(ctx context.Context) error {
	batch := r.due()
	if len(batch) == 0 {
		return nil
	}
	if r.memory.Copies() {
		limited, cancel := context.WithTimeout(ctx, pushWithin)
		defer cancel()
		ctx = limited
	}
	var e *edit
	left := map[int64]string{} // statuses, by charm row
	err := r.memory.Write(ctx, r.system, memory.Write{
		Draft: func(v store.Reader, _ charm.Space) (_ *memory.Draft, err error) {
			if e, err = r.edit(v); err != nil {
				return nil, err
			}
			for _, n := range batch {
				if left[n.charm.Row], err = e.note(n); err != nil {
					return nil, err
				}
			}
			return e.draft()
		},
		Then: func(tx store.Tx, _ memory.Receipt) error {
			e.told(tx)
			tx.AfterCommit(func() { r.stand(left) })
			return nil
		},
	})
	if err != nil {
		r.putBack(batch)
	}
	return err
}

// note writes to the entry of a charm, if we made one, when it ran last and how it
// stands now, and returns that: since that run it may have been disabled, or enabled.
func (e *edit) note(n note) (status string, err error) {
	entry, ok, err := e.own(n.charm)
	if err != nil || !ok {
		return n.status, err
	}
	now, err := e.reader.State(n.charm.Row)
	if errors.Is(err, store.ErrNotFound) {
		return n.status, nil // it was removed since
	}
	if err != nil {
		return "", err
	}
	entry.Status, entry.LastRun = statusText(now), n.lastRun
	return entry.Status, e.put(entry.doc, entry.value())
}

// stand notes what stands in the entries since they were written: the next note of
// another status is written soon.
func (r *Registry) stand(statuses map[int64]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for row, status := range statuses {
		r.written[row] = written{status, r.written[row].at}
	}
}

// putBack keeps notes that could not be written, unless there are newer ones.
func (r *Registry) putBack(batch []note) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range batch {
		delete(r.written, n.charm.Row)
		if _, newer := r.notes[n.charm.Row]; !newer {
			r.notes[n.charm.Row] = n
		}
	}
}
