package manager

import "charmd/internal/charm"

// Census is how many charms there are.
type Census struct {
	ByStatus   map[string]int // in the words of List
	DisabledBy map[charm.DisabledBy]int
}

// Census counts the charms, from memory.
func (m *Manager) Census() Census {
	c := Census{ByStatus: map[string]int{}, DisabledBy: map[charm.DisabledBy]int{}}
	for _, s := range m.queue.Standings() {
		c.ByStatus[m.statusOf(s)]++
		if s.State.Disabled {
			c.DisabledBy[s.State.DisabledBy]++
		}
	}
	return c
}
