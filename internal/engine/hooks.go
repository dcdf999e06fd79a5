package engine

import (
	"sync"

	"modernc.org/libc"
	lib "modernc.org/libquickjs"
)

// The functions here are called by the engine. They are top-level functions, so that their
// addresses are static data, and find their VM by the arena's base address, which the engine
// hands them back: an image thereby holds no pointer into Go's heap.

var machines sync.Map // arena base address (uintptr) → *VM

func machine(base uintptr) *VM {
	vm, _ := machines.Load(base)
	return vm.(*VM)
}

var (
	mallocCallback    = callback(arenaMalloc)
	freeCallback      = callback(arenaFree)
	reallocCallback   = callback(arenaRealloc)
	sizeCallback      = callback(arenaSize)
	interruptCallback = callback(interrupted)
	rejectionCallback = callback(promiseRejected)
	hostCallback      = callback(hostCalled)
)

// allocFunctions is the engine's allocator table.
func allocFunctions() lib.TJSMallocFunctions {
	return lib.TJSMallocFunctions{
		Fjs_malloc: mallocCallback, Fjs_free: freeCallback,
		Fjs_realloc: reallocCallback, Fjs_malloc_usable_size: sizeCallback,
	}
}

// The allocator table's owner keeps the counts and enforces the limit; the engine only stores them.

func arenaMalloc(_ *libc.TLS, s uintptr, size lib.Tsize_t) uintptr {
	account := deref[lib.TJSMallocState](s)
	vm := machine(account.Fopaque)
	vm.checkStop()
	if account.Fmalloc_size+size > account.Fmalloc_limit {
		vm.refuse()
	}
	off, ok := vm.arena.heap.alloc(size)
	if !ok {
		vm.refuse()
	}
	account.Fmalloc_count++
	account.Fmalloc_size += lib.Tsize_t(vm.arena.heap.room(off) + blockHeader)
	return vm.arena.base + uintptr(off)
}

func arenaFree(_ *libc.TLS, s, p uintptr) {
	if p == 0 {
		return
	}
	account := deref[lib.TJSMallocState](s)
	vm := machine(account.Fopaque)
	off := int(p - vm.arena.base)
	account.Fmalloc_count--
	account.Fmalloc_size -= lib.Tsize_t(vm.arena.heap.room(off) + blockHeader)
	vm.arena.heap.release(off)
}

func arenaRealloc(tls *libc.TLS, s, p uintptr, size lib.Tsize_t) uintptr {
	switch {
	case p == 0 && size == 0:
		return 0
	case p == 0:
		return arenaMalloc(tls, s, size)
	case size == 0:
		arenaFree(tls, s, p)
		return 0
	}
	account := deref[lib.TJSMallocState](s)
	vm := machine(account.Fopaque)
	vm.checkStop()
	off := int(p - vm.arena.base)
	old := lib.Tsize_t(vm.arena.heap.room(off))
	if account.Fmalloc_size-old+size > account.Fmalloc_limit {
		vm.refuse()
	}
	off, ok := vm.arena.heap.resize(off, size)
	if !ok {
		vm.refuse()
	}
	account.Fmalloc_size += lib.Tsize_t(vm.arena.heap.room(off)) - old
	return vm.arena.base + uintptr(off)
}

// arenaSize is not told its arena, hence the look at the block's header.
func arenaSize(_ *libc.TLS, p uintptr) lib.Tsize_t {
	if p == 0 {
		return 0
	}
	return lib.Tsize_t(roomOf(array[byte](p-blockHeader, blockHeader)))
}

// interrupted is polled every 10,000 steps of the interpreter and during regular expression
// matching, never inside other built-in functions. Returning non-zero instead of panicking would
// not be a sound end: the error is catchable once it has crossed an async function.
func interrupted(_ *libc.TLS, _, base uintptr) int32 {
	machine(base).checkStop()
	return 0
}

func promiseRejected(_ *libc.TLS, context uintptr, promise, reason value, handled lib.TBOOL, base uintptr) {
	vm := machine(base)
	if handled != 0 {
		vm.rejected.handled(vm, promise)
		return
	}
	vm.rejected.add(vm, promise, reason)
}

func hostCalled(tls *libc.TLS, context uintptr, _ value, argc int32, argv uintptr, index int32) value {
	vm := machine(lib.XJS_GetContextOpaque(tls, context))
	return vm.callHost(int(index), array[value](argv, int(argc)))
}
