package sqlite

import (
	"errors"
	"fmt"

	lib "modernc.org/sqlite/lib"

	"charmd/internal/charm"
)

// codeOf is SQLite's extended result code of an error, 0 for other errors.
func codeOf(err error) int {
	// An interface, so that those who inject failures need not be this package.
	if e, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		return e.Code()
	}
	return 0
}

// primary is the family an extended result code belongs to.
func primary(code int) int { return code & 0xff }

// isUnique reports whether a row with that key is there already.
func isUnique(err error) bool {
	code := codeOf(err)
	return code == lib.SQLITE_CONSTRAINT_UNIQUE || code == lib.SQLITE_CONSTRAINT_PRIMARYKEY
}

// isMissingParent reports whether a row refers to one that is not there.
func isMissingParent(err error) bool { return codeOf(err) == lib.SQLITE_CONSTRAINT_FOREIGNKEY }

// endsTransaction reports whether SQLite may have rolled back the whole
// transaction with the statement that failed.
func endsTransaction(err error) bool {
	switch primary(codeOf(err)) {
	case lib.SQLITE_FULL, lib.SQLITE_IOERR, lib.SQLITE_NOMEM, lib.SQLITE_BUSY, lib.SQLITE_INTERRUPT,
		lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB, lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_PROTOCOL:
		return true
	}
	return false
}

// isFatal reports whether the store must not go on after the error. When an
// fsync fails the system may have dropped the pages and marked them clean: a
// second fsync succeeds and means nothing. A damaged database gets worse with
// every write.
func isFatal(err error) bool {
	switch code := codeOf(err); {
	case code == lib.SQLITE_IOERR_FSYNC, code == lib.SQLITE_IOERR_DIR_FSYNC:
		return true
	case primary(code) == lib.SQLITE_CORRUPT, primary(code) == lib.SQLITE_NOTADB:
		return true
	}
	return false
}

// explain puts an error of the database at path into words for people. Errors
// that are about a statement and not about the database stay as they are.
func explain(err error, path string) error {
	if err == nil {
		return nil
	}
	if _, done := errors.AsType[*charm.Error](err); done {
		return err
	}
	if _, bad := errors.AsType[*unreadable](err); bad {
		return damaged(path, fmt.Errorf("it holds what no charmd has written there: %w", err))
	}
	code := codeOf(err)
	if code == lib.SQLITE_IOERR_SHMSIZE { // the log's index finds no room
		code = lib.SQLITE_FULL
	}
	switch primary(code) {
	case lib.SQLITE_FULL:
		return charm.Errorf(charm.CodeUnavailable, "the disk is full: nothing more can be written to %s: %w", path, err).
			WithHint("free some space; a charmd that runs goes on by itself then")
	case lib.SQLITE_IOERR:
		if isFatal(err) {
			return charm.Errorf(charm.CodeUnavailable, "what was written to %s may not have reached the disk: %w", path, err).
				WithHint("check the disk, then start charmd again")
		}
		return charm.Errorf(charm.CodeUnavailable, "%s cannot be read or written: %w", path, err).
			WithHint("check the disk; a charmd that runs goes on by itself when it works again")
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_PROTOCOL:
		return charm.Errorf(charm.CodeUnavailable, "another program keeps %s locked: %w", path, err).
			WithHint("close the program that has it open")
	case lib.SQLITE_CORRUPT:
		return damaged(path, fmt.Errorf("it is damaged: %w", err)).WithHint(mendable)
	case lib.SQLITE_NOTADB:
		return damaged(path, fmt.Errorf("it is not a database: %w", err))
	case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_CANTOPEN, lib.SQLITE_AUTH:
		return unusable(path, err)
	}
	return err
}

// mendable is the hint of a damage that may be one of indexes alone.
const mendable = "charmd doctor --repair mends what can be mended, and keeps a copy; or put a backup in its place"

// unreadable is a value that cannot be what its column is for.
type unreadable struct {
	column string
	why    error
}

func (u *unreadable) Error() string { return fmt.Sprintf("column %s: %v", u.column, u.why) }

func (u *unreadable) Unwrap() error { return u.why }

// damaged is the refusal of a database that is not, or not any more, one of ours.
func damaged(path string, why error) *charm.Error {
	return charm.Errorf(charm.CodeDataCorrupt, "the database %s cannot be used: %w", path, why).
		WithHint("put a backup in its place, or move it away and start with an empty one")
}

// unusable is the refusal of a place where no database can be kept.
func unusable(path string, why error) error {
	return charm.Errorf(charm.CodeDataUnusable, "the database %s cannot be opened for writing: %w", path, why).
		WithHint("check that its directory exists, belongs to you and is not read-only, or choose another with --data-dir")
}

// PanicError is what Update returns for a function that panicked. What the
// function wrote is undone.
type PanicError struct {
	Value any
	Stack []byte // of the panic, for logs
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic within a transaction: %v", e.Value) }

// Unwrap is the panic's value when that was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
