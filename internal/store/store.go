// Package store is the seam between the service and its database. It exists so
// that everything durable passes one door with one rule: whatever belongs
// together is written in one transaction, and Update answers only when that
// transaction is on disk. store/sqlite implements it; store/storetest is the
// suite every implementation passes.
package store

import (
	"context"
	"errors"
	"time"

	"charmd/internal/charm"
)

// ErrNotFound is returned by reads of one row that is not there.
var ErrNotFound = errors.New("not in the store")

// ErrForgotten is returned for a state that existed and was taken by retention.
var ErrForgotten = errors.New("that state is no longer kept")

// ErrClosed is returned by operations on a store that was closed.
var ErrClosed = errors.New("the store is closed")

// Store is a durable database with one writer.
type Store interface {
	// Update runs fn in a read-write transaction and returns when it is on disk.
	// Calls from many goroutines are grouped into one transaction of the
	// database, each in a savepoint of its own: when fn returns an error, what it
	// wrote is undone, the others are not touched, and Update returns that error.
	// fn runs on the writer's goroutine: it must be short, must not block, and
	// must not call Update or View. It is run once; a panic in it undoes what it
	// wrote and is returned as an error. A cancelled ctx makes Update return early
	// only while fn has not started. When the database itself fails, everyone in
	// the group gets its error, a *charm.Error, as a rule with CodeUnavailable.
	Update(ctx context.Context, fn func(Tx) error) error
	// View runs fn on a consistent snapshot, which holds everything that Updates
	// answered before have written. fn must not keep the Reader.
	View(ctx context.Context, fn func(Reader) error) error
	// Health is nil while writes succeed, else why they do not.
	Health() error
	// Check says what is damaged of what the store has on disk, a line each; of a
	// large store, which takes long to read, nothing.
	Check(ctx context.Context) ([]string, error)
	// Size is what the store takes on disk, bytes.
	Size() (int64, error)
	Compacter
	// Close waits for running calls, makes everything durable and releases the
	// database for another owner. Calls made after it return ErrClosed; closing
	// again does nothing.
	Close() error
}

// Reader is a consistent view.
type Reader interface {
	SpaceReader
	FactReader
	CharmReader
	JobReader
	RunReader
	RecipeReader
	StatReader
	ServiceReader
	PauseReader
	HostReader
	ContactReader
	ProblemReader
	NoticeReader
	TallyReader
	BlobReader
	SecretReader
	ConnectionReader
}

// Tx is a Reader that sees its own writes, and writes.
type Tx interface {
	Reader
	SpaceWriter
	FactWriter
	CharmWriter
	JobWriter
	RunWriter
	RecipeWriter
	StatWriter
	ServiceWriter
	PauseWriter
	HostWriter
	ContactWriter
	ProblemWriter
	NoticeWriter
	BlobWriter
	SecretWriter
	ConnectionWriter
	// AfterCommit registers fn to run, on the writer's goroutine in order of
	// commits, once this member's transaction is on disk and before its Update
	// returns. It does not run when the member failed. fn must not block.
	AfterCommit(fn func())
}

// SpaceReader reads spaces.
type SpaceReader interface {
	// Space is the space with the DID, or ErrNotFound.
	Space(did string) (charm.Space, error)
	// SpaceNamed is the space with the name, or ErrNotFound.
	SpaceNamed(name string) (charm.Space, error)
	Spaces() ([]charm.Space, error) // in order of creation
	// Weigh counts the memories of a space of the kind the that hold a value now,
	// and the bytes of these values.
	Weigh(space int64, the string) (memories, bytes int64, err error)
}

// SpaceWriter writes spaces.
type SpaceWriter interface {
	// PutSpace inserts (Row 0) or updates name of a space; the DID never changes.
	// It returns the row. Since and Commit are moved by PutCommit alone. A DID or
	// a name that another space has is a *charm.Error with CodeConflict, a Row
	// that is not there ErrNotFound.
	PutSpace(charm.Space) (int64, error)
}

// CharmReader reads charms and their state.
type CharmReader interface {
	// Charm is the charm with the row, or ErrNotFound.
	Charm(row int64) (charm.Charm, error)
	// CharmByID is the charm of a space by its entity id, or ErrNotFound.
	CharmByID(space, id string) (charm.Charm, error)
	// Charms lists charms in order of their rows; space "" means all.
	Charms(space string) ([]charm.Charm, error)
	// State is the state of a charm, the zero State when it never ran.
	State(row int64) (charm.State, error)
	// States is the state of every charm that has one, by row.
	States() (map[int64]charm.State, error)
}

// CharmWriter writes charms and their state.
type CharmWriter interface {
	// PutCharm inserts (Row 0) or replaces a charm and returns its row. Rows are
	// never used again. ErrNotFound: its Space is not known to PutSpace, or no
	// charm has its Row. An ID, or a Name other than "", that another charm of the
	// space has is a *charm.Error with CodeConflict.
	PutCharm(charm.Charm) (int64, error)
	// DeleteCharm removes a charm, its state and its jobs; its runs stay until
	// retention takes them. ErrNotFound when it is not there.
	DeleteCharm(row int64) error
	// PutState replaces the state of a charm; ErrNotFound when it is not there.
	PutState(row int64, s charm.State) error
}

// JobReader reads live jobs.
type JobReader interface {
	// Job is the live job with the id, or ErrNotFound.
	Job(id string) (charm.Job, error)
	// JobsOf lists the live jobs of a charm, oldest due first; row 0 means the
	// maintenance jobs.
	JobsOf(charmRow int64) ([]charm.Job, error)
	// Jobs lists all live jobs, oldest due first; limit 0 means all.
	Jobs(limit int) ([]charm.Job, error)
}

// JobWriter writes live jobs.
type JobWriter interface {
	// PutJob inserts or replaces the job with j.ID. ErrNotFound: no charm has its
	// row. Charm 0 (maintenance) is always there.
	PutJob(j charm.Job) error
	// DeleteJob removes the job; ErrNotFound when it is not there.
	DeleteJob(id string) error
}

// RunFilter chooses runs.
type RunFilter struct {
	Charm   int64         // 0 means any
	Outcome charm.Outcome // "" means any
	Job     string        // "" means any
	Since   time.Time     // started at or after; zero means any
	Before  string        // only runs with a smaller id (for paging); "" means any
	Limit   int           // 0 means 100
}

// RunReader reads run records.
type RunReader interface {
	// Run is the record with the id, log and ledger included, or ErrNotFound.
	Run(id string) (charm.Run, error)
	// Runs lists records, newest first, without their logs and ledgers.
	Runs(RunFilter) ([]charm.Run, error)
}

// RunWriter writes run records.
type RunWriter interface {
	// AddRun appends a record. A second record with the same id is a *charm.Error
	// with CodeConflict. The charm need not be there any more.
	AddRun(charm.Run) error
	// PruneRuns deletes records beyond the newest keep of each charm and those
	// that ended before the time, at most limit rows; it returns how many. One
	// call looks at a bounded number of records: repeat it until it returns 0.
	PruneRuns(keep int, before time.Time, limit int) (int, error)
}

// RecipeReader reads recipes.
type RecipeReader interface {
	Recipe(id string) (charm.Recipe, error) // or ErrNotFound
	RecipeIDs() ([]string, error)           // in order of their bytes
}

// RecipeWriter writes recipes.
type RecipeWriter interface {
	// PutRecipe inserts a recipe, or replaces what was compiled from it: Program,
	// SourceMap and Compiler.
	PutRecipe(charm.Recipe) error
	// DropPrograms takes what was compiled from recipes that no charm refers to and
	// that were stored before the time, at most limit of them; it returns how many.
	// The recipes themselves stay, since documents of removed charms name them.
	DropPrograms(before time.Time, limit int) (int, error)
}

// ServiceReader reads small values of the service itself.
type ServiceReader interface {
	// Value is the value of the key, "" when it was never set.
	Value(key string) (string, error)
}

// ServiceWriter writes small values of the service itself.
type ServiceWriter interface {
	SetValue(key, value string) error
}
