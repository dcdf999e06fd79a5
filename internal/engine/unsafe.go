package engine

import (
	"unsafe"

	lib "modernc.org/libquickjs"
)

// This file holds all conversions between Go values and the engine's addresses. Addresses are
// those of mapped or C-library memory, which Go's collector neither moves nor frees; no address of
// a Go object ever reaches the engine, except that of a function without free variables, which is
// static data of the program.

// cell is what may be looked at through an address: structures of the engine, and results that it
// writes to where it is told.
type cell interface {
	lib.TJSMallocFunctions | lib.TJSMallocState | lib.TJSContext | lib.TJSRuntime | value | lib.Tsize_t | float64
}

// pointer is an address as a pointer. It is not inlined because the compiler (Go 1.26) gives up on
// a copy of known length whose source or target it knows to be an integer.
//
//go:noinline
func pointer(addr uintptr) unsafe.Pointer { return unsafe.Add(nil, addr) }

// deref is the object at an address.
func deref[T cell](addr uintptr) *T { return (*T)(pointer(addr)) }

// array is the n objects at an address.
func array[T value | byte](addr uintptr, n int) []T { return unsafe.Slice((*T)(pointer(addr)), n) }

// address is where mapped memory begins.
func address(mem []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(mem))) }

// headOf is the head that lies at the start of an arena.
func headOf(mem []byte) *head { return (*head)(unsafe.Pointer(unsafe.SliceData(mem))) }

// callback is a top-level function as the engine's C function pointer. A closure would be a
// pointer into Go's heap, which an image must not hold.
func callback[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }
