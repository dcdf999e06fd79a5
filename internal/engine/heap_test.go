package engine

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// checkHeap walks all blocks and all free lists and returns what is wrong with them.
func checkHeap(h *heap) error {
	s := h.state
	free := map[uint32]bool{}
	prev := uint32(0)
	b := s.first
	for b < s.frontier {
		n := h.length(b)
		switch {
		case n == 0 || b+n > s.frontier:
			return fmt.Errorf("block %d of %d granules passes the frontier %d", b, n, s.frontier)
		case h.before(b) != prev:
			return fmt.Errorf("block %d says %d precedes it, not %d", b, h.before(b), prev)
		case !h.inUse(b) && prev != 0 && free[prev]:
			return fmt.Errorf("free blocks %d and %d are not joined", prev, b)
		}
		if !h.inUse(b) {
			free[b] = true
		}
		prev, b = b, b+n
	}
	if s.last != prev {
		return fmt.Errorf("last block is %d, recorded %d", prev, s.last)
	}
	if free[prev] {
		return fmt.Errorf("the last block %d is free but above the frontier", prev)
	}
	if s.high < s.frontier {
		return fmt.Errorf("high %d below the frontier %d", s.high, s.frontier)
	}
	listed := 0
	for row := range s.free {
		for col, b := range s.free[row] {
			if marked := s.colMap[row]>>col&1 == 1; marked != (b != 0) {
				return fmt.Errorf("class %d/%d: marked %v, first block %d", row, col, marked, b)
			}
			for ; b != 0; b = h.nextFree(b) {
				if r, c := class(h.length(b)); !free[b] || r != row || c != col {
					return fmt.Errorf("block %d of %d granules in list %d/%d, free %v", b, h.length(b), row, col, free[b])
				}
				listed++
			}
		}
		if marked := s.rowMap>>row&1 == 1; marked != (s.colMap[row] != 0) {
			return fmt.Errorf("row %d: marked %v, columns %b", row, marked, s.colMap[row])
		}
	}
	if listed != len(free) {
		return fmt.Errorf("%d free blocks, %d in lists", len(free), listed)
	}
	return nil
}

func newTestHeap(size int) *heap {
	h := &heap{mem: make([]byte, size), state: &heapState{}}
	h.reset(headBytes)
	return h
}

// Whatever the order of requests: contents stay, blocks never overlap, the structure is sound, and
// an emptied heap is as if never used.
func TestHeapKeepsContents(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := newTestHeap(256 << 10)
		held := map[int][]byte{}
		highest := 0
		pick := func(t *rapid.T) int {
			offs := make([]int, 0, len(held))
			for off := range held {
				offs = append(offs, off)
			}
			if len(offs) == 0 {
				t.Skip("nothing held")
			}
			return rapid.SampledFrom(sorted(offs)).Draw(t, "block")
		}
		size := rapid.OneOf(rapid.IntRange(0, 600), rapid.Just(4096), rapid.IntRange(0, 40<<10))
		var tick byte
		fill := func(off, n int) {
			tick++
			for i := range n {
				h.mem[off+i] = tick
			}
			held[off] = bytes.Clone(h.mem[off : off+n])
		}
		t.Repeat(map[string]func(*rapid.T){
			"alloc": func(t *rapid.T) {
				n := size.Draw(t, "size")
				if off, ok := h.alloc(uint64(n)); ok {
					if off%8 != 0 || h.room(off) < n {
						t.Fatalf("offset %d with room for %d of %d bytes", off, h.room(off), n)
					}
					fill(off, n)
				}
			},
			"release": func(t *rapid.T) {
				off := pick(t)
				delete(held, off)
				h.release(off)
			},
			"resize": func(t *rapid.T) {
				off, n := pick(t), size.Draw(t, "size")
				old := held[off]
				to, ok := h.resize(off, uint64(n))
				if !ok {
					return
				}
				delete(held, off)
				if k := min(n, len(old)); !bytes.Equal(h.mem[to:to+k], old[:k]) {
					t.Fatalf("resizing %d to %d bytes lost contents", off, n)
				}
				fill(to, n)
			},
			"": func(t *rapid.T) {
				if err := checkHeap(h); err != nil {
					t.Fatal(err)
				}
				if highest = max(highest, h.frontierBytes()); h.highBytes() < highest {
					t.Fatalf("the frontier was at %d, recorded high %d", highest, h.highBytes())
				}
				for off, want := range held {
					if !bytes.Equal(h.mem[off:off+len(want)], want) {
						t.Fatalf("block at %d changed", off)
					}
				}
			},
		})
		for off := range held {
			h.release(off)
		}
		if err := checkHeap(h); err != nil || h.frontierBytes() != headBytes {
			t.Fatalf("emptied heap: frontier %d, %v", h.frontierBytes(), err)
		}
	})
}

func TestHeapReusesExactLengths(t *testing.T) {
	t.Parallel()
	h := newTestHeap(1 << 20)
	var offs []int
	for range 20 { // blocks of a length that is not the smallest of its class
		off, _ := h.alloc(4096)
		offs = append(offs, off)
	}
	for i := 0; i < 20; i += 2 {
		h.release(offs[i])
	}
	before := h.frontierBytes()
	for range 10 {
		if _, ok := h.alloc(4096); !ok {
			t.Fatal("no block")
		}
	}
	if h.frontierBytes() != before {
		t.Errorf("the frontier moved from %d to %d although ten blocks of that length were free", before, h.frontierBytes())
	}
}

// A free block of a request's own class is found behind shorter ones.
func TestHeapLooksPastShortBlocks(t *testing.T) {
	t.Parallel()
	h := newTestHeap(1 << 20)
	long, _ := h.alloc(265*granule - blockHeader)
	h.alloc(1) // keeps the two apart
	short, _ := h.alloc(257*granule - blockHeader)
	h.alloc(1)
	h.release(long)
	h.release(short)
	if off, ok := h.alloc(260*granule - blockHeader); off != long || !ok {
		t.Errorf("a block at %d, %v; the free one at %d fits", off, ok, long)
	}
}

func TestHeapGrowsInPlace(t *testing.T) {
	t.Parallel()
	h := newTestHeap(1 << 20)
	first, _ := h.alloc(100)
	last, _ := h.alloc(100)
	if to, ok := h.resize(last, 300_000); !ok || to != last {
		t.Errorf("the last block moved from %d to %d (%v)", last, to, ok)
	}
	h.release(last)
	if to, ok := h.resize(first, 300_000); !ok || to != first {
		t.Errorf("a block before the free rest moved from %d to %d (%v)", first, to, ok)
	}
	if h.highBytes() <= 300_000 {
		t.Errorf("high-water mark %d", h.highBytes())
	}
	h.release(first)
	if h.frontierBytes() != headBytes || h.highBytes() <= 300_000 {
		t.Errorf("after freeing all: frontier %d, high-water mark %d", h.frontierBytes(), h.highBytes())
	}
}

func TestHeapRefusesTooMuch(t *testing.T) {
	t.Parallel()
	h := newTestHeap(64 << 10)
	for _, size := range []uint64{61 << 10, 64 << 10, 1 << 32, 1<<64 - 1} {
		if off, ok := h.alloc(size); ok {
			t.Errorf("%d bytes at %d in a heap of 60 KiB", size, off)
		}
	}
	off, ok := h.alloc(59 << 10)
	if !ok {
		t.Fatal("59 KiB do not fit")
	}
	if _, ok := h.resize(off, 61<<10); ok {
		t.Error("grown past the end")
	}
	if err := checkHeap(h); err != nil {
		t.Error(err)
	}
}
