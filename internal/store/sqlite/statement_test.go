package sqlite

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	lib "modernc.org/sqlite/lib"

	"charmd/internal/store"
)

func newSession(t *testing.T) *session {
	t.Helper()
	return newSessionAt(t, newPath(t))
}

func newSessionAt(t *testing.T, path string) *session {
	t.Helper()
	s, err := connect(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// What is bound comes back, whatever is bound next and however long it is.
func TestValuesGoThroughSQLite(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	type word string
	const query = "select ?, ?, ?, ?, ?, ?, ?"
	for _, n := range []int{0, 1, 255, 256, 257, keptRoom + 1, 3 << 20, 2} {
		text, blob := strings.Repeat("ä", n), bytes.Repeat([]byte{0, 1, 255}, n)
		var (
			i       int64
			k       int
			yes     bool
			gotText string
			name    word
			gotBlob []byte
			nothing = []byte("full")
		)
		err := s.row(query, []any{int64(-1) << 62, n, true, text, "a\x00b", blob, nil}, &i, &k, &yes, &gotText, &name, &gotBlob, &nothing)
		if err != nil {
			t.Fatal(err)
		}
		if i != -1<<62 || k != n || !yes || gotText != text || name != "a\x00b" || gotBlob == nil || !bytes.Equal(gotBlob, blob) || nothing != nil {
			t.Errorf("%d: %d %d %v, %d bytes of text, %q, %d bytes, %v", n, i, k, yes, len(gotText), name, len(gotBlob), nothing)
		}
		if room := s.stmts[query].room; room > keptRoom {
			t.Errorf("%d: the statement keeps %d bytes", n, room)
		}
	}
}

func TestValuesOfTheWrongKind(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	var text string
	var n int64
	for _, tt := range []struct {
		query string
		args  []any
		dest  []any
		want  string
	}{
		{"select null", nil, []any{&text}, "holds no text"},
		{"select 1", nil, []any{&text}, "holds no text"},
		{"select 'a'", nil, []any{&n}, "holds no integer"},
		{"select x'00'", nil, []any{timeOf{new(time.Time)}}, "holds no integer"},
		{"select 1, 2", nil, []any{&n}, "2 columns is read into 1 places"},
		{"select 1", nil, []any{new(float64)}, "nothing is read into a *float64"},
		{"select x'00'", nil, []any{refOf{new([32]byte)}}, "has 1 bytes"},
		{"select ?", nil, []any{&n}, "1 parameters has 0 arguments"},
		{"select ?", []any{1, 2}, []any{&n}, "1 parameters has 2 arguments"},
		{"select ?", []any{struct{}{}}, []any{&n}, "argument 1, a struct {}"},
		{`select "nothing"`, nil, []any{&text}, "no such column: \"nothing\""},
		{"select", nil, nil, "incomplete input (1)"},
	} {
		if err := s.row(tt.query, tt.args, tt.dest...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s with %v: %v, want %q", tt.query, tt.args, err, tt.want)
		}
	}
	if err := s.row("select 1", nil, &n); err != nil || n != 1 {
		t.Errorf("after that: %d, %v", n, err)
	}
}

// A statement that has failed tells its code once, and can be used again.
func TestStatementsAfterAFailure(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	if err := s.script(t.Context(), "pragma foreign_keys = on; create table a (k text primary key) strict; -- ?\ncreate table b (k text references a); "); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := s.exec("insert into b values (?)", "x")
		if !isMissingParent(err) {
			t.Errorf("without its parent: %v", err)
		}
		// The row has been returned when the statement fails at its end.
		var k string
		if err := s.returning("insert into b values (?) returning k", []any{"x"}, &k); !isMissingParent(err) {
			t.Errorf("returning, without its parent: %v", err)
		}
	}
	insert := func() (int64, error) { return s.exec("insert into a values (?)", "x") }
	if n, err := insert(); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if _, err := insert(); !isUnique(err) || err.Error() != "constraint failed: UNIQUE constraint failed: a.k (1555)" {
		t.Errorf("a second one: %v", err)
	}
	if _, err := s.exec("insert into b values (?)", "x"); err != nil {
		t.Errorf("with its parent: %v", err)
	}
	_, err := dial(dsn(t.TempDir() + "/none/db"))
	if primary(codeOf(err)) != lib.SQLITE_CANTOPEN {
		t.Errorf("no directory: %v", err)
	}
}

func TestContextEndsAQuery(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	const endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n where i < 3"
	ctx, cancel := context.WithCancel(t.Context())
	rows := 0
	err := s.each(ctx, endless, func(scan func(...any) error) error {
		rows++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || rows == 0 {
		t.Errorf("%d rows, %v", rows, err)
	}
	broken := errors.New("what the reader found")
	ctx, cancel = context.WithCancel(t.Context())
	if err := s.each(ctx, endless, func(func(...any) error) error { cancel(); return broken }); !errors.Is(err, broken) {
		t.Errorf("of two errors it told %v", err)
	}
	if err := s.each(ctx, endless, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("when it had ended before: %v", err)
	}
	if n, err := s.number(t.Context(), "select 7"); n != 7 || err != nil {
		t.Errorf("after that: %d, %v", n, err)
	}
}

// A statement whose reader panics is at its end, too: it can be used again, and keeps
// nothing of the database as it was.
func TestAReaderOfRowsPanics(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	writer, reader := open(t, path, Options{}), newSessionAt(t, path)
	const query = "select key from setting union all select 'last' order by 1"
	read := func(each func(scan func(...any) error) (bool, error)) (panicked any) {
		defer func() { panicked = recover() }()
		if err := reader.begin("begin"); err != nil {
			t.Fatal(err)
		}
		defer reader.rollback()
		if err := reader.rows(query, nil, each); err != nil {
			t.Error(err)
		}
		return nil
	}
	if read(func(func(...any) error) (bool, error) { panic("here") }) != "here" {
		t.Fatal("it did not panic")
	}
	func() {
		defer func() { _ = recover() }()
		_ = reader.each(t.Context(), query, func(func(...any) error) error { panic("here") })
	}()
	if err := writer.Update(t.Context(), func(tx store.Tx) error { return tx.SetValue("a", "b") }); err != nil {
		t.Fatal(err)
	}
	var keys []string
	if p := read(func(scan func(...any) error) (bool, error) {
		var key string
		err := scan(&key)
		keys = append(keys, key)
		return true, err
	}); p != nil || len(keys) == 0 || keys[0] != "a" {
		t.Errorf("then it read %q, %v", keys, p)
	}
}
