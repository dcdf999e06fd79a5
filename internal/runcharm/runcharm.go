// Package runcharm is RunCharm: it opens a session on a charm's space, sends the
// event to the updater stream in a worker process, answers what the worker asks
// for, and turns what comes back into a transaction that has not been committed.
// It exists between the pool, which knows processes, and the handlers, which
// know jobs: here is all that a run may see and all that is believed of it.
package runcharm

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/memory"
	"charmd/internal/pool"
	"charmd/internal/recipe"
	"charmd/internal/store"
	"charmd/internal/wire"
)

// Runner runs charms. It is safe for concurrent use.
type Runner struct {
	store    store.Store
	memory   *memory.Memory
	pool     *pool.Pool
	lane     *pool.Pool
	egress   *egress.Client
	accounts Accounts
	apiURL   func() string
	logger   *slog.Logger
	now      func() time.Time

	recipes recipeCache
	memos   *memos

	mu       sync.Mutex
	triedOut map[string]string      // recipe that a charm has been tried out with, by space and id
	read     map[string]seen        // in a charm's last run, by space and id
	maps     map[string]*recipe.Map // source maps by recipe id
}

// Options are the parts a Runner works with.
type Options struct {
	Store    store.Store
	Memory   *memory.Memory
	Pool     *pool.Pool
	Lane     *pool.Pool // of runs that a person waits for; nil where there are none
	Egress   *egress.Client
	Accounts Accounts      // nil: no charm is connected to any
	APIURL   func() string // the toolshed's address, as recipes are told it
	Logger   *slog.Logger
	Now      func() time.Time
}

// Accounts are what charms are connected to.
type Accounts interface {
	// Has reports whether a charm has accounts that Prepare makes ready.
	Has(c charm.Charm) bool
	// Prepare makes a charm's accounts ready for a run that takes at most the time
	// within. An error is a *egress.Withheld, or that of a store that cannot be used.
	Prepare(ctx context.Context, c charm.Charm, within time.Duration) error
	// Credentials lend to the charm's requests what it does not hold itself.
	Credentials(c charm.Charm) egress.Credentials
}

// New makes a Runner.
func New(o Options) *Runner {
	r := &Runner{
		store: o.Store, memory: o.Memory, pool: o.Pool, lane: o.Lane, egress: o.Egress, accounts: o.Accounts, apiURL: o.APIURL, logger: o.Logger, now: o.Now,
		triedOut: map[string]string{}, read: map[string]seen{}, maps: map[string]*recipe.Map{}, memos: newMemos(),
	}
	o.Memory.Subscribe("", r.memos.committed)
	return r
}

// Work is one run to make.
type Work struct {
	Run        string // id of the run
	Occasion   string // equal over the retries of one job
	Mode       string // one of the wire's modes of a task
	Charm      charm.Charm
	Recipe     *charm.Recipe   // nil: the stored one
	Argument   json.RawMessage // of a cast; may be nil
	Document   string          // of an event or a write: where Stream begins; "" for the result document
	Stream     []string        // path of the stream, or of the cell that is written; empty in an event: all is computed anew, and nothing sent
	Event      json.RawMessage // or the value that is written
	Lane       bool            // a person waits for it: it runs on the workers kept for that
	Timeout    time.Duration
	Replies    *egress.Tape      // answers requests in place of the network; nil lets them out
	Ahead      *Ahead            // read when it was claimed; nil: it is read now
	Documents  map[string][]byte // texts that stand in for the stored ones, by id; may be nil
	Dispatched func()            // told when a worker has taken an attempt; nil tells nobody
}

// Result is what one attempt at a run came to. Nothing of it has been written.
type Result struct {
	Outcome   charm.Outcome
	Code      charm.ErrorCode
	Error     string           // for people; "" when ok
	Position  string           // file.tsx:LINE:COL of the error
	Handler   string           // the handler that failed, by its name in the recipe
	Permanent bool             // trying again cannot help
	NotBefore time.Time        // a host whose failure failed it is not asked before; zero for none
	Space     charm.Space      // as it was when the run began
	Draft     *memory.Draft    // what it changes; nil when nothing
	Mark      memory.Version   // the mark of the run before it, beside another toolshed
	Read      []memory.Version // what else it saw; all must still be so at the commit
	Report    wire.Report
	Log       string
	Requests  int
	Ledger    []charm.Request // what this attempt and those before it have sent
	Trial     *egress.Trial   // the charm was tried out; nil when it was not
	Asked     []Asked         // those that ended, in that order
	Recording *Recording      // nil when it never began, or was made again itself
	CPU       time.Duration
	PeakBytes int64
	Walls     string    // layers of the sandbox around its worker
	Started   time.Time // handed to a worker
	Ended     time.Time
}

// Session is one run, which may take several attempts when other writers get in
// between: all of them have the same id, clock, seed and replies.
type Session struct {
	runner  *Runner
	work    Work
	recipe  charm.Recipe
	started time.Time
	seed    uint64
	replies *egress.Log
	sent    ledger
	trial   *egress.Trial // nil when the charm is not tried out
	asOf    *Recording    // of a run that is made again; nil
	as      string        // what the documents call the recipe; "" for its own id
}

// Asked is one request of a run.
type Asked struct {
	Method, URL string // without secrets
	Status      int    // 0 when there was no reply
	Error       string // then
}

// Open prepares a session. CodeCompile: the recipe is missing, or does not
// compile any more.
func (r *Runner) Open(ctx context.Context, w Work) (*Session, error) {
	s := &Session{runner: r, work: w, started: r.now(), replies: egress.NewLog()}
	s.seed = seedOf(w.Run)
	if w.Recipe != nil {
		s.recipe = *w.Recipe
		return s, nil
	}
	if err := s.recast(ctx, w.Charm.Recipe); err != nil {
		return nil, err
	}
	return s, nil
}

// recast has the session run the charm by the recipe.
func (s *Session) recast(ctx context.Context, recipe string) error {
	rec, err := s.runner.current(ctx, recipe)
	if errors.Is(err, store.ErrNotFound) {
		return charm.Errorf(charm.CodeCompile, "the recipe %s of %s is not stored here", recipe, s.work.Charm.Ref())
	}
	if err == nil {
		s.recipe = rec
	}
	return err
}

// Attempt runs the charm once against the space as it is now.
func (s *Session) Attempt(ctx context.Context) Result {
	s.replies.Rewind()
	if s.runner.accounts != nil && s.asOf == nil {
		if err := s.runner.accounts.Prepare(ctx, s.work.Charm, s.work.Timeout); err != nil && ctx.Err() == nil {
			return s.notPrepared(err)
		}
	}
	a := newAttempt(s)
	task, err := a.task(ctx)
	if recast, ok := errors.AsType[*recastError](err); ok {
		if err = s.recast(ctx, recast.recipe); err == nil {
			return s.Attempt(ctx)
		}
	}
	if ctx.Err() != nil {
		return Result{Outcome: charm.Cancelled, Code: charm.CodeCancelled, Error: "cancelled before it ran", Started: s.started, Ended: s.runner.now()}
	}
	if charm.CodeOf(err) == charm.CodeCompile {
		return Result{Outcome: charm.Errored, Code: charm.CodeCompile, Permanent: true, Error: err.Error(), Started: s.started, Ended: s.runner.now()}
	}
	if err != nil {
		return Result{Outcome: charm.Lost, Code: charm.CodeUnavailable, Error: "the charm's documents could not be read: " + err.Error(), Started: s.started, Ended: s.runner.now()}
	}
	workers := s.runner.pool
	if s.work.Lane {
		workers = s.runner.lane
	}
	out, exit := workers.Run(ctx, task, s.work.Timeout, a)
	result := a.result(out, exit)
	if s.asOf != nil {
		return result
	}
	if !s.work.Lane {
		result.Recording = s.recording(a.space.Since)
	}
	if result.Outcome != charm.OK {
		return result
	}
	if s.work.Mode == wire.ModeEvent || s.work.Mode == wire.ModeWrite {
		s.runner.remember(s.work.Charm, seen{a.process, out.Read, a.bytes})
	}
	a.remembering(&result)
	return result
}

// SaveHosts writes what runs have learnt of hosts, with the result of the one whose
// end tx writes. A trial that ended well has shown what hosts the charm is for.
func (r *Runner) SaveHosts(tx store.Tx, of Result) error {
	if of.Outcome != charm.OK {
		of.Trial = nil
	}
	return r.egress.SaveHosts(tx, of.Trial)
}

// mostPredicted bounds how many documents are sent ahead of a run; their size is
// bounded too, as that of any answer.
const mostPredicted = 8192

// remember keeps what a charm read, to send it ahead the next time.
func (r *Runner) remember(c charm.Charm, last seen) {
	last.ids = last.ids[:min(len(last.ids), mostPredicted)]
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read[c.Space+c.ID] = last
}

func (r *Runner) predicted(c charm.Charm) seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.read[c.Space+c.ID]
}

// Forget drops what is remembered of a charm that was removed.
func (r *Runner) Forget(space, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.read, space+id)
	delete(r.triedOut, space+id)
	r.memos.forget(space + id)
}
