package sqlite

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// columns names the columns of a table in the order its arguments and
// destinations are given in, so that each table's order is written down once.
type columns []string

// of are the columns for a select list, each with the table or alias before it.
func (c columns) of(table string) string {
	return table + "." + strings.Join(c, ", "+table+".")
}

// insert is the statement that inserts into them.
func (c columns) insert(table string) string {
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(c)), ", ")
	return fmt.Sprintf("insert into %s (%s) values (%s)", table, strings.Join(c, ", "), marks)
}

// upsert inserts, or replaces the row with the same key columns.
func (c columns) upsert(table string, keys ...string) string {
	var sets []string
	for _, name := range c {
		if !slices.Contains(keys, name) {
			sets = append(sets, name+" = excluded."+name)
		}
	}
	return fmt.Sprintf("%s on conflict (%s) do update set %s", c.insert(table), strings.Join(keys, ", "), strings.Join(sets, ", "))
}

// update is the statement that replaces them; the key's argument comes last.
func (c columns) update(table, key string) string {
	return fmt.Sprintf("update %s set %s = ? where %s = ?", table, strings.Join(c, " = ?, "), key)
}

// millis is the stored form of a time; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// timeOf scans the stored form of a time.
type timeOf struct{ t *time.Time }

func (d timeOf) read(c column) error {
	n, err := c.integer()
	*d.t = timeAt(n)
	return err
}

// lastTime is the last time that can be told to anybody: JSON has four digits for
// the year.
var lastTime = time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC).UnixMilli()

// timeAt is the time whose stored form is n. Only damage leaves one that is out of
// range: it is none, or the last one, which is known to be too far away.
func timeAt(n int64) time.Time {
	if n <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(min(n, lastTime)).UTC()
}

// durationOf scans a stored duration, microseconds.
type durationOf struct{ d *time.Duration }

func (d durationOf) read(c column) error {
	n, err := c.integer()
	// Only damage leaves one that is negative or longer than can be counted.
	*d.d = time.Duration(min(max(n, 0), longest)) * time.Microsecond
	return err
}

// longest is the longest duration, in microseconds, that can be doubled: a wait before
// a probe is.
const longest = math.MaxInt64 / 2 / int64(time.Microsecond)

// jsonOf scans what is stored as JSON.
type jsonOf struct{ value any }

func (d jsonOf) read(c column) error { return json.Unmarshal(c.blob(), d.value) }

// refOf scans a stored reference; null is the zero reference.
type refOf struct{ ref *[32]byte }

func (d refOf) read(c column) error {
	b := c.blob()
	if b != nil && len(b) != len(d.ref) {
		return fmt.Errorf("a stored reference has %d bytes", len(b))
	}
	*d.ref = [32]byte{}
	copy(d.ref[:], b)
	return nil
}
