package live

import (
	"context"
	"errors"
	"fmt"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/store"
)

// mostRead is how many bytes of documents one page may be drawn from: they are kept
// while it is open.
const mostRead = 32 << 20

// shelf reads documents for one drawing: those that are known from memory, others
// from the store, each in a view of its own, since a drawing may take long and a
// view keeps the store from tidying up. What is committed meanwhile is news to the
// page, and it is drawn again. The shelf notes which it gave.
type shelf struct {
	ctx   context.Context
	store store.Store
	space string
	row   int64 // of the space; 0 until it is asked for
	known map[string]document
	used  map[string]document
	left  int // bytes
}

// Document is the stored form of the document, nil when there is none. It is
// CodeTooLarge when it would be too much together with those before it.
func (s *shelf) Document(id string) (*jsontext.Object, error) {
	if doc, ok := s.used[id]; ok {
		return doc.value, nil
	}
	if s.left <= 0 {
		return nil, charm.Errorf(charm.CodeTooLarge, "the page is drawn from more than %d MiB of documents", mostRead>>20)
	}
	doc, ok := s.known[id]
	switch {
	case !ok:
		var err error
		if doc, err = s.read(id); err != nil {
			return nil, err
		}
	case doc.size == 0 && doc.value != nil: // it is known from its commit
		doc.size = len(jsontext.Append(nil, doc.value))
	}
	s.left -= doc.size
	s.used[id] = doc
	return doc.value, nil
}

func (s *shelf) read(id string) (document, error) {
	doc := document{since: -1}
	var text []byte
	err := s.store.View(s.ctx, func(r store.Reader) error {
		if s.row == 0 {
			space, err := r.Space(s.space)
			if err != nil {
				return fmt.Errorf("space %s: %w", s.space, err)
			}
			s.row = space.Row
		}
		head, err := r.Head(s.row, memory.JSON, memory.Of(id))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		doc.since, text = head.Since, head.Is
		return err
	})
	if err != nil || text == nil {
		return doc, err
	}
	v, err := jsontext.Parse(text, jsontext.DefaultLimits)
	if err != nil {
		return doc, fmt.Errorf("document %s of space %s: %w", id, s.space, err)
	}
	doc.value, _ = v.(*jsontext.Object)
	doc.size = len(text)
	return doc, nil
}
