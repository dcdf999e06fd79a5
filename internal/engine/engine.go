// Package engine is the JavaScript VM behind a small seam, so that the rest of charmd never sees
// an engine value, and so that every run can start from a byte-identical heap.
//
// All memory of a VM (the QuickJS runtime, its context, every script value) lies in one mapping,
// the arena, with an allocator whose state lies there too. Freeze copies the used part out as an
// Image, Restore copies it back in a few microseconds, whatever the run before did: vandalised
// globals, out of memory, a run ended in the middle of the engine. Where copying memory is not
// trusted, Options.Rebuild makes Restore build the VM anew by replaying what led to the image.
//
// A run is ended (Stop, memory limit, Call.End) by a Go panic of a private type that unwinds the
// engine's frames: no script can catch it. That leaves the heap in the middle of something, which
// is sound only because nothing but Restore is accepted afterwards.
//
// Strings cross as WTF-8: UTF-8, with a lone surrogate as its three-byte sequence, both ways.
//
// Only 64-bit platforms are supported.
package engine

import (
	"errors"
	"fmt"
	"sync/atomic"

	"modernc.org/libc"
	lib "modernc.org/libquickjs"
)

// DefaultArenaBytes is the size of the arena when Options names none. Pages never touched cost nothing.
const DefaultArenaBytes = 64 << 20

const (
	minArenaBytes = 2 << 20
	maxArenaBytes = 2 << 30
	reserveBytes  = 1 << 20 // arena minus default memory limit
)

// Options of a VM.
type Options struct {
	ArenaBytes  int        // bytes of the one mapping that holds the VM, 2 MiB to 2 GiB; 0 = DefaultArenaBytes
	MemoryLimit int        // bytes the scripts may hold; 0 = ArenaBytes - 1 MiB
	Rebuild     bool       // Restore replays the recorded steps in a new VM instead of copying memory
	Host        []HostFunc // installed as globalThis.__host.<Name>; fixed for the life of the VM
}

// ErrStopped is returned by the call during or after which Stop was called.
var ErrStopped = errors.New("engine: the run was stopped")

// ErrOutOfMemory is returned by the call in which the script asked for more memory than its limit.
var ErrOutOfMemory = errors.New("engine: the run exceeded its memory limit")

var (
	errClosed = errors.New("engine: the VM is closed")
	errBusy   = errors.New("engine: the VM is running; a host function must not call back into it")
)

// VM is one JavaScript virtual machine. It belongs to one goroutine at a time, any goroutine;
// only Stop may be called from others. It has no finalizer: Close it.
type VM struct {
	arena *arena
	tls   *libc.TLS
	stage stage // where strings and bytes lie while the engine copies them
	limit int   // bytes
	host  []HostFunc

	running bool
	closed  bool
	stopped atomic.Bool
	ended   error // why nothing but Restore is accepted any more
	refused bool  // the allocator refused since the last Restore

	rejected rejections
	rebuild  *recorder // nil unless Options.Rebuild
}

// New makes a VM with nothing loaded but the language itself and globalThis.__host.
func New(o Options) (*VM, error) {
	if o.ArenaBytes == 0 {
		o.ArenaBytes = DefaultArenaBytes
	}
	if o.ArenaBytes < minArenaBytes || o.ArenaBytes > maxArenaBytes {
		return nil, fmt.Errorf("engine: an arena of %d bytes; choose %d to %d", o.ArenaBytes, minArenaBytes, maxArenaBytes)
	}
	if o.MemoryLimit == 0 {
		o.MemoryLimit = o.ArenaBytes - reserveBytes
	}
	if o.MemoryLimit < 0 || o.MemoryLimit > o.ArenaBytes {
		return nil, fmt.Errorf("engine: a memory limit of %d bytes in an arena of %d; choose at most the arena", o.MemoryLimit, o.ArenaBytes)
	}
	a, err := newArena(o.ArenaBytes)
	if err != nil {
		return nil, err
	}
	vm := &VM{arena: a, tls: libc.NewTLS(), limit: o.MemoryLimit, host: o.Host}
	if o.Rebuild {
		vm.rebuild = &recorder{}
	}
	machines.Store(a.base, vm)
	if err := vm.boot(); err != nil {
		return nil, errors.Join(fmt.Errorf("engine: making a VM with a memory limit of %d bytes: %w", o.MemoryLimit, err), vm.Close())
	}
	return vm, nil
}

// Close gives all memory back. The VM and its images are of no use afterwards. Closing twice is
// harmless. A VM must not be closed while it runs.
func (vm *VM) Close() error {
	if vm.running {
		return errBusy
	}
	if vm.closed {
		return nil
	}
	vm.closed = true
	machines.Delete(vm.arena.base)
	// The runtime is not freed object by object: it owns nothing outside the arena.
	vm.stage.free(vm.tls)
	vm.tls.Close()
	return vm.arena.unmap()
}

// OutOfMemory tells whether the allocator refused a request since the last Restore.
func (vm *VM) OutOfMemory() bool { return vm.refused }

// PeakBytes is the most memory the VM occupied since the last Restore, its image included.
func (vm *VM) PeakBytes() int {
	if vm.closed {
		return 0
	}
	return vm.arena.heap.highBytes()
}

// value is the engine's representation of a script value. It may be held in Go only during one
// call, except for what lies in the arena's head.
type value = lib.TJSValue
