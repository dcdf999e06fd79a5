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

// editList changes a document whose value is a list.
func (m *Manager) editList(tx store.Tx, space charm.Space, id string, change func([]any) []any) error {
	docs := cell.NewSnapshot(tx, space)
	old, err := docs.Document(id)
	if err != nil {
		return err
	}
	doc := jsontext.NewObject()
	var list []any
	if old != nil {
		doc = jsontext.Clone(old).(*jsontext.Object)
		v, _ := doc.Get("value")
		list, _ = v.([]any)
	}
	doc.Set("value", change(list))
	v := docs.Version(id)
	draft, err := memory.NewDraft(space, m.memory.Issuer(), []memory.Change{memory.Assert(v.Of, v.Cause(), doc)}, nil, m.now())
	if err != nil {
		return err
	}
	draft.Anyway = true
	_, err = m.memory.Commit(tx, draft, nil)
	return err
}

// trash moves a charm from its space's list of charms to its trash.
func (m *Manager) trash(tx store.Tx, space charm.Space, id string) error {
	isNot := func(list []any) []any {
		kept := []any{}
		for _, v := range list {
			if !jsontext.Equal(v, charmLink(space.DID, id)) {
				kept = append(kept, v)
			}
		}
		return kept
	}
	if err := m.editList(tx, space, merkle.Charms.Link(), isNot); err != nil {
		return err
	}
	return m.editList(tx, space, merkle.Trash.Link(), func(list []any) []any { return append(list, charmLink(space.DID, id)) })
}
