package client

import (
	"io"
	"sync/atomic"
)

// moving counts the pieces of messages that a connection takes and brings. While
// something moves there is no need to ask whether the other side is there, and no use:
// the question and its answer come behind what is in the buffers on the way, which on a
// slow line is more than the five seconds in which either must be written.
type moving struct {
	pieces atomic.Int64
	seen   int64 // by still
}

// piece counts a piece.
func (m *moving) piece() { m.pieces.Add(1) }

// still reports whether nothing has moved since it was asked last, by one goroutine.
func (m *moving) still() bool {
	before := m.seen
	m.seen = m.pieces.Load()
	return m.seen == before
}

// reader is r, of which what is read counts.
func (m *moving) reader(r io.Reader) io.Reader { return movingReader{r, m} }

type movingReader struct {
	io.Reader
	moving *moving
}

func (r movingReader) Read(p []byte) (n int, err error) {
	if n, err = r.Reader.Read(p); n > 0 {
		r.moving.piece()
	}
	return n, err
}
