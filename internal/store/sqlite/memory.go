package sqlite

import "unsafe"

// This file holds all conversions between Go values and SQLite's addresses. They are of
// the C library's memory, which Go's collector neither moves nor frees; no address of a
// Go object ever reaches SQLite.

// addressSize is what an address takes.
const addressSize = int(unsafe.Sizeof(uintptr(0)))

// pointer is an address as a pointer. It is not inlined because the compiler (Go 1.26)
// gives up on a copy of known length whose target it knows to be an integer.
//
//go:noinline
func pointer(addr uintptr) unsafe.Pointer { return unsafe.Add(nil, addr) }

// bytesAt are the n bytes at an address.
func bytesAt(addr uintptr, n int) []byte { return unsafe.Slice((*byte)(pointer(addr)), n) }

// addressAt is the address that stands at an address.
func addressAt(addr uintptr) uintptr { return *(*uintptr)(pointer(addr)) }
