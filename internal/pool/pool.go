// Package pool is the WorkerPool: it starts worker processes, gives each one task
// at a time, watches them, and kills what passes its time or breaks the protocol.
//
// It exists so that nothing above it has to know that charms run in processes.
// What a worker sends is checked here as far as it can be without knowing what
// the documents mean: that it belongs to the task, that nothing is changed that
// was not served, that nothing is answered that was not asked.
package pool

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"charmd/internal/cgroup"
	"charmd/internal/charm"
	"charmd/internal/sandbox"
	"charmd/internal/wire"
)

// Options of a Pool. The zero value of a field stands for its default.
type Options struct {
	Exe           string // executable with a worker mode; default: this one
	Workers       int    // processes; default 5
	ArenaBytes    int    // of each worker's VM; default charm.DefaultWorkerArena
	Rebuild       bool   // workers rebuild their VM instead of restoring its memory
	RunsPerWorker int    // before a process is replaced; default charm.WorkerRunLimit
	Logger        *slog.Logger
	Grace         time.Duration    // for a worker to exit when told to; default 2 s
	Now           func() time.Time // wall clock, of when runs began and ended; default the system's

	// RequireSandbox lets no worker have a task that lacks one of the walls that it
	// raises itself.
	RequireSandbox bool
	// Cgroups are where each worker gets one of its own; nil when they stay in the
	// service's, for the reason NoCgroups.
	Cgroups   *cgroup.Tree
	NoCgroups string

	Started func(took time.Duration) // told of each process that is ready; must not block; nil tells nobody
	Ended   func(reason string)      // told of each that is gone: an ExitKind or one of the reasons below; likewise
	// Owner names what only one pool at a time works for, such as a data directory.
	// Workers of this name that are alive at Start are left over, and killed. It is
	// no secret; "" sweeps nothing.
	Owner string
}

// Host answers what one task asks for. Its methods are called from the pool's
// goroutines and may block: the task waits, others do not. They must return
// soon after ctx is done and must not call back into the Pool.
type Host interface {
	// Documents returns at least the first of ids, and others of them as far as
	// it likes. An error ends the run with wire.ReasonHost.
	Documents(ctx context.Context, ids []string) ([]wire.Document, error)
	// Fetch makes a request; what goes wrong is in the reply. Several calls may
	// run at once, and beside the other methods. taken is called when the worker has
	// the reply, or is not to have it.
	Fetch(ctx context.Context, f wire.Fetch) (reply wire.Reply, taken func())
	// Program is the compiled recipe of this id. An error ends the run with
	// wire.ReasonHost.
	Program(ctx context.Context, recipe string) (string, error)
	// Log takes console lines, in order.
	Log(lines []wire.LogLine)
	// Dispatched is called once, when a worker has taken the task.
	Dispatched()
}

const (
	defaultWorkers   = 5
	defaultGrace     = 2 * time.Second
	helloTimeout     = 10 * time.Second
	mostFailures     = 5 // workers in a row that were never of use, after which nobody waits for the next
	firstRestartWait = 50 * time.Millisecond
	maxRestartWait   = 2 * time.Second
	largeWorker      = 192 << 20 // resident bytes after a task, above which a worker is replaced
)

// Pool is a number of worker processes. It is safe for concurrent use.
type Pool struct {
	o       Options
	launch  func() (*process, error)
	spawner *spawner

	mu       sync.Mutex
	workers  map[*worker]struct{} // alive, or not known to be dead
	idle     []*worker            // the last one was used last
	waiting  []*waiter            // in the order they came
	held     map[string]int       // workers that the tasks of each space hold
	starting bool                 // one worker is between launch and hello
	failures int                  // workers in a row that were never of use
	walls    sandbox.Report       // of the last worker that said hello
	told     chan struct{}        // closed when one has, or none will
	restart  *time.Timer
	started  bool
	closing  bool
	gone     chan struct{} // closed when closing and the last worker is gone
}

// ErrClosed is why a task was not dispatched by a pool that is closing.
var ErrClosed = errors.New("the worker pool is closing")

// New makes a Pool without processes.
func New(o Options) (*Pool, error) {
	if o.Workers == 0 {
		o.Workers = defaultWorkers
	}
	if o.Workers < 0 {
		return nil, charm.Errorf(charm.CodeUsage, "%d workers; at least 1 is needed", o.Workers)
	}
	if o.ArenaBytes == 0 {
		o.ArenaBytes = charm.DefaultWorkerArena
	}
	if o.RunsPerWorker == 0 {
		o.RunsPerWorker = charm.WorkerRunLimit
	}
	if o.Grace == 0 {
		o.Grace = defaultGrace
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Started == nil {
		o.Started = func(time.Duration) {}
	}
	if o.Ended == nil {
		o.Ended = func(string) {}
	}
	exe, err := executable(o.Exe)
	if err != nil {
		return nil, err
	}
	p := &Pool{o: o, workers: map[*worker]struct{}{}, held: map[string]int{}, told: make(chan struct{}), gone: make(chan struct{})}
	unknown := sandbox.Layer{State: sandbox.Off, Reason: "no worker has started yet"}
	p.walls = sandbox.Report{Namespaces: unknown, Landlock: unknown, Seccomp: unknown, Rlimits: unknown, Cgroup: unknown}
	p.launch = func() (*process, error) { return p.spawner.launch(exe, arguments(o), environment) }
	return p, nil
}

// Start begins to start workers, one after the other; it does not wait for them.
// Tasks that were given before wait for it.
func (p *Pool) Start(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := sandbox.SealDescriptors(); err != nil {
		p.o.Logger.Warn("descriptors that the service inherited are inherited by its workers", "err", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return ErrClosed
	}
	if !p.started {
		p.started = true
		if killed := sweep(p.o.Owner); len(killed) > 0 {
			p.o.Logger.Warn("workers of an earlier service were still alive; they are killed", "pids", killed)
		}
		p.spawner = newSpawner(p.o)
		p.restock()
	}
	return nil
}

// Require waits for the first worker and returns an error that says which of the
// walls around it are down, or why there is none.
func (p *Pool) Require(ctx context.Context) error {
	select {
	case <-p.told:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	down := p.Sandbox().Down()
	if len(down) == 0 {
		return nil
	}
	return charm.Errorf(charm.CodeSandbox, "%s", lacking(down)).
		WithHint("charmd doctor says what each of them needs; without --require-sandbox charms run behind the others")
}

// Sandbox is the walls of the last worker that started.
func (p *Pool) Sandbox() sandbox.Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.walls
}

// WorkerStatus is one process as people see it.
type WorkerStatus struct {
	PID         int
	Task        string    // run id, or the file being compiled; "" when idle
	Since       time.Time // of the task; zero when idle
	Started     time.Time // of the process
	Runs        int       // tasks it has done
	MemoryBytes int64     // resident, after its last task
}

// Status is the live processes, oldest first.
func (p *Pool) Status() []WorkerStatus {
	p.mu.Lock()
	workers := make([]*worker, 0, len(p.workers))
	for w := range p.workers {
		workers = append(workers, w)
	}
	p.mu.Unlock()
	return statuses(workers)
}

// Close refuses new and waiting tasks, waits for those that run until ctx is
// done, kills what is left, and returns when no process is left: nil, or the
// reason of ctx when tasks had to be killed.
func (p *Pool) Close(ctx context.Context) error {
	p.mu.Lock()
	if !p.closing {
		p.closing = true
		p.refuse(ErrClosed)
		if p.restart != nil && p.restart.Stop() {
			p.starting = false
		}
		for _, w := range p.idle {
			w.retire(EndedStopping, p.o.Grace)
		}
		p.idle = nil
		p.finish()
	}
	p.mu.Unlock()
	select {
	case <-p.gone:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	for w := range p.workers {
		w.kill(Exit{Kind: Cancelled, Detail: "the service is stopping"})
	}
	p.mu.Unlock()
	<-p.gone
	return context.Cause(ctx)
}

// finish tells Close that nothing is left, with p.mu held.
func (p *Pool) finish() {
	if p.closing && len(p.workers) == 0 && !p.starting {
		select {
		case <-p.gone:
		default:
			close(p.gone)
			if p.spawner != nil {
				p.spawner.end()
			}
		}
	}
}
