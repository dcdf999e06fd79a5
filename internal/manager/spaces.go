package manager

import (
	"context"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/store"
)

// Spaces lists the spaces in the order they were made.
func (m *Manager) Spaces(ctx context.Context) ([]api.Space, error) {
	list := []api.Space{}
	err := m.store.View(ctx, func(r store.Reader) error {
		spaces, err := r.Spaces()
		if err != nil {
			return err
		}
		for _, s := range spaces {
			out, err := spaceJSON(r, s)
			if err != nil {
				return err
			}
			out.Charms = nil
			list = append(list, out)
		}
		return nil
	})
	return list, err
}

// Space is one space, with its charms and who has been granted access.
func (m *Manager) Space(ctx context.Context, name string) (out api.Space, err error) {
	err = m.store.View(ctx, func(r store.Reader) error {
		s, err := findSpace(r, name)
		if err != nil {
			return err
		}
		if out, err = spaceJSON(r, s); err != nil {
			return err
		}
		out.Access, _, err = access(r, s)
		return err
	})
	return out, err
}

func spaceJSON(r store.Reader, s charm.Space) (api.Space, error) {
	out := api.Space{DID: s.DID, Name: s.Name, CreatedAt: s.CreatedAt.UTC(), Commits: s.Since + 1, Charms: []string{}}
	list, err := r.Charms(s.DID)
	if err != nil {
		return out, err
	}
	for _, c := range list {
		out.Charms = append(out.Charms, c.Ref())
	}
	out.CharmCount = len(list)
	out.Documents, out.Bytes, err = r.Weigh(s.Row, memory.JSON)
	return out, err
}
