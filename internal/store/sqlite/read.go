package sqlite

import (
	"context"

	"charmd/internal/store"
)

// View implements store.Store. It waits while all readers are taken; ctx ends
// that, and Heads. What fn reads is as of its first read.
func (db *DB) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := db.enter(); err != nil {
		return err
	}
	defer db.calls.Done()
	var s *session
	select {
	case s = <-db.readers:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { db.readers <- s }()
	if err := s.begin("begin"); err != nil {
		return err
	}
	defer s.rollback()
	return fn(&view{s, ctx})
}
