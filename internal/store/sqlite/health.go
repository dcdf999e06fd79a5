package sqlite

import "sync"

// health is what the store knows about its writes.
type health struct {
	mu    sync.Mutex
	err   error // of the last write; nil when it succeeded
	ended bool  // no write follows
}

// Health implements store.Store.
func (db *DB) Health() error { return db.health.now() }

func (h *health) now() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// fatal is the error that ended writing, nil while it goes on.
func (h *health) fatal() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return h.err
	}
	return nil
}

// set notes how a write went, and reports whether that was news.
func (h *health) set(err error) (news bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return false
	}
	news = (h.err == nil) != (err == nil)
	h.err = err
	return news
}

// end notes the error after which nothing is written; it reports false when
// another one came before.
func (h *health) end(err error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return false
	}
	h.err, h.ended = err, true
	return true
}

// failed notes a write that failed, and ends writing when the error is fatal.
func (db *DB) failed(err error) {
	if !isFatal(err) {
		if db.health.set(err) {
			db.options.Logger.Error("the store cannot be written", "err", err)
		}
		return
	}
	if db.health.end(err) {
		db.options.Logger.Error("the store has closed itself for writes", "err", err)
		if db.options.Fatal != nil {
			go db.options.Fatal(err)
		}
	}
}

// succeeded notes a write that is on disk.
func (db *DB) succeeded() {
	if db.health.set(nil) {
		db.options.Logger.Info("the store can be written again")
	}
}
