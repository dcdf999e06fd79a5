package runcharm

import (
	"sync"

	"charmd/internal/charm"
)

// recipeCacheBytes is how much of recipes' texts is kept in memory.
const recipeCacheBytes = 32 << 20

// recipeCache keeps recipes that run often. What an id names never changes, so
// nothing has to be taken out but for room.
type recipeCache struct {
	mu    sync.Mutex
	byID  map[string]charm.Recipe
	bytes int
}

func (c *recipeCache) get(id string) (charm.Recipe, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rec, ok := c.byID[id]
	return rec, ok
}

func (c *recipeCache) put(rec charm.Recipe) {
	rec.Files = nil // runs need the program and its map
	size := len(rec.Source) + len(rec.Program) + len(rec.SourceMap)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID == nil || c.bytes+size > recipeCacheBytes {
		c.byID, c.bytes = map[string]charm.Recipe{}, 0
	}
	c.byID[rec.ID] = rec
	c.bytes += size
}
