package engine

import (
	"crypto/sha256"
	"fmt"
	"unsafe"

	lib "modernc.org/libquickjs"
)

// arena is the mapping that holds a VM: head, then heap, between two pages that fault on access.
type arena struct {
	region []byte // the mapping with its guard pages
	mem    []byte // the usable part
	base   uintptr
	head   *head
	heap   heap
}

// head is what Go must find again in a restored arena. It lies at the arena's start, so that it is
// part of every image.
type head struct {
	runtime uintptr
	context uintptr
	root    value
	errors  [len(errorNames)]value
	atoms   [len(atomNames)]lib.TJSAtom
	heap    heapState
}

// headBytes is the room for the head; the heap begins after it.
const headBytes = 4096

var _ [headBytes - unsafe.Sizeof(head{})]byte // the head fits

func newArena(size int) (*arena, error) {
	region, mem, err := mapMemory(size)
	if err != nil {
		return nil, fmt.Errorf("engine: mapping an arena of %d bytes: %w", size, err)
	}
	a := &arena{region: region, mem: mem, base: address(mem), head: headOf(mem)}
	a.heap = heap{mem: mem, state: &a.head.heap}
	a.heap.reset(headBytes)
	return a, nil
}

// used is the part of the arena that an image consists of.
func (a *arena) used() []byte { return a.mem[:a.heap.frontierBytes()] }

// clearTail zeroes what was used once but is not any more. Freeing the last block lowers the
// frontier, hence the high-water mark: bytes of an earlier run may lie anywhere below it.
func (a *arena) clearTail() {
	forget(a.mem[a.heap.frontierBytes():a.heap.highBytes()])
	a.head.heap.high = a.head.heap.frontier
}

// restore puts an image back and clears everything the arena held beyond it.
func (a *arena) restore(image []byte) {
	high := a.heap.highBytes()
	copy(a.mem, image)
	if high > len(image) {
		forget(a.mem[len(image):high])
	}
}

// rewind puts back what used() was before. The high-water mark stays: that much was occupied.
func (a *arena) rewind(used []byte) {
	high := a.head.heap.high
	a.restore(used)
	a.head.heap.high = high
}

// clear empties the arena.
func (a *arena) clear() {
	forget(a.mem[:a.heap.highBytes()])
	a.heap.reset(headBytes)
}

// at is the n bytes of the arena at an address that the engine gave out.
func (a *arena) at(addr uintptr, n int) []byte {
	off := int(addr - a.base)
	return a.mem[off : off+n : off+n]
}

func (a *arena) hash() [sha256.Size]byte { return sha256.Sum256(a.used()) }

func (a *arena) unmap() error {
	if err := unmapMemory(a.region); err != nil {
		return fmt.Errorf("engine: unmapping the arena: %w", err)
	}
	a.mem, a.region, a.head, a.heap = nil, nil, nil, heap{}
	return nil
}
