package sqlite

import (
	"context"

	"charmd/internal/store"
)

// view reads through one connection, within a transaction that the caller of
// its methods does not see. It is the store.Reader of DB.View.
type view struct {
	*session
	ctx context.Context
}

// tx is the store.Tx of one member of a group: a view of the writer's
// connection that also writes.
type tx struct {
	view
	last  *rowNumbers
	known *known
	after []func()
	facts int // added
}

var (
	_ store.Reader = (*view)(nil)
	_ store.Tx     = (*tx)(nil)
)

// rowNumbers hands out the rows of the append-only tables. A row that a failed
// member took is left out, and none is ever given twice, which retention relies
// on: it remembers how far it came by row.
type rowNumbers struct {
	fact, payload, run int64
}

// lastRows are the greatest rows in use or already looked at.
func lastRows(s *session) (*rowNumbers, error) {
	n := new(rowNumbers)
	err := s.row(`select
		coalesce((select max(row) from fact), 0),
		coalesce((select max(row) from payload), 0),
		max(coalesce((select max(row) from run), 0), coalesce((select max(row) from sweep where history in ('run', 'tally', 'run folded')), 0))`,
		nil, &n.fact, &n.payload, &n.run)
	return n, err
}

func next(n *int64) int64 {
	*n++
	return *n
}

// AfterCommit implements store.Tx.
func (t *tx) AfterCommit(fn func()) { t.after = append(t.after, fn) }
