package engine

import (
	"errors"
	"fmt"

	lib "modernc.org/libquickjs"
)

// errUnwound is the state of a VM through which a panic of someone else went.
var errUnwound = errors.New("engine: a panic left the VM in the middle of a run; restore an image")

// endOfRun is the panic that ends a run. Only enter recovers it.
type endOfRun struct{ vm *VM }

// enter runs f with the engine. It returns f's error, or the reason why the run has ended; panics
// of other kinds pass through. After an end the heap is in the middle of something, so that every
// later entry is refused until a Restore.
func (vm *VM) enter(f func() error) (err error) {
	switch {
	case vm.closed:
		return errClosed
	case vm.running:
		return errBusy
	case vm.ended != nil:
		return vm.ended
	}
	vm.running = true
	completed := false
	defer func() {
		vm.running = false
		switch {
		case completed:
		case vm.ended == nil:
			vm.ended = errUnwound // and let the panic pass, with its own stack
		default:
			if p := recover(); p != any(endOfRun{vm}) {
				panic(p)
			}
			err = vm.ended
		}
	}()
	vm.checkStop()
	err = f()
	vm.checkStop()
	completed = true
	return err
}

// finish ends the run. It must be called below enter.
func (vm *VM) finish(reason error) {
	vm.ended = reason
	panic(endOfRun{vm})
}

// checkStop ends the run when Stop was called.
func (vm *VM) checkStop() {
	if vm.stopped.Load() {
		vm.finish(ErrStopped)
	}
}

// refuse ends the run because memory is used up. The script is not told: what it would do next is
// thrown away anyway, and an out-of-memory error can surface in it as a bare null.
func (vm *VM) refuse() {
	vm.refused = true
	vm.finish(ErrOutOfMemory)
}

// Stop ends the run politely: the running or next Eval, Call or Pump returns ErrStopped. It can
// be called from any goroutine and holds until Restore. A built-in function that neither polls
// nor allocates is not interrupted; only killing the process ends such a run.
func (vm *VM) Stop() { vm.stopped.Store(true) }

// Eval evaluates a script; file is its name in stacks. Promises it starts make progress in Pump.
// The error is an *Error when the script threw or does not parse, ErrStopped, ErrOutOfMemory, or
// the reason given to Call.End. For scripts that are part of an image see Load.
func (vm *VM) Eval(file, source string) error {
	return vm.step(func() error { return vm.evaluate(file, source) })
}

func (vm *VM) evaluate(file, source string) error {
	return vm.completed(vm.script(file, source, lib.MJS_EVAL_TYPE_GLOBAL))
}

// script hands a script to the engine, which evaluates it or does what flags say.
func (vm *VM) script(file, source string, flags int32) value {
	// Not on the VM's stage: the script runs before the engine is done with this memory.
	var text, name stage
	defer text.free(vm.tls)
	defer name.free(vm.tls)
	return lib.XJS_Eval(vm.tls, vm.arena.head.context, text.put(vm, source), lib.Tsize_t(len(source)), name.put(vm, file), flags)
}

// completed drops what a script came to; the error is what it threw.
func (vm *VM) completed(v value) error {
	if isException(v) {
		return vm.caught()
	}
	vm.free(v)
	return nil
}

// Root takes the object globalThis[name] as the one whose methods Call uses, and deletes the global.
func (vm *VM) Root(name string) error {
	return vm.step(func() error {
		h := vm.arena.head
		global := lib.XJS_GetGlobalObject(vm.tls, h.context)
		defer vm.free(global)
		root := vm.get(global, name)
		if !isObject(root) {
			vm.free(root)
			return fmt.Errorf("engine: globalThis.%s is not an object; a script must set it before Root", name)
		}
		atom := vm.newAtom(name)
		defer lib.XJS_FreeAtom(vm.tls, h.context, atom)
		if lib.XJS_DeleteProperty(vm.tls, h.context, global, atom, lib.MJS_PROP_THROW) < 0 {
			vm.free(root)
			return fmt.Errorf("engine: deleting globalThis.%s: %w", name, vm.caught())
		}
		vm.free(h.root)
		h.root = root
		return nil
	})
}

// Call calls root[method](args...) and returns String(result), "" for undefined. Arguments are
// string, float64, bool or []byte (which becomes a Uint8Array). It runs no pending jobs. Errors
// are those of Eval.
func (vm *VM) Call(method string, args ...any) (string, error) {
	if vm.rebuild != nil {
		args = cloneBytes(args)
	}
	var result string
	err := vm.step(func() (err error) {
		result, err = vm.invoke(method, args)
		return err
	})
	if err != nil {
		return "", err
	}
	return result, nil
}

func (vm *VM) invoke(method string, args []any) (string, error) {
	h := vm.arena.head
	if !isObject(h.root) {
		return "", fmt.Errorf("engine: calling %s without a root object; call Root first", method)
	}
	bytes := valueBytes * max(1, len(args))
	argv := vm.tls.Alloc(bytes)
	defer vm.tls.Free(bytes)
	values := array[value](argv, len(args))
	for i := range values {
		values[i] = undefined
	}
	defer func() {
		for _, v := range values {
			vm.free(v)
		}
	}()
	for i, arg := range args {
		v, err := vm.newValue(arg)
		if err != nil {
			return "", fmt.Errorf("engine: argument %d of %s: %w", i+1, method, err)
		}
		values[i] = v
	}
	atom := vm.newAtom(method)
	defer lib.XJS_FreeAtom(vm.tls, h.context, atom)
	result := lib.XJS_Invoke(vm.tls, h.context, h.root, atom, int32(len(args)), argv)
	if isException(result) {
		return "", vm.caught()
	}
	defer vm.free(result)
	if tag(result) == lib.EJS_TAG_UNDEFINED {
		return "", nil
	}
	text, ok := vm.text(result)
	if !ok {
		return "", vm.caught()
	}
	return text, nil
}

func (vm *VM) newValue(arg any) (value, error) {
	var v value
	switch arg := arg.(type) {
	case string:
		v = vm.newString(arg)
	case []byte:
		v = vm.newBytes(arg)
	case float64:
		return newNumber(arg), nil
	case bool:
		return newBool(arg), nil
	default:
		return undefined, fmt.Errorf("a %T cannot cross; use string, float64, bool or []byte", arg)
	}
	if isException(v) {
		return undefined, vm.caught()
	}
	return v, nil
}

// Pump runs pending jobs (promise reactions) until none is left. What they throw becomes a
// rejection, so the only errors are those that end a run.
func (vm *VM) Pump() error {
	return vm.step(func() error {
		vm.drain()
		return nil
	})
}

func (vm *VM) drain() {
	for {
		switch did := lib.XJS_ExecutePendingJob(vm.tls, vm.arena.head.runtime, 0); {
		case did == 0:
			return
		case did < 0:
			vm.rejected.throw(vm.takeException())
		}
		vm.checkStop()
	}
}

// Pending tells whether a job waits for Pump.
func (vm *VM) Pending() bool {
	return !vm.closed && vm.ended == nil && lib.XJS_IsJobPending(vm.tls, vm.arena.head.runtime) != 0
}

// Seed makes Math.random repeat for an equal seed. Call it after Restore, which puts back the
// sequence of the image.
func (vm *VM) Seed(seed uint64) {
	_ = vm.step(func() error { // refused only where there is no run to seed
		deref[lib.TJSContext](vm.arena.head.context).Frandom_state = mix(seed)
		return nil
	})
}

// mix spreads a seed over all bits (the finaliser of splitmix64): the engine's generator starts
// poorly from small numbers, and never leaves 0.
func mix(seed uint64) uint64 {
	z := seed + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return max(1, z^z>>31)
}
