package store

import "time"

// Fact is one state of one piece of memory (memory spec §3): an assertion, or a
// retraction when Is is nil. Facts are appended and never changed.
type Fact struct {
	Row   int64
	Space int64 // row of the space
	The   string
	Of    string
	Ref   [32]byte
	Cause [32]byte
	Since int64     // number of the commit that made it the current one
	Is    []byte    // JavaScript text form of the value; nil for a retraction
	At    time.Time // of that commit, milliseconds
}

// Commit is one entry of a space's log (memory spec §4). Only the newest ones
// keep their transaction; all keep their reference, which chains them.
type Commit struct {
	Space       int64
	Since       int64
	Ref         [32]byte
	Transaction []byte // JavaScript text form of the invocation; nil when dropped
	At          time.Time
}

// Selector chooses current facts of one space; "" stands for any.
type Selector struct {
	The   string
	Of    string
	Since int64 // only facts with a greater commit number; -1 means all
}

// FactReader reads facts and commits.
type FactReader interface {
	// Head is the current fact of (the, of), or ErrNotFound when it was never
	// written. A retraction is found, with a nil Is.
	Head(space int64, the, of string) (Fact, error)
	// FactAsOf is the fact that was current after commit number since. ErrNotFound:
	// it did not exist then. ErrForgotten: retention has taken it.
	FactAsOf(space int64, the, of string, since int64) (Fact, error)
	// FactByRef is a kept fact by its reference, or ErrNotFound.
	FactByRef(space int64, the, of string, ref [32]byte) (Fact, error)
	// FactsAt lists the kept facts that the commit with the number wrote, in the
	// order they were added. It looks at every memory of the space.
	FactsAt(space, since int64) ([]Fact, error)
	// Heads calls yield for the current facts chosen, in order of (of, the) by
	// their bytes, until it returns false. yield may call other methods; facts
	// that it adds may be seen or not.
	Heads(space int64, sel Selector, yield func(Fact) bool) error
	// CommitAt is the log entry with the number, or ErrNotFound.
	CommitAt(space int64, since int64) (Commit, error)
}

// FactWriter writes facts and commits.
type FactWriter interface {
	// AddFact appends the fact and makes it the current one of (the, of). Several
	// of one (the, of) may have the same Since. Row is assigned. Checking Cause and
	// the order of Since is the caller's part. ErrNotFound: no such space.
	AddFact(Fact) error
	// PutCommit appends a log entry and moves the space's Since and Commit. Since
	// must be the number after the space's last one.
	PutCommit(Commit) error
	// PruneFacts deletes superseded facts: those beyond the newest keep of each
	// (the, of), and those that were superseded before the time. Transactions of
	// commits likewise: all but the newest keep of each space, and those that
	// another commit followed before the time. Current facts, the newest commit of
	// a space and the references of all commits stay. At most limit rows; it
	// returns how many. One call looks at a bounded number of facts: repeat it
	// until it returns 0.
	PruneFacts(keep int, before time.Time, limit int) (int, error)
}
