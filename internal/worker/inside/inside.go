// Package inside makes one run inside a worker: it binds the VM, the runtime
// loaded in it, a recipe and the documents of a charm, and turns an event into a
// changeset.
//
// A run starts from a byte-identical heap, has a clock and random numbers of its
// own, and reads documents as of one commit, so that a run with the same task and
// the same answers does the same. It ends when it is at rest: no job of the VM is
// pending, no request open, no one-shot timer waiting.
package inside

import (
	"fmt"

	"charmd/internal/engine"
	"charmd/internal/prelude"
	"charmd/internal/wire"
)

// Host is the service, as a run sees it. All calls but Fetch, Cancel and Log
// block until they are answered.
type Host interface {
	// Documents returns at least the first of ids.
	Documents(ids []string) ([]wire.Document, error)
	// Program is the compiled recipe of this id.
	Program(recipe string) (string, error)
	// Fetch begins a request, unless it returns an error. The reply comes from
	// Replies, with the same number.
	Fetch(f *wire.Fetch) error
	// Cancel says that nobody waits for a reply any more.
	Cancel(op uint64)
	// Replies are those to all requests, also of runs that have ended.
	Replies() <-chan *wire.Reply
	// Log takes console lines. It may be called from several goroutines, but not
	// at once.
	Log(lines []wire.LogLine)
}

// Options of a Machine.
type Options struct {
	ArenaBytes int    // of the VM
	Rebuild    bool   // rebuild the VM for each run instead of restoring its memory
	Prelude    string // source of the runtime, package prelude's but in tests
	Host       Host
}

// Machine is a VM with the runtime loaded that makes one run after the other. It
// belongs to one goroutine.
type Machine struct {
	vm     *engine.VM
	host   Host
	base   *engine.Image // with the runtime alone
	images images        // with a recipe too
	run    *run          // the one that is under way; host functions refer to it
	lastOp uint64        // number of the last request of this process
}

// New makes a Machine and loads the runtime.
func New(o Options) (*Machine, error) {
	m := &Machine{host: o.Host}
	vm, err := engine.New(engine.Options{ArenaBytes: o.ArenaBytes, Rebuild: o.Rebuild, Host: m.functions()})
	if err != nil {
		return nil, err
	}
	m.vm = vm
	m.run = newRun(m, &wire.Task{})
	m.run.loading = true
	if m.base, err = m.load(o.Prelude); err != nil {
		_ = vm.Close()
		return nil, fmt.Errorf("loading the runtime: %w", err)
	}
	return m, nil
}

func (m *Machine) load(source string) (*engine.Image, error) {
	if err := m.vm.LoadLibrary(prelude.File, source); err != nil {
		return nil, err
	}
	if err := m.vm.Root(prelude.Root); err != nil {
		return nil, err
	}
	if err := m.vm.Pump(); err != nil {
		return nil, err
	}
	if errs := m.vm.Rejections(); len(errs) > 0 {
		return nil, errs[0]
	}
	return m.vm.Freeze()
}

// Run makes one run. It always returns a result; a VM that cannot be restored is
// a panic, and the end of the process.
func (m *Machine) Run(task *wire.Task) *wire.Result {
	before := cpuTime()
	r := newRun(m, task)
	m.run = r
	disarm := r.arm()
	result := r.result(r.play())
	disarm()
	result.Run = task.Run
	result.PeakBytes = int64(m.vm.PeakBytes())
	result.CPU = cpuTime() - before
	return result
}

// Close gives the VM's memory back.
func (m *Machine) Close() error { return m.vm.Close() }
