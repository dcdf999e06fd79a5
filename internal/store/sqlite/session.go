package sqlite

import (
	"context"
	"errors"
	"fmt"

	lib "modernc.org/sqlite/lib"

	"charmd/internal/store"
)

// session is one connection to the database with the statements prepared on it.
// It serves one goroutine at a time.
type session struct {
	path  string // of the database, for errors
	conn  *connection
	stmts map[string]*statement

	// broken is the failure after which SQLite may have ended the transaction by
	// itself. Until the next one begins nothing may run: it would run, and
	// commit, outside of any transaction.
	broken error
	// wrote says that a statement other than a read ran in this transaction.
	wrote bool
}

// connect opens a connection to the database at path and applies the pragmas.
func connect(ctx context.Context, path string, pragmas ...string) (*session, error) {
	return connectBy(ctx, path, dsn(path), pragmas...)
}

func connectBy(ctx context.Context, path, source string, pragmas ...string) (*session, error) {
	conn, err := dial(source)
	if err != nil {
		return nil, explain(err, path)
	}
	s := &session{path: path, conn: conn, stmts: make(map[string]*statement)}
	for _, p := range pragmas {
		if err := s.script(ctx, "pragma "+p); err != nil {
			return nil, explain(errors.Join(fmt.Errorf("pragma %s: %w", p, err), s.close()), path)
		}
	}
	return s, nil
}

func (s *session) close() error {
	for _, stmt := range s.stmts {
		stmt.close()
	}
	return s.conn.close()
}

// prepared is the statement for the query, prepared once per connection: without
// this a third of the time goes into parsing SQL. Queries must be constants or
// built from a bounded number of parts.
func (s *session) prepared(query string) (*statement, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	if stmt := s.stmts[query]; stmt != nil {
		return stmt, nil
	}
	stmt, _, err := s.conn.prepare(query, lib.SQLITE_PREPARE_PERSISTENT)
	if err != nil {
		return nil, s.note(err)
	}
	s.stmts[query] = stmt
	return stmt, nil
}

// note puts an error into words, and remembers one after which the transaction
// is lost.
func (s *session) note(err error) error {
	explained := explain(err, s.path)
	if endsTransaction(err) {
		s.broken = explained
	}
	return explained
}

// exec runs a statement that changes rows and returns how many.
func (s *session) exec(query string, args ...any) (int64, error) {
	stmt, err := s.prepared(query)
	if err != nil {
		return 0, err
	}
	s.wrote = true
	if err := stmt.run(args); err != nil {
		return 0, s.note(err)
	}
	return s.conn.changes(), nil
}

// control runs a statement that begins, ends or marks a transaction.
func (s *session) control(statement string) error {
	stmt, err := s.prepared(statement)
	if err != nil {
		return err
	}
	return s.note(stmt.run(nil))
}

// begin starts a transaction with the statement, forgetting the one before.
func (s *session) begin(statement string) error {
	s.broken, s.wrote = nil, false
	return s.control(statement)
}

// rollback ends the transaction; it is fine when there is none any more.
func (s *session) rollback() {
	s.broken = nil
	// Its only error is that SQLite has rolled back already.
	_ = s.control("rollback")
	s.broken = nil
}

// row scans the only row of the query, or returns store.ErrNotFound.
func (s *session) row(query string, args []any, dest ...any) error {
	stmt, err := s.prepared(query)
	if err != nil {
		return err
	}
	found, err := stmt.first(args, dest)
	if err == nil && !found {
		return store.ErrNotFound
	}
	return s.note(err)
}

// returning runs a statement that changes one row and scans what it returns.
func (s *session) returning(query string, args []any, dest ...any) error {
	s.wrote = true
	return s.row(query, args, dest...)
}

// rows calls each for every row of the query, until it says that it has enough.
func (s *session) rows(query string, args []any, each func(scan func(...any) error) (more bool, err error)) error {
	stmt, err := s.prepared(query)
	if err != nil {
		return err
	}
	return s.note(stmt.rows(args, each))
}

// script runs statements that are needed once; args are of the first. ctx interrupts it.
func (s *session) script(ctx context.Context, text string, args ...any) error {
	return s.conn.within(ctx, func() error { return s.conn.script(text, args...) })
}

// each calls fn for every row of a query that is needed once; ctx interrupts it.
func (s *session) each(ctx context.Context, query string, fn func(scan func(...any) error) error) error {
	return s.conn.within(ctx, func() error { return s.conn.query(query, fn) })
}

// number is the single number a query or pragma answers; ctx interrupts it.
func (s *session) number(ctx context.Context, query string) (n int64, err error) {
	err = s.each(ctx, query, func(scan func(...any) error) error { return scan(&n) })
	return n, err
}

// word is the single text a query or pragma answers; ctx interrupts it.
func (s *session) word(ctx context.Context, query string) (w string, err error) {
	err = s.each(ctx, query, func(scan func(...any) error) error { return scan(&w) })
	return w, err
}

// one reads the only row of the query, or returns store.ErrNotFound.
func one[T any](s *session, query string, args []any, scan func(func(...any) error) (T, error)) (T, error) {
	return scan(func(dest ...any) error { return s.row(query, args, dest...) })
}

// list collects one value per row of the query.
func list[T any](s *session, query string, args []any, scan func(func(...any) error) (T, error)) ([]T, error) {
	var all []T
	err := s.rows(query, args, func(row func(...any) error) (bool, error) {
		v, err := scan(row)
		if err != nil {
			return false, err
		}
		all = append(all, v)
		return true, nil
	})
	return all, err
}
