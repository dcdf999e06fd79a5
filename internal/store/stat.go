package store

import (
	"context"
	"time"

	"charmd/internal/charm"
)

// Stat is the figures of one integration's runs that ended with one outcome
// within one hour. Maintenance is not counted.
type Stat struct {
	Hour        time.Time // its begin
	Integration string    // "" also for charms that are not there any more
	Outcome     charm.Outcome
	Runs        int64
	Busy        time.Duration   // wall time of the runs together
	Times       charm.Histogram // their wall times
	Lateness    charm.Histogram // from when they were due to when they started
}

// Minute is the figures of the runs of charms that ended within one minute.
type Minute struct {
	Begin    time.Time
	Runs     int64
	Failed   int64           // of them that did not end ok
	Lateness charm.Histogram // from when they were due to when they started
}

// StatReader reads figures.
type StatReader interface {
	// Stats lists the figures of hours that begin at the time or later, oldest
	// first. Records that are not folded yet are not in them.
	Stats(since time.Time) ([]Stat, error)
	// Minutes lists the figures of minutes that begin at the time or later, oldest
	// first; minutes without runs are left out. Records that are not folded yet are
	// not in them.
	Minutes(since time.Time) ([]Minute, error)
}

// StatWriter folds run records into figures.
type StatWriter interface {
	// FoldRuns adds the oldest records that are not folded yet to the figures of
	// their hours and minutes, at most limit of them, and remembers how far it came; it returns
	// how many. 0: every record is in the figures, once.
	FoldRuns(limit int) (int, error)
	// PruneStats deletes the figures of hours that began before the time; it
	// returns how many rows that were.
	PruneStats(before time.Time) (int, error)
	// PruneMinutes does so with those of minutes.
	PruneMinutes(before time.Time) (int, error)
}

// Compacter gives room back to the file system, as far as an implementation can.
type Compacter interface {
	// Vacuum gives at most so many unused pages back and returns the bytes that
	// the database became smaller by; 0 when it has none left. Updates wait for it,
	// so that many pages are given back in several calls.
	Vacuum(ctx context.Context, pages int) (freed int64, err error)
	// Checkpoint empties the log, as far as no view still reads from it; only then
	// the files shrink. Updates wait for it.
	Checkpoint(ctx context.Context) error
}
