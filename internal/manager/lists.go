package manager

import (
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// charmLink is a charm's entry in its space's lists (runtime spec §4).
func charmLink(space, id string) *jsontext.Object {
	link := jsontext.NewObject()
	link.Set("space", space)
	link.Set("cell", cell.Reference(id))
	link.Set("path", []any{})
	return link
}

// editList is the change of a document whose value is a list.
func editList(docs *cell.Snapshot, id string, edit func([]any) []any) (memory.Change, error) {
	old, err := docs.Document(id)
	if err != nil {
		return memory.Change{}, err
	}
	doc := jsontext.NewObject()
	var list []any
	if old != nil {
		doc = jsontext.Clone(old).(*jsontext.Object)
		v, _ := doc.Get("value")
		list, _ = v.([]any)
	}
	doc.Set("value", edit(list))
	v := docs.Version(id)
	return memory.Assert(v.Of, v.Cause(), doc), nil
}

// entered is the change that puts a charm into its space's list of charms.
func entered(docs *cell.Snapshot, id string) (memory.Change, error) {
	return editList(docs, merkle.Charms.Link(), func(list []any) []any { return append(list, charmLink(docs.Space().DID, id)) })
}

// trashed is the transaction that moves a charm from its space's list of charms to
// its trash.
func (m *Manager) trashed(r store.Reader, space charm.Space, id string) (*memory.Draft, error) {
	docs, link := cell.NewSnapshot(r, space), charmLink(space.DID, id)
	without, err := editList(docs, merkle.Charms.Link(), func(list []any) []any {
		kept := []any{}
		for _, v := range list {
			if !jsontext.Equal(v, link) {
				kept = append(kept, v)
			}
		}
		return kept
	})
	if err != nil {
		return nil, err
	}
	trash, err := editList(docs, merkle.Trash.Link(), func(list []any) []any { return append(list, link) })
	if err != nil {
		return nil, err
	}
	draft, err := memory.NewDraft(space, m.memory.Issuer(), []memory.Change{without, trash}, nil, m.now())
	if err == nil {
		draft.Anyway = true
	}
	return draft, err
}
