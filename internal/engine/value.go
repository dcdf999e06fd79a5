package engine

import (
	"math"

	"modernc.org/libc"
	lib "modernc.org/libquickjs"
)

const (
	valueBytes      = 16
	allocTableBytes = 32
	sizeBytes       = 8
	typedArrayArgs  = 3 // buffer, offset, length: the constructor reads all three, whatever argc says
)

var undefined = value{Ftag: lib.EJS_TAG_UNDEFINED}

// tag is the kind of a value. The engine stores it as an int32 in a wider field.
func tag(v value) int32 { return int32(v.Ftag) }

func isException(v value) bool { return tag(v) == lib.EJS_TAG_EXCEPTION }
func isObject(v value) bool    { return tag(v) == lib.EJS_TAG_OBJECT }

func (vm *VM) free(v value)         { lib.XFreeValue(vm.tls, vm.arena.head.context, v) }
func (vm *VM) keep(v value) value   { return lib.XDupValue(vm.tls, vm.arena.head.context, v) }
func (vm *VM) takeException() value { return lib.XJS_GetException(vm.tls, vm.arena.head.context) }
func (vm *VM) newAtom(s string) lib.TJSAtom {
	return lib.XJS_NewAtomLen(vm.tls, vm.arena.head.context, vm.stage.put(vm, s), lib.Tsize_t(len(s)))
}

// newString makes a script string of WTF-8 text. Bytes that are neither become U+FFFD.
func (vm *VM) newString(s string) value {
	return lib.XJS_NewStringLen(vm.tls, vm.arena.head.context, vm.stage.put(vm, s), lib.Tsize_t(len(s)))
}

// newBytes makes a Uint8Array with a copy of b.
func (vm *VM) newBytes(b []byte) value {
	context := vm.arena.head.context
	argv := vm.tls.Alloc(typedArrayArgs * valueBytes)
	defer vm.tls.Free(typedArrayArgs * valueBytes)
	buffer := lib.XJS_NewArrayBufferCopy(vm.tls, context, vm.stage.putBytes(vm, b), lib.Tsize_t(len(b)))
	if isException(buffer) {
		return buffer
	}
	defer vm.free(buffer)
	copy(array[value](argv, typedArrayArgs), []value{buffer, undefined, undefined})
	return lib.XJS_NewTypedArray(vm.tls, context, typedArrayArgs, argv, lib.EJS_TYPED_ARRAY_UINT8)
}

func newBool(b bool) value {
	v := value{Ftag: lib.EJS_TAG_BOOL}
	if b {
		v.Fu.Fuint641 = 1
	}
	return v
}

// newNumber makes a small integer when f is one: the interpreter is faster with those.
func newNumber(f float64) value {
	if i := int32(f); float64(i) == f && !(i == 0 && math.Signbit(f)) {
		v := value{Ftag: lib.EJS_TAG_INT}
		v.Fu.Fuint641 = uint64(uint32(i))
		return v
	}
	v := value{Ftag: lib.EJS_TAG_FLOAT64}
	v.Fu.Fuint641 = math.Float64bits(f)
	return v
}

// text is String(v) as WTF-8; false when that threw, with the exception pending.
func (vm *VM) text(v value) (string, bool) {
	context := vm.arena.head.context
	size := vm.tls.Alloc(sizeBytes)
	defer vm.tls.Free(sizeBytes)
	addr := lib.XJS_ToCStringLen2(vm.tls, context, size, v, 0)
	if addr == 0 {
		return "", false
	}
	s := string(vm.arena.at(addr, int(*deref[lib.Tsize_t](size))))
	lib.XJS_FreeCString(vm.tls, context, addr)
	return s, true
}

// number is Number(v); false when that threw, with the exception pending.
func (vm *VM) number(v value) (float64, bool) {
	result := vm.tls.Alloc(sizeBytes)
	defer vm.tls.Free(sizeBytes)
	if lib.XJS_ToFloat64(vm.tls, vm.arena.head.context, result, v) != 0 {
		return math.NaN(), false
	}
	return *deref[float64](result), true
}

// bytes is a copy of what an ArrayBuffer or the window of a typed array holds; nil for anything
// else, and for a detached buffer.
func (vm *VM) bytes(v value) []byte {
	context := vm.arena.head.context
	out := vm.tls.Alloc(2 * sizeBytes)
	defer vm.tls.Free(2 * sizeBytes)
	start, length := out, out+sizeBytes
	switch class := lib.XJS_GetClassID(vm.tls, v); {
	case class == lib.EJS_CLASS_ARRAY_BUFFER || class == lib.EJS_CLASS_SHARED_ARRAY_BUFFER:
		addr := lib.XJS_GetArrayBuffer(vm.tls, context, length, v)
		if addr == 0 {
			vm.free(vm.takeException())
			return nil
		}
		return append([]byte{}, vm.arena.at(addr, int(*deref[lib.Tsize_t](length)))...)
	case class >= lib.EJS_CLASS_UINT8C_ARRAY && class <= lib.EJS_CLASS_FLOAT64_ARRAY:
		buffer := lib.XJS_GetTypedArrayBuffer(vm.tls, context, v, start, length, 0)
		if isException(buffer) {
			vm.free(vm.takeException())
			return nil
		}
		defer vm.free(buffer)
		from, n := int(*deref[lib.Tsize_t](start)), int(*deref[lib.Tsize_t](length))
		addr := lib.XJS_GetArrayBuffer(vm.tls, context, length, buffer)
		if addr == 0 {
			vm.free(vm.takeException())
			return nil
		}
		return append([]byte{}, vm.arena.at(addr+uintptr(from), n)...)
	}
	return nil
}

// get is object[name]; undefined when a getter threw.
func (vm *VM) get(object value, name string) value {
	atom := vm.newAtom(name)
	defer lib.XJS_FreeAtom(vm.tls, vm.arena.head.context, atom)
	return vm.getAtom(object, atom)
}

func (vm *VM) getAtom(object value, atom lib.TJSAtom) value {
	v := lib.XJS_GetPropertyInternal(vm.tls, vm.arena.head.context, object, atom, object, 0)
	if isException(v) {
		vm.free(vm.takeException())
		return undefined
	}
	return v
}

// define sets an ordinary own property and takes v over.
func (vm *VM) define(object value, name string, v value) {
	atom := vm.newAtom(name)
	defer lib.XJS_FreeAtom(vm.tls, vm.arena.head.context, atom)
	lib.XJS_DefinePropertyValue(vm.tls, vm.arena.head.context, object, atom, v, lib.MJS_PROP_C_W_E)
}

// stage is memory of the C library in which text and bytes lie while the engine copies them into
// the arena. Go memory would not do: on a stack it moves when the engine's recursion grows it.
type stage struct {
	addr uintptr
	size int
}

const (
	stageBytes     = 64 << 10
	stageKeepBytes = 1 << 20 // a larger stage is given back at Restore
)

// put copies s to the stage, with a zero byte after it, and returns where it lies. It stays until
// the next put.
func (st *stage) put(vm *VM, s string) uintptr {
	mem := st.room(vm, len(s)+1)
	mem[copy(mem, s)] = 0
	return st.addr
}

func (st *stage) putBytes(vm *VM, b []byte) uintptr {
	copy(st.room(vm, max(1, len(b))), b)
	return st.addr
}

func (st *stage) room(vm *VM, n int) []byte {
	if n > st.size {
		st.free(vm.tls)
		size := max(n, stageBytes)
		addr := libc.Xmalloc(vm.tls, lib.Size_t(size))
		if addr == 0 {
			vm.refuse()
		}
		st.addr, st.size = addr, size
	}
	return array[byte](st.addr, n)
}

func (st *stage) free(tls *libc.TLS) {
	if st.addr != 0 {
		libc.Xfree(tls, st.addr)
		*st = stage{}
	}
}

// trim gives back a stage that one large text made large.
func (st *stage) trim(tls *libc.TLS) {
	if st.size > stageKeepBytes {
		st.free(tls)
	}
}
