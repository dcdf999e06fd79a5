package sqlite

import (
	"errors"
	"fmt"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// tallyAtMost bounds how many records one call adds to the tally, since the
// writer waits meanwhile.
const tallyAtMost = 20_000

const (
	tallied   = "select row from sweep where history = 'tally'"
	tallyEnd  = "select row from run where row > ? order by row limit 1 offset ?"
	tallySpan = "select outcome, count(*) from run where row > ? and row <= ? and charm <> 0 group by outcome"
)

// talliedTo is the row of the last record that is in the tally.
func (s *session) talliedTo() (row int64, err error) {
	err = s.row(tallied, nil, &row)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	return row, err
}

// counts calls each for the outcomes of the records between two rows, the first
// excluded.
func (s *session) counts(query string, args []any, each func(o charm.Outcome, runs int64) error) error {
	type count struct {
		outcome charm.Outcome
		runs    int64
	}
	all, err := list(s, query, args, func(scan func(...any) error) (c count, err error) {
		err = scan(&c.outcome, &c.runs)
		return c, err
	})
	for _, c := range all {
		err = errors.Join(err, each(c.outcome, c.runs))
	}
	return err
}

const lastRow = 1<<63 - 1

func (v *view) Tally() (map[charm.Outcome]int64, error) {
	sum := make(map[charm.Outcome]int64)
	add := func(o charm.Outcome, runs int64) error {
		sum[o] += runs
		return nil
	}
	from, err := v.talliedTo()
	if err == nil {
		err = v.counts("select outcome, runs from tally", nil, add)
	}
	if err == nil {
		err = v.counts(tallySpan, []any{from, int64(lastRow)}, add)
	}
	if err != nil {
		return nil, fmt.Errorf("count the runs: %w", err)
	}
	return sum, nil
}

// tally counts the records that are new since the last time, before retention
// may take them. When it leaves some there is more to do, and nothing may be
// taken yet.
func (p *pruning) tally() error {
	from, err := p.talliedTo()
	if err != nil {
		return err
	}
	var to int64
	err = p.row(tallyEnd, []any{from, tallyAtMost - 1}, &to)
	p.more = err == nil
	if errors.Is(err, store.ErrNotFound) {
		err = p.row("select coalesce(max(row), 0) from run", nil, &to)
	}
	if err != nil || to <= from {
		return err
	}
	err = p.counts(tallySpan, []any{from, to}, func(o charm.Outcome, runs int64) error {
		_, err := p.exec("insert into tally (outcome, runs) values (?, ?) on conflict (outcome) do update set runs = runs + excluded.runs", string(o), runs)
		return err
	})
	if err != nil {
		return err
	}
	_, err = p.exec("insert into sweep (history, keep, row) values ('tally', 0, ?) on conflict (history) do update set row = excluded.row", to)
	return err
}
