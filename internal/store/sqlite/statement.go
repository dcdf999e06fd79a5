package sqlite

import (
	"bytes"
	"fmt"
	"reflect"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// statement is one that SQLite has compiled. It is used by one caller at a time.
type statement struct {
	c      *connection
	p      uintptr
	params int
	bound  uintptr // texts and blobs of the arguments, as long as the statement runs
	room   int     // there
}

// keptRoom is how much room for arguments a statement keeps when it has run.
const keptRoom = 16 << 10

func (s *statement) close() {
	libc.Xfree(s.c.tls, s.bound)
	// It repeats the error that the statement had last, which has been told.
	lib.Xsqlite3_finalize(s.c.tls, s.p)
}

// run runs a statement to its end.
func (s *statement) run(args []any) (err error) {
	defer s.end(&err)
	err = s.bind(args)
	for more := err == nil; more; {
		more, err = s.step()
	}
	return err
}

// first reads the first row. found is false when there is none.
func (s *statement) first(args, dest []any) (found bool, err error) {
	defer s.end(&err)
	if err = s.bind(args); err == nil {
		found, err = s.step()
	}
	if found {
		err = s.scan(dest...)
	}
	return found, err
}

// rows calls each for every row, until it says that it has enough. each may not use
// this statement.
func (s *statement) rows(args []any, each func(scan func(...any) error) (more bool, err error)) (err error) {
	defer s.end(&err)
	err = s.bind(args)
	for more := err == nil; more && err == nil; {
		if more, err = s.step(); more {
			more, err = each(s.scan)
		}
	}
	return err
}

func (s *statement) step() (row bool, err error) {
	switch rc := lib.Xsqlite3_step(s.c.tls, s.p); rc {
	case lib.SQLITE_ROW:
		return true, nil
	case lib.SQLITE_DONE:
		return false, nil
	default:
		return false, s.c.failed(rc)
	}
}

// end makes the statement ready for its next use, also when who reads its rows
// panics: it would go on showing what was committed then. err, when it is nil so far,
// becomes that of a statement which fails at its end.
func (s *statement) end(err *error) {
	rc := lib.Xsqlite3_reset(s.c.tls, s.p)
	if s.room > keptRoom {
		libc.Xfree(s.c.tls, s.bound)
		s.bound, s.room = 0, 0
	}
	if rc != lib.SQLITE_OK && *err == nil {
		*err = s.c.failed(rc)
	}
}

// bind gives the statement its arguments. Their texts are copied to memory of the
// statement, where SQLite reads them until the next bind.
func (s *statement) bind(args []any) error {
	if len(args) != s.params {
		return fmt.Errorf("a statement with %d parameters has %d arguments", s.params, len(args))
	}
	need := 1 // so that an empty text has an address, and is not null
	for _, arg := range args {
		switch v := arg.(type) {
		case string:
			need += len(v)
		case []byte:
			need += len(v)
		}
	}
	if need > s.room {
		libc.Xfree(s.c.tls, s.bound)
		s.bound, s.room = 0, 0
		p, err := s.c.allocate(max(need, 256))
		if err != nil {
			return err
		}
		s.bound, s.room = p, max(need, 256)
	}
	free := s.bound
	for i, arg := range args {
		rc, n := s.bindOne(int32(i+1), arg, free)
		if rc != lib.SQLITE_OK {
			return fmt.Errorf("argument %d, a %T: %w", i+1, arg, s.c.failed(rc))
		}
		free += uintptr(n)
	}
	return nil
}

// bindOne binds the i-th argument, from 1 on, and returns how many bytes it took at free.
func (s *statement) bindOne(i int32, arg any, free uintptr) (rc int32, n int) {
	tls, p := s.c.tls, s.p
	switch v := arg.(type) {
	case nil:
		return lib.Xsqlite3_bind_null(tls, p, i), 0
	case int64:
		return lib.Xsqlite3_bind_int64(tls, p, i, v), 0
	case int:
		return lib.Xsqlite3_bind_int64(tls, p, i, int64(v)), 0
	case bool:
		return lib.Xsqlite3_bind_int64(tls, p, i, int64(libc.Bool32(v))), 0
	case string:
		if len(v) > 0 {
			copy(bytesAt(free, len(v)), v)
		}
		return lib.Xsqlite3_bind_text(tls, p, i, free, int32(len(v)), 0), len(v)
	case []byte:
		switch {
		case v == nil:
			return lib.Xsqlite3_bind_null(tls, p, i), 0
		case len(v) == 0:
			return lib.Xsqlite3_bind_zeroblob(tls, p, i, 0), 0
		}
		copy(bytesAt(free, len(v)), v)
		return lib.Xsqlite3_bind_blob(tls, p, i, free, int32(len(v)), 0), len(v)
	}
	return lib.SQLITE_MISMATCH, 0
}

// scan reads the row that the statement stands on.
func (s *statement) scan(dest ...any) error {
	if n := int(lib.Xsqlite3_column_count(s.c.tls, s.p)); n != len(dest) {
		return fmt.Errorf("a row of %d columns is read into %d places", n, len(dest))
	}
	for i, d := range dest {
		if err := (column{s, int32(i)}).into(d); err != nil {
			return &unreadable{libc.GoString(lib.Xsqlite3_column_name(s.c.tls, s.p, int32(i))), err}
		}
	}
	return nil
}

// column is a value of the row that a statement stands on.
type column struct {
	s *statement
	i int32
}

// reader is a destination that makes of a column what it wants.
type reader interface{ read(column) error }

func (c column) into(dest any) (err error) {
	switch d := dest.(type) {
	case reader:
		return d.read(c)
	case *int64:
		*d, err = c.integer()
	case *int:
		var n int64
		n, err = c.integer()
		*d = int(n)
	case *bool:
		var n int64
		n, err = c.integer()
		*d = n != 0
	case *string:
		*d, err = c.text()
	case *[]byte:
		*d = bytes.Clone(c.blob())
	case *any: // a key, of whichever type it is
		if *d, err = c.integer(); err != nil {
			*d, err = c.text()
		}
	default: // a string with a name
		v := reflect.ValueOf(dest).Elem()
		if v.Kind() != reflect.String {
			return fmt.Errorf("nothing is read into a %T", dest)
		}
		var text string
		text, err = c.text()
		v.SetString(text)
	}
	return err
}

func (c column) kind() int32 { return lib.Xsqlite3_column_type(c.s.c.tls, c.s.p, c.i) }

func (c column) null() bool { return c.kind() == lib.SQLITE_NULL }

func (c column) integer() (int64, error) {
	if kind := c.kind(); kind != lib.SQLITE_INTEGER {
		return 0, fmt.Errorf("it holds no integer, but a value of SQLite's type %d", kind)
	}
	return lib.Xsqlite3_column_int64(c.s.c.tls, c.s.p, c.i), nil
}

func (c column) text() (string, error) {
	if kind := c.kind(); kind != lib.SQLITE_TEXT {
		return "", fmt.Errorf("it holds no text, but a value of SQLite's type %d", kind)
	}
	return string(c.blob()), nil
}

// blob are the bytes of a text or blob, nil when it is null. They are SQLite's, until
// the statement goes on.
func (c column) blob() []byte {
	tls, p := c.s.c.tls, c.s.p
	if c.null() {
		return nil
	}
	at := lib.Xsqlite3_column_blob(tls, p, c.i)
	n := lib.Xsqlite3_column_bytes(tls, p, c.i)
	if at == 0 || n == 0 {
		return []byte{}
	}
	return bytesAt(at, int(n))
}
