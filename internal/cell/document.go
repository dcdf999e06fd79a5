// Package cell is Go's view of cells: paths into stored documents, with the
// aliases and links between them followed (runtime spec §3.1). It exists because
// people, the registry and the pages read and write cells with no charm running;
// inside a run the charm's own runtime does the same in the VM.
package cell

import (
	"errors"
	"fmt"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// MaxHops is how many aliases and links one path may lead through.
const MaxHops = 16

// Documents reads stored documents of one space by their entity ids.
type Documents interface {
	// Document is the stored form of the document, nil when there is none.
	Document(id string) (*jsontext.Object, error)
}

// Snapshot reads the documents of a space from a store's view and remembers
// which versions it saw, so that what follows from them can be committed safely.
type Snapshot struct {
	reader store.Reader
	space  charm.Space
	docs   map[string]*jsontext.Object
	seen   []memory.Version
	byID   map[string]memory.Version
}

// NewSnapshot reads from r, which must outlive it.
func NewSnapshot(r store.Reader, space charm.Space) *Snapshot {
	return &Snapshot{reader: r, space: space, docs: map[string]*jsontext.Object{}, byID: map[string]memory.Version{}}
}

// Document is the stored form of the document, nil when there is none.
func (s *Snapshot) Document(id string) (*jsontext.Object, error) {
	if doc, ok := s.docs[id]; ok {
		return doc, nil
	}
	version := memory.Version{The: memory.JSON, Of: memory.Of(id)}
	head, err := s.reader.Head(s.space.Row, version.The, version.Of)
	var doc *jsontext.Object
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return nil, err
	default:
		version.Ref = merkle.Ref(head.Ref)
		if head.Is != nil {
			v, err := jsontext.Parse(head.Is, jsontext.DefaultLimits)
			if err != nil {
				return nil, fmt.Errorf("document %s of space %s: %w", id, s.space.DID, err)
			}
			doc, _ = v.(*jsontext.Object)
		}
	}
	s.docs[id], s.byID[id] = doc, version
	s.seen = append(s.seen, version)
	return doc, nil
}

// Versions lists what was read, in order.
func (s *Snapshot) Versions() []memory.Version { return s.seen }

// Version is what the document was when it was read.
func (s *Snapshot) Version(id string) memory.Version { return s.byID[id] }

// Put replaces the stored form that later reads of this snapshot see.
func (s *Snapshot) Put(id string, doc *jsontext.Object) { s.docs[id] = doc }

// Space is the space the snapshot reads from.
func (s *Snapshot) Space() charm.Space { return s.space }
