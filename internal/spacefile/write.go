package spacefile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"

	"charmd/internal/charm"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// Writer writes a file line by line. The first error of what it writes to is
// returned by End.
type Writer struct {
	to    io.Writer
	lines int
	sum   hash.Hash
	err   error
}

// NewWriter writes the first line to w.
func NewWriter(w io.Writer, h Header) *Writer {
	out := &Writer{to: w, sum: sha256.New()}
	h.Version = Version
	out.put(h)
	return out
}

// Fact writes a current fact.
func (w *Writer) Fact(f store.Fact) {
	w.put(line{Fact: &factLine{The: f.The, Of: f.Of, Ref: merkle.Ref(f.Ref).String(), Cause: merkle.Ref(f.Cause).String(), Is: f.Is}})
}

// Recipe writes a recipe, without what was compiled from it.
func (w *Writer) Recipe(r charm.Recipe) {
	w.put(line{Recipe: &recipeLine{ID: r.ID, Name: r.Name, Source: r.Source, Files: r.Files}})
}

// Charm writes a charm.
func (w *Writer) Charm(c charm.Charm) {
	w.put(line{Charm: &Charm{
		ID: c.ID, Name: c.Name, Recipe: c.Recipe, Integration: c.Integration, Schedule: c.Schedule, Timeout: c.Timeout,
		Priority: c.Priority, AllowHosts: c.AllowHosts, ProbeNever: c.ProbeNever, Registered: c.Registered,
	}})
}

// End writes the last line.
func (w *Writer) End() error {
	w.put(line{End: &endLine{Lines: w.lines, Digest: hex.EncodeToString(w.sum.Sum(nil))}})
	return w.err
}

// Err is the first error so far; when there is one, the rest need not be written.
func (w *Writer) Err() error { return w.err }

func (w *Writer) put(v any) {
	if w.err != nil {
		return
	}
	e := json.NewEncoder(io.MultiWriter(w.to, w.sum))
	e.SetEscapeHTML(false)
	w.lines++
	w.err = e.Encode(v)
}
