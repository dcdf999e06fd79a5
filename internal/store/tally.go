package store

import "charmd/internal/charm"

// TallyReader counts the run records that there have ever been.
type TallyReader interface {
	// Tally is how many runs of charms were recorded with each outcome, those that
	// retention has taken included. It looks at the records since the last
	// PruneRuns.
	Tally() (map[charm.Outcome]int64, error)
}
