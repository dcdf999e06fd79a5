package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	lib "modernc.org/sqlite/lib"
)

// connection speaks to SQLite itself. Through database/sql each query asks for the
// names and declared types of all columns again, and each value goes through three
// conversions: reading a row by its key cost ten times what it does so.
// It serves one goroutine at a time.
type connection struct {
	tls *libc.TLS
	db  uintptr
	out uintptr // room for two addresses that SQLite returns
}

// failure is an error of SQLite.
type failure struct {
	code int // extended
	text string
}

func (f *failure) Error() string { return f.text }

// Code is what codeOf reads.
func (f *failure) Code() int { return f.code }

// patch is what the library wants to be called before its first use.
var patch = sync.OnceFunc(lib.PatchIssue199)

// dial opens the database that source, a file URI, names.
func dial(source string) (_ *connection, err error) {
	patch()
	c := &connection{tls: libc.NewTLS()}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	if c.out, err = c.allocate(2 * addressSize); err != nil {
		return nil, err
	}
	name, err := libc.CString(source)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, name)
	const flags = lib.SQLITE_OPEN_READWRITE | lib.SQLITE_OPEN_CREATE | lib.SQLITE_OPEN_NOMUTEX | lib.SQLITE_OPEN_URI
	rc := lib.Xsqlite3_open_v2(c.tls, name, c.out, flags, 0)
	c.db = addressAt(c.out) // also of one that could not be opened
	if rc != lib.SQLITE_OK {
		return nil, c.failed(rc)
	}
	lib.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	// No statement may damage the file by itself, and what is in double quotes is a name.
	for _, o := range []struct{ option, on int32 }{
		{lib.SQLITE_DBCONFIG_DEFENSIVE, 1}, {lib.SQLITE_DBCONFIG_DQS_DDL, 0}, {lib.SQLITE_DBCONFIG_DQS_DML, 0},
	} {
		if rc := c.configure(o.option, o.on); rc != lib.SQLITE_OK {
			return nil, c.failed(rc)
		}
	}
	return c, nil
}

func (c *connection) configure(option, on int32) int32 {
	list, err := c.allocate(2 * 8) // libc has 8 bytes for each argument
	if err != nil {
		return lib.SQLITE_NOMEM
	}
	defer libc.Xfree(c.tls, list)
	return lib.Xsqlite3_db_config(c.tls, c.db, option, libc.VaList(list, on, uintptr(0)))
}

// close ends the connection, whose statements must have been closed.
func (c *connection) close() (err error) {
	if rc := lib.Xsqlite3_close_v2(c.tls, c.db); rc != lib.SQLITE_OK {
		err = c.failed(rc)
	}
	libc.Xfree(c.tls, c.out)
	c.tls.Close()
	return err
}

func (c *connection) allocate(n int) (uintptr, error) {
	if p := libc.Xmalloc(c.tls, types.Size_t(n)); p != 0 {
		return p, nil
	}
	return 0, &failure{lib.SQLITE_NOMEM, fmt.Sprintf("no memory for %d bytes", n)}
}

// failed is the error with SQLite's code rc. What the connection says of its last
// error is added when that is the one.
func (c *connection) failed(rc int32) error {
	text := libc.GoString(lib.Xsqlite3_errstr(c.tls, rc))
	if c.db != 0 && lib.Xsqlite3_extended_errcode(c.tls, c.db)&0xff == rc&0xff {
		if more := libc.GoString(lib.Xsqlite3_errmsg(c.tls, c.db)); more != text {
			text += ": " + more
		}
	}
	return &failure{int(rc), fmt.Sprintf("%s (%d)", text, rc)}
}

// changes is how many rows the last statement changed.
func (c *connection) changes() int64 { return int64(lib.Xsqlite3_changes(c.tls, c.db)) }

// prepare compiles the first statement of text and returns what stands behind it. The
// statement is nil when there is none.
func (c *connection) prepare(text string, flags uint32) (*statement, string, error) {
	query, err := libc.CString(text)
	if err != nil {
		return nil, "", err
	}
	defer libc.Xfree(c.tls, query)
	if rc := lib.Xsqlite3_prepare_v3(c.tls, c.db, query, -1, flags, c.out, c.out+uintptr(addressSize)); rc != lib.SQLITE_OK {
		return nil, "", c.failed(rc)
	}
	p, rest := addressAt(c.out), text[addressAt(c.out+uintptr(addressSize))-query:]
	if p == 0 {
		return nil, rest, nil
	}
	return &statement{c: c, p: p, params: int(lib.Xsqlite3_bind_parameter_count(c.tls, p))}, rest, nil
}

// script runs the statements of text; args are of the first.
func (c *connection) script(text string, args ...any) error {
	for strings.TrimSpace(text) != "" {
		s, rest, err := c.prepare(text, 0)
		if err != nil {
			return err
		}
		if s != nil {
			err = s.run(args)
			s.close()
			args = nil
		}
		if err != nil {
			return err
		}
		text = rest
	}
	return nil
}

// query calls each for every row of a statement that is needed once.
func (c *connection) query(text string, each func(scan func(...any) error) error) error {
	s, _, err := c.prepare(text, 0)
	if err != nil {
		return err
	}
	defer s.close()
	return s.rows(nil, func(scan func(...any) error) (bool, error) { return true, each(scan) })
}

// within runs fn, which uses c, and interrupts it when ctx ends.
func (c *connection) within(ctx context.Context, fn func() error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	over, stopped := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		tls := libc.NewTLS() // the other one is in use
		defer tls.Close()
		for { // a statement that has only just begun does not hear it
			lib.Xsqlite3_interrupt(tls, c.db)
			select {
			case <-over:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	defer func() {
		close(over)
		if stop() {
			return
		}
		<-stopped
		if err == nil || primary(codeOf(err)) == lib.SQLITE_INTERRUPT { // what else failed may matter more
			err = ctx.Err()
		}
	}()
	return fn()
}
