package store

import (
	"time"

	"charmd/internal/charm"
)

// Problem is an error that a charm has met, and how often.
type Problem struct {
	Charm    int64  // row
	Key      string // what makes two errors the same one
	Outcome  charm.Outcome
	Code     charm.ErrorCode
	Message  string // of the last one
	Position string // file.tsx:LINE:COL where there is one
	Run      string // id of the last run that met it
	First    time.Time
	Last     time.Time
	Times    int64
}

// ProblemReader reads the errors that charms have met.
type ProblemReader interface {
	// Problems lists the errors of a charm, 0 for all charms, the one seen last
	// first; limit 0 means all.
	Problems(charmRow int64, limit int) ([]Problem, error)
}

// ProblemWriter writes the errors that charms have met.
type ProblemWriter interface {
	// MeetProblem counts one more of a charm's error with p.Key, last seen at
	// p.Last; First and Times are kept by the store. The charm keeps the keep
	// errors that were seen last. ErrNotFound: no charm has the row.
	MeetProblem(p Problem, keep int) error
	// PruneProblems deletes the errors that were last seen before the time, and
	// returns how many.
	PruneProblems(before time.Time) (int, error)
}
