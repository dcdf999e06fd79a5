package engine

import (
	"errors"

	lib "modernc.org/libquickjs"
)

// seedBeforeSeeding is the random state of a VM until Seed is called. The engine's own is the time
// of day, and heaps of two VMs should differ in nothing.
const seedBeforeSeeding = 1

// gcHeadroom is how much garbage may pile up in a run before its first collection. Reference
// counting frees nearly everything at once; a collection touches, hence dirties, every object.
const gcHeadroom = 4 << 20

var errNoRuntime = errors.New("the engine did not start; give it more memory")

// errorNames are the error classes Call.Throw can make without looking at script-visible globals.
var errorNames = [...]string{
	"Error", "EvalError", "InternalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError",
}

// atomNames are property names in the order of the atom constants.
var atomNames = [...]string{"name", "message", "stack", "toString"}

const (
	atomName = iota
	atomMessage
	atomStack
	atomToString
)

// boot starts the engine in the empty arena.
func (vm *VM) boot() error {
	return vm.enter(func() error {
		if err := vm.startRuntime(); err != nil {
			return err
		}
		h := vm.arena.head
		for i, name := range atomNames {
			h.atoms[i] = vm.newAtom(name)
		}
		global := lib.XJS_GetGlobalObject(vm.tls, h.context)
		defer vm.free(global)
		for i, name := range errorNames {
			h.errors[i] = vm.get(global, name)
		}
		vm.installHost(global)
		// The C library reads the time zone at its first use, which must not be in a sandbox.
		return vm.evaluate("engine.js", "new Date(0).getTimezoneOffset()")
	})
}

func (vm *VM) startRuntime() error {
	h := vm.arena.head
	table := vm.tls.Alloc(allocTableBytes)
	defer vm.tls.Free(allocTableBytes)
	*deref[lib.TJSMallocFunctions](table) = allocFunctions()
	if h.runtime = lib.XJS_NewRuntime2(vm.tls, table, vm.arena.base); h.runtime == 0 {
		return errNoRuntime
	}
	lib.XJS_SetMemoryLimit(vm.tls, h.runtime, lib.Tsize_t(vm.limit))
	lib.XJS_SetInterruptHandler(vm.tls, h.runtime, interruptCallback, vm.arena.base)
	lib.XJS_SetHostPromiseRejectionTracker(vm.tls, h.runtime, rejectionCallback, vm.arena.base)
	if h.context = lib.XJS_NewContext(vm.tls, h.runtime); h.context == 0 {
		return errNoRuntime
	}
	lib.XJS_SetContextOpaque(vm.tls, h.context, vm.arena.base)
	deref[lib.TJSContext](h.context).Frandom_state = seedBeforeSeeding
	return nil
}

// installHost defines globalThis.__host with one function per HostFunc.
func (vm *VM) installHost(global value) {
	object := lib.XJS_NewObject(vm.tls, vm.arena.head.context)
	for i, f := range vm.host {
		name := vm.stage.put(vm, f.Name)
		fn := lib.XJS_NewCFunction2(vm.tls, vm.arena.head.context, hostCallback, name, 0, lib.EJS_CFUNC_generic_magic, int32(i))
		vm.define(object, f.Name, fn)
	}
	vm.define(global, "__host", object)
}
