package runcharm

import (
	"errors"

	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// MarkOf is the version of the mark that runs leave on a charm in another toolshed.
func MarkOf(r store.Reader, space charm.Space, charmID string) (memory.Version, error) {
	id, err := merkle.ParseLink(charmID)
	if err != nil {
		return memory.Version{}, err
	}
	v := memory.Version{The: memory.RunJSON, Of: memory.Of(merkle.ProcessID(id).Link())}
	head, err := r.Head(space.Row, v.The, v.Of)
	if errors.Is(err, store.ErrNotFound) {
		return v, nil
	}
	v.Ref = merkle.Ref(head.Ref)
	return v, err
}
