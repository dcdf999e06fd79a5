package manager

import (
	"charmd/internal/charm"
	"charmd/internal/store"
)

// RecipeArrived lets the charms run that wait for the recipe, inside the
// transaction that stores it.
func (m *Manager) RecipeArrived(tx store.Tx, id string) error {
	list, err := tx.Charms("")
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.Recipe != id {
			continue
		}
		if err := m.recipeArrivedFor(tx, c); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manager) recipeArrivedFor(tx store.Tx, c charm.Charm) error {
	s, err := tx.State(c.Row)
	if err != nil || !s.Waiting.Is() {
		return err
	}
	if s, err = m.registry.Waits(tx, c, s); err != nil {
		return err
	}
	return m.queue.Put(tx, c, s)
}
