package engine

import (
	"bytes"

	lib "modernc.org/libquickjs"
)

// Load is Eval for a script whose functions stay. The script is compiled first, its bytecode is
// taken out of the VM, the heap is put back as it was, and the bytecode is loaded into it: what
// the compiler used meanwhile, several times the size of its result and freed in pieces among it,
// would otherwise widen every later image. That costs two copies of the heap. A replay loads the
// bytecode and does not compile again. Errors are those of Eval. So is what the script does, but
// for one thing: a tag function gets its texts in arrays whose length is still writable.
func (vm *VM) Load(file, source string) error { return vm.load(file, source, 0) }

// LoadLibrary is Load without keeping the text of functions, which takes more room than their
// bytecode: String(f) has "[native code]" in place of it. Stacks are as ever.
func (vm *VM) LoadLibrary(file, source string) error {
	return vm.load(file, source, lib.MJS_STRIP_SOURCE)
}

// load runs bytecode only in the VM that compiled it: the engine does not verify it.
func (vm *VM) load(file, source string, strip int32) error {
	var code []byte
	return vm.step(func() (err error) {
		if code == nil {
			if code, err = vm.compile(file, source, strip); err != nil {
				return err
			}
		}
		return vm.runBytecode(code)
	})
}

// compile is a script's bytecode. It leaves the heap as it was, unless there is an error: compiling
// runs no script code, so that nothing outside the heap knows of it, but describing an error may.
func (vm *VM) compile(file, source string, strip int32) ([]byte, error) {
	h := vm.arena.head
	var before []byte
	if vm.rebuild == nil {
		before = bytes.Clone(vm.arena.used())
	}
	lib.XJS_SetStripInfo(vm.tls, h.runtime, strip)
	function := vm.script(file, source, lib.MJS_EVAL_TYPE_GLOBAL|lib.MJS_EVAL_FLAG_COMPILE_ONLY)
	lib.XJS_SetStripInfo(vm.tls, h.runtime, 0)
	if isException(function) {
		return nil, vm.caught()
	}
	size := vm.tls.Alloc(sizeBytes)
	defer vm.tls.Free(sizeBytes)
	addr := lib.XJS_WriteObject(vm.tls, h.context, size, function, lib.MJS_WRITE_OBJ_BYTECODE)
	if addr == 0 {
		vm.free(function)
		return nil, vm.caught()
	}
	code := bytes.Clone(vm.arena.at(addr, int(*deref[lib.Tsize_t](size))))
	if vm.rebuild == nil {
		vm.arena.rewind(before)
		return code, nil
	}
	lib.Xjs_free(vm.tls, h.context, addr)
	vm.free(function)
	return code, nil
}

// runBytecode runs what compile gave.
func (vm *VM) runBytecode(code []byte) error {
	context := vm.arena.head.context
	function := lib.XJS_ReadObject(vm.tls, context, vm.stage.putBytes(vm, code), lib.Tsize_t(len(code)), lib.MJS_READ_OBJ_BYTECODE)
	if isException(function) {
		return vm.caught()
	}
	return vm.completed(lib.XJS_EvalFunction(vm.tls, context, function)) // which takes function over
}
