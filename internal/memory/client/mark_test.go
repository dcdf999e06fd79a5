package client

import (
	"testing"

	"charmd/internal/memory/frames"
)

// Another writer has made the very same fact of a document. What became of the
// transaction is told by its mark alone.
func TestMarkTellsWhatBecameOfATransaction(t *testing.T) {
	t.Parallel()
	a, place := chain(docA, 4), Place{The: "application/charmd-run+json", Of: docA.Of}
	mark := Fact{Place: place}.Assert(num(101))
	theirs := Fact{Place: place}.Assert(num(102))
	cases := []struct {
		name   string
		after  func(p *peer)
		verify func(t *testing.T, err error)
	}{
		{"the document is there, and the mark is", func(p *peer) { p.facts(p.request(frames.Query), mark) }, nil},
		{"the mark of another is there", func(p *peer) { p.facts(p.request(frames.Query), theirs) }, wantConflict(theirs)},
		{"no mark is there: sent again, and the document is in the way", func(p *peer) {
			p.facts(p.request(frames.Query))
			p.conflict(p.request(frames.Transact), a[1])
			p.facts(p.request(frames.Query))
		}, wantConflict(a[1])},
		{"no mark is there: sent again, and the first copy had come", func(p *peer) {
			p.facts(p.request(frames.Query))
			p.conflict(p.request(frames.Transact), a[1])
			p.facts(p.request(frames.Query), mark)
		}, nil},
		{"two marks of others came", func(p *peer) { p.facts(p.request(frames.Query), theirs.Assert(num(103))) }, wantUnknown},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := newToolshed(t)
			space, first := server.open()
			made := later(func() (Receipt, error) { return space.TransactBy(t.Context(), mark, a[1:2]) })
			first.request(frames.Transact)
			first.cut()
			c.after(server.accept())
			r := <-made
			if c.verify != nil {
				c.verify(t, r.err)
			} else if r.err != nil {
				t.Error(r.err)
			}
		})
	}
}
