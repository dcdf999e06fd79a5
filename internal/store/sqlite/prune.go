package sqlite

import (
	"errors"
	"fmt"
	"time"

	"charmd/internal/store"
)

// A sweep looks at every row of a history once, in the order they were appended,
// and never again: so retention costs as much as there is new, not as much as
// there is. How far it came is stored.
//
// lookAtMost bounds how many rows one sweep looks at in one call, since the
// writer waits meanwhile; sweepBatch how many it holds.
const (
	lookAtMost = 4096
	sweepBatch = 512
)

// history is an append-only table whose rows belong to groups, and the
// statements that retention needs.
type history struct {
	name string
	// after: rows after a row, in order: row, group, time. Arguments: row, limit.
	after string
	// bound: the newest row of the group that is not kept. Arguments: group, how
	// many are.
	bound string
	// remove deletes the group's rows up to one, oldest first. Arguments: group,
	// bound, limit.
	remove string
}

var (
	facts = history{
		name:  "fact",
		after: "select row, memory, at from fact where row > ? order by row limit ?",
		bound: "select row from fact where memory = ? order by since desc, row desc limit 1 offset ?",
		remove: "delete from fact where row in " +
			"(select row from fact where memory = ? and row <= ? order by since, row limit ?)",
	}
	payloads = history{
		name:  "payload",
		after: "select row, space, at from payload where row > ? order by row limit ?",
		bound: "select row from payload where space = ? order by since desc limit 1 offset ?",
		remove: "delete from payload where row in " +
			"(select row from payload where space = ? and row <= ? order by since limit ?)",
	}
	runs = history{
		name:  "run",
		after: "select row, charm, ended from run where row > ? order by row limit ?",
		bound: "select id from run where charm = ? order by id desc limit 1 offset ?",
		remove: "delete from run where row in " +
			"(select row from run where charm = ? and id <= ? order by id limit ?)",
	}
)

const pruneOldRuns = "delete from run where row in (select row from run where ended < ? order by ended limit ?)"

// pruning is one call of retention: what it may still delete, what it has
// deleted, and whether it stopped with rows left to look at.
type pruning struct {
	*tx
	left, deleted int
	more          bool
}

// result is the number to return: never 0 when there is more to do.
func (p *pruning) result() int {
	if p.deleted == 0 && p.more {
		return 1
	}
	return p.deleted
}

func (t *tx) PruneFacts(keep int, before time.Time, limit int) (int, error) {
	p := &pruning{tx: t, left: limit}
	keep = max(keep, 0)
	err := errors.Join(
		p.beyondNewest(facts, keep+1), // the current one is kept besides
		p.superseded(facts, before),
		p.beyondNewest(payloads, max(keep, 1)),
		p.superseded(payloads, before),
	)
	if err != nil {
		return 0, fmt.Errorf("prune facts: %w", err)
	}
	return p.result(), nil
}

func (t *tx) PruneRuns(keep int, before time.Time, limit int) (int, error) {
	p := &pruning{tx: t, left: limit}
	err := p.tally()
	if err == nil && !p.more {
		if err = p.beyondNewest(runs, max(keep, 0)); err == nil {
			err = p.delete(pruneOldRuns, millis(before))
		}
	}
	if err != nil {
		return 0, fmt.Errorf("prune runs: %w", err)
	}
	return p.result(), nil
}

// delete runs the statement, whose last argument is how many rows it may delete.
func (p *pruning) delete(statement string, args ...any) error {
	if p.left <= 0 {
		p.more = true
		return nil
	}
	n, err := p.exec(statement, append(args, p.left)...)
	p.left -= int(n)
	p.deleted += int(n)
	return err
}

// beyondNewest deletes what lies beyond the newest keep rows of each group. Only
// groups that have grown since the last time can have such rows.
func (p *pruning) beyondNewest(h history, keep int) error {
	done := make(map[int64]bool)
	return p.sweep(h, h.name, keep, func(r entry) (bool, error) {
		if done[r.group] {
			return true, nil
		}
		done[r.group] = true
		var bound any
		err := p.row(h.bound, []any{r.group, keep}, &bound)
		if errors.Is(err, store.ErrNotFound) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		return true, p.delete(h.remove, r.group, bound)
	})
}

// superseded deletes what a row older than the time has taken the place of. It
// counts on times that grow with the rows: one written while the clock was wrong
// by a year holds back what lies behind it for a year, and beyondNewest bounds
// that.
func (p *pruning) superseded(h history, before time.Time) error {
	end := millis(before)
	return p.sweep(h, h.name+" superseded", 0, func(r entry) (bool, error) {
		if r.at >= end {
			return false, nil
		}
		return true, p.delete(h.remove, r.group, r.row-1)
	})
}

// entry is what a sweep looks at.
type entry struct{ row, group, at int64 }

// sweep calls look for the rows that the sweep of that name has not seen, until
// it returns false, and remembers how far it came. A smaller keep than the last
// time starts it over.
func (p *pruning) sweep(h history, name string, keep int, look func(entry) (bool, error)) error {
	var from, kept int64
	err := p.row("select row, keep from sweep where history = ?", []any{name}, &from, &kept)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if int64(keep) < kept {
		from = 0
	}
	at, err := p.lookFrom(h, from, look)
	if err != nil || at == from && int64(keep) == kept {
		return err
	}
	return p.remember(name, keep, at)
}

// remember stores how far the sweep of that name came.
func (t *tx) remember(sweep string, keep int, row int64) error {
	_, err := t.exec("insert into sweep (history, keep, row) values (?, ?, ?) "+
		"on conflict (history) do update set keep = excluded.keep, row = excluded.row", sweep, keep, row)
	return err
}

// lookFrom returns the last row that is dealt with.
func (p *pruning) lookFrom(h history, from int64, look func(entry) (bool, error)) (int64, error) {
	for looked := 0; ; looked += sweepBatch {
		batch, err := list(p.session, h.after, []any{from, sweepBatch}, func(scan func(...any) error) (r entry, err error) {
			err = scan(&r.row, &r.group, &r.at)
			return r, err
		})
		if err != nil || len(batch) == 0 {
			return from, err
		}
		if looked >= lookAtMost {
			p.more = true
			return from, nil
		}
		for _, r := range batch {
			if p.left <= 0 {
				p.more = true
				return from, nil
			}
			goOn, err := look(r)
			if err != nil || !goOn {
				return from, err
			}
			if p.left <= 0 {
				// There may be more in this group than there was leave to delete.
				p.more = true
				return from, nil
			}
			from = r.row
		}
	}
}
