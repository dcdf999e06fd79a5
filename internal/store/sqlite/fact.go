package sqlite

import (
	"errors"
	"fmt"

	"charmd/internal/store"
)

const (
	// headsBatch and headsBytes bound what Heads holds at a time.
	headsBatch = 256
	headsBytes = 1 << 20
)

var (
	selectHead = "select m.of, m.the, f.row, f.since, f.at, f.ref, f.cause, f.value " +
		"from memory m join fact f on f.row = m.head where m.space = ?"
	selectHistory = "select m.of, m.the, f.row, f.since, f.at, f.ref, f.cause, f.value " +
		"from memory m join fact f on f.memory = m.id where m.space = ? and m.of = ? and m.the = ?"

	headQuery     = selectHead + " and m.of = ? and m.the = ?"
	factAsOfQuery = selectHistory + " and f.since <= ? order by f.since desc, f.row desc limit 1"
	factsAtQuery  = "select m.of, m.the, f.row, f.since, f.at, f.ref, f.cause, f.value " +
		"from memory m join fact f on f.memory = m.id and f.since = ? where m.space = ? order by f.row"
	factByRefQuery = selectHistory + " and f.ref = ? order by f.since desc, f.row desc limit 1"
)

func scanFact(space int64) func(func(...any) error) (store.Fact, error) {
	return func(scan func(...any) error) (store.Fact, error) {
		f := store.Fact{Space: space}
		err := scan(&f.Of, &f.The, &f.Row, &f.Since, timeOf{&f.At}, refOf{&f.Ref}, refOf{&f.Cause}, &f.Is)
		return f, err
	}
}

func (v *view) Head(space int64, the, of string) (store.Fact, error) {
	return one(v.session, headQuery, []any{space, of, the}, scanFact(space))
}

func (v *view) FactAsOf(space int64, the, of string, since int64) (store.Fact, error) {
	f, err := one(v.session, factAsOfQuery, []any{space, of, the, since}, scanFact(space))
	if !errors.Is(err, store.ErrNotFound) {
		return f, err
	}
	// Retention takes the oldest facts first. So none of that age is kept, and
	// the number that the memory was born with tells whether there was one.
	var born int64
	err = v.row("select born from memory where space = ? and of = ? and the = ?", []any{space, of, the}, &born)
	if err == nil && born <= since {
		return store.Fact{}, store.ErrForgotten
	}
	if err == nil {
		err = store.ErrNotFound
	}
	return store.Fact{}, err
}

func (v *view) FactByRef(space int64, the, of string, ref [32]byte) (store.Fact, error) {
	return one(v.session, factByRefQuery, []any{space, of, the, ref[:]}, scanFact(space))
}

func (v *view) FactsAt(space, since int64) ([]store.Fact, error) {
	return list(v.session, factsAtQuery, []any{since, space}, scanFact(space))
}

// Heads reads in batches, each ended before its facts are yielded, so that
// yield may call other methods and no more than a batch is held.
func (v *view) Heads(space int64, sel store.Selector, yield func(store.Fact) bool) error {
	query, args := selectHead, []any{space}
	if sel.Of != "" {
		query, args = query+" and m.of = ?", append(args, sel.Of)
	}
	if sel.The != "" {
		query, args = query+" and m.the = ?", append(args, sel.The)
	}
	if sel.Since >= 0 {
		query, args = query+" and f.since > ?", append(args, sel.Since)
	}
	scan := scanFact(space)
	after := ">=" // the first batch begins at the least key there can be
	var of, the string
	for {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		var batch []store.Fact
		bytes := 0
		page := query + " and (m.of, m.the) " + after + " (?, ?) order by m.of, m.the limit ?"
		err := v.session.rows(page, append(args, of, the, headsBatch), func(row func(...any) error) (bool, error) {
			f, err := scan(row)
			batch, bytes = append(batch, f), bytes+len(f.Is)
			return bytes < headsBytes, err
		})
		if err != nil {
			return fmt.Errorf("read the current facts of space %d: %w", space, err)
		}
		for _, f := range batch {
			if !yield(f) {
				return nil
			}
			of, the = f.Of, f.The
		}
		if len(batch) == 0 {
			return nil
		}
		after = ">"
	}
}

func (v *view) CommitAt(space, since int64) (store.Commit, error) {
	const query = "select l.at, l.ref, p.body from log l " +
		"left join payload p on p.space = l.space and p.since = l.since where l.space = ? and l.since = ?"
	return one(v.session, query, []any{space, since}, func(scan func(...any) error) (store.Commit, error) {
		c := store.Commit{Space: space, Since: since}
		err := scan(timeOf{&c.At}, refOf{&c.Ref}, &c.Transaction)
		return c, err
	})
}

func (t *tx) AddFact(f store.Fact) error {
	if f.Is != nil && len(f.Is) == 0 {
		return fmt.Errorf("store fact %s of %s: an assertion has a value, a retraction has nil", f.The, f.Of)
	}
	const upsert = "insert into memory (space, of, the, id, head, born) values (?, ?, ?, ?, ?, ?) " +
		"on conflict (space, of, the) do update set head = excluded.head returning id"
	const insert = "insert into fact (row, memory, since, at, ref, cause, value) values (?, ?, ?, ?, ?, ?, ?)"
	t.known.dropHead(f) // until both rows are written
	row := next(&t.last.fact)
	var memory int64
	err := t.returning(upsert, []any{f.Space, f.Of, f.The, row, row, f.Since}, &memory)
	if isMissingParent(err) {
		err = fmt.Errorf("space %d: %w", f.Space, store.ErrNotFound)
	}
	if err == nil {
		_, err = t.exec(insert, row, memory, f.Since, millis(f.At), f.Ref[:], f.Cause[:], f.Is)
	}
	if err != nil {
		return fmt.Errorf("store fact %s of %s: %w", f.The, f.Of, err)
	}
	t.facts++
	f.Row = row
	t.known.putHead(f)
	return nil
}

func (t *tx) PutCommit(c store.Commit) error {
	err := t.must("update space set since = ?, ref = ? where row = ? and since = ?", c.Since, c.Ref[:], c.Space, c.Since-1)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("store commit %d: it does not follow the last commit of space %d", c.Since, c.Space)
	}
	if err == nil {
		t.known.moveSpace(c)
		_, err = t.exec("insert into log (space, since, at, ref) values (?, ?, ?, ?)", c.Space, c.Since, millis(c.At), c.Ref[:])
	}
	if err == nil && c.Transaction != nil {
		_, err = t.exec("insert into payload (row, space, since, at, body) values (?, ?, ?, ?, ?)",
			next(&t.last.payload), c.Space, c.Since, millis(c.At), c.Transaction)
	}
	if err != nil {
		return fmt.Errorf("store commit %d of space %d: %w", c.Since, c.Space, err)
	}
	return nil
}
