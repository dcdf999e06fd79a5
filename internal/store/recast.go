package store

import "time"

// Recast says that a charm got another recipe.
type Recast struct {
	Charm         int64 // row
	Since         int64 // number of the commit that wrote it, in the log of its space
	At            time.Time
	Before, After string // recipes
}

// RecastReader reads how charms came to their recipes.
type RecastReader interface {
	// Recasts lists those of a charm, the newest first.
	Recasts(charm int64) ([]Recast, error)
}

// RecastWriter writes it.
type RecastWriter interface {
	// AddRecast appends r and keeps the newest keep of its charm. ErrNotFound: no
	// charm has its row.
	AddRecast(r Recast, keep int) error
	// DropRecast removes the newest one of the charm; ErrNotFound when there is none.
	DropRecast(charm int64) error
}
