package engine

import (
	"encoding/binary"
	"math/bits"
)

// heap is the allocator of one arena: two-level segregated lists of free blocks with coalescing,
// below a frontier that only moves up when no free block fits. Everything it knows lies in the
// arena (state and block headers), so copying the arena's bytes back restores the allocator too.
//
// Blocks are measured in granules of 16 bytes and named by the index of their first granule;
// 0 names no block. A block begins with an 8-byte header:
//
//	bytes 0-3  length in granules, header included, shifted left once; bit 0 set while in use
//	bytes 4-7  the block that physically precedes it, 0 for the first
//
// A free block holds its list neighbours (next, previous) in the 8 bytes that follow.
type heap struct {
	mem   []byte
	state *heapState
}

const (
	granule     = 16
	blockHeader = 8

	columnBits = 4 // 16 classes for every power of two, so a class is at most 1/16 too wide
	columns    = 1 << columnBits
	rows       = 28 - columnBits + 1 // block lengths below 2^28 granules: 4 GiB

	// probes bounds the search in a request's own class, whose blocks may be too short. Without
	// that search a freed block would not serve the next request of the same length.
	probes = 8
)

// heapState is the part of the allocator that lies in the arena's head.
type heapState struct {
	first    uint32 // where the blocks begin
	frontier uint32 // where the never used (or given back) rest begins
	last     uint32 // the block just below the frontier
	high     uint32 // highest frontier since the arena was cleared or restored
	rowMap   uint32 // bit r: some column of row r has a free block
	colMap   [rows]uint16
	free     [rows][columns]uint32
}

// reset starts an empty heap whose blocks begin at byte offset start of mem.
func (h *heap) reset(start int) {
	*h.state = heapState{first: uint32(start / granule), frontier: uint32(start / granule)}
	h.state.high = h.state.frontier
}

// frontierBytes is the length of the arena's used part; highBytes its largest value so far.
func (h *heap) frontierBytes() int { return int(h.state.frontier) * granule }
func (h *heap) highBytes() int     { return int(h.state.high) * granule }

// alloc returns the byte offset of a block with room for size bytes; false when nothing fits.
func (h *heap) alloc(size uint64) (int, bool) {
	n, ok := h.granules(size)
	if !ok {
		return 0, false
	}
	b := h.take(n)
	if b == 0 {
		if b = h.advance(n); b == 0 {
			return 0, false
		}
	}
	return int(b)*granule + blockHeader, true
}

// release gives back the block at byte offset off.
func (h *heap) release(off int) {
	b := blockAt(off)
	n := h.length(b)
	if next := b + n; next < h.state.frontier && !h.inUse(next) {
		h.unlink(next)
		n += h.length(next)
	}
	if prev := h.before(b); prev != 0 && !h.inUse(prev) {
		h.unlink(prev)
		n += h.length(prev)
		b = prev
	}
	h.settle(b, n)
}

// resize changes the room of the block at off to size bytes and returns its new offset. Growing
// in place (at the frontier or into a free neighbour) matters: scripts build text by appending.
func (h *heap) resize(off int, size uint64) (int, bool) {
	n, ok := h.granules(size)
	if !ok {
		return 0, false
	}
	b := blockAt(off)
	old := h.length(b)
	if n > old {
		next := b + old
		switch {
		case next == h.state.frontier:
			if !h.fits(b, n) {
				return 0, false
			}
			h.setLength(b, n)
			h.moveFrontier(b+n, b)
			return off, true
		case !h.inUse(next) && old+h.length(next) >= n:
			h.unlink(next)
			old += h.length(next)
			h.setLength(b, old)
			h.follow(b, old)
		default:
			to, ok := h.alloc(size)
			if !ok {
				return 0, false
			}
			copy(h.mem[to:], h.mem[off:off+h.room(off)])
			h.release(off)
			return to, true
		}
	}
	h.trim(b, old, n)
	return off, true
}

// room is the number of bytes the block at off can hold.
func (h *heap) room(off int) int { return roomOf(h.mem[off-blockHeader:]) }

// roomOf is the same, read from the block's header.
func roomOf(header []byte) int {
	return int(binary.LittleEndian.Uint32(header)>>1)*granule - blockHeader
}

func blockAt(off int) uint32 { return uint32(off / granule) }

// granules is the length of a block with room for size bytes; false when no arena has that much.
func (h *heap) granules(size uint64) (uint32, bool) {
	if size > uint64(len(h.mem)) {
		return 0, false
	}
	return uint32((size + blockHeader + granule - 1) / granule), true
}

// take removes a free block of at least n granules from its list and cuts it to n; 0 if there is none.
func (h *heap) take(n uint32) uint32 {
	row, col := class(n)
	b := h.state.free[row][col]
	for i := 0; b != 0 && h.length(b) < n; i++ {
		if b = h.nextFree(b); i == probes {
			b = 0
		}
	}
	if b == 0 {
		b = h.firstAbove(row, col)
	}
	if b == 0 {
		return 0
	}
	h.unlink(b)
	h.setUsed(b)
	h.trim(b, h.length(b), n)
	return b
}

// firstAbove finds a free block in the classes above the given one: every block there fits.
func (h *heap) firstAbove(row, col int) uint32 {
	if m := h.state.colMap[row] &^ (1<<(col+1) - 1); m != 0 {
		return h.state.free[row][bits.TrailingZeros16(m)]
	}
	m := h.state.rowMap &^ (1<<(row+1) - 1)
	if m == 0 {
		return 0
	}
	row = bits.TrailingZeros32(m)
	return h.state.free[row][bits.TrailingZeros16(h.state.colMap[row])]
}

// advance cuts n granules off the unused rest of the arena; 0 when it is too short.
func (h *heap) advance(n uint32) uint32 {
	b := h.state.frontier
	if !h.fits(b, n) {
		return 0
	}
	h.setBefore(b, h.state.last)
	h.setLength(b, n)
	h.moveFrontier(b+n, b)
	return b
}

func (h *heap) fits(b, n uint32) bool {
	return (uint64(b)+uint64(n))*granule <= uint64(len(h.mem))
}

func (h *heap) moveFrontier(to, last uint32) {
	h.state.frontier, h.state.last = to, last
	h.state.high = max(h.state.high, to)
}

// trim shortens the used block b from old to n granules and frees the rest.
func (h *heap) trim(b, old, n uint32) {
	if old == n {
		return
	}
	h.setLength(b, n)
	rest, size := b+n, old-n
	h.setBefore(rest, b)
	if next := rest + size; next < h.state.frontier && !h.inUse(next) {
		h.unlink(next)
		size += h.length(next)
	}
	h.settle(rest, size)
}

// settle makes the n granules at b a free block, or gives them back to the rest when they are the
// last. Its neighbours are in use.
func (h *heap) settle(b, n uint32) {
	if b+n == h.state.frontier {
		h.state.frontier, h.state.last = b, h.before(b)
		return
	}
	h.put(b, 0, n<<1)
	h.follow(b, n)
	row, col := class(n)
	next := h.state.free[row][col]
	h.put(b, 8, next)
	h.put(b, 12, 0)
	if next != 0 {
		h.put(next, 12, b)
	}
	h.state.free[row][col] = b
	h.state.colMap[row] |= 1 << col
	h.state.rowMap |= 1 << row
}

// unlink takes the free block b off its list.
func (h *heap) unlink(b uint32) {
	next, prev := h.get(b, 8), h.get(b, 12)
	if next != 0 {
		h.put(next, 12, prev)
	}
	if prev != 0 {
		h.put(prev, 8, next)
		return
	}
	row, col := class(h.length(b))
	h.state.free[row][col] = next
	if next == 0 {
		if h.state.colMap[row] &^= 1 << col; h.state.colMap[row] == 0 {
			h.state.rowMap &^= 1 << row
		}
	}
}

// follow tells the block after b, which has n granules, where b begins.
func (h *heap) follow(b, n uint32) {
	if next := b + n; next < h.state.frontier {
		h.setBefore(next, b)
	} else {
		h.state.last = b
	}
}

// class is the list for blocks of n granules: one list per length below 16, then 16 per power of two.
func class(n uint32) (row, col int) {
	if n < columns {
		return 0, int(n)
	}
	shift := bits.Len32(n) - columnBits - 1
	return shift + 1, int(n>>shift) & (columns - 1)
}

func (h *heap) length(b uint32) uint32   { return h.get(b, 0) >> 1 }
func (h *heap) inUse(b uint32) bool      { return h.get(b, 0)&1 != 0 }
func (h *heap) before(b uint32) uint32   { return h.get(b, 4) }
func (h *heap) nextFree(b uint32) uint32 { return h.get(b, 8) }
func (h *heap) setLength(b, n uint32)    { h.put(b, 0, n<<1|1) }
func (h *heap) setUsed(b uint32)         { h.put(b, 0, h.get(b, 0)|1) }
func (h *heap) setBefore(b, prev uint32) { h.put(b, 4, prev) }

func (h *heap) get(b uint32, at int) uint32 {
	return binary.LittleEndian.Uint32(h.mem[int(b)*granule+at:])
}

func (h *heap) put(b uint32, at int, v uint32) {
	binary.LittleEndian.PutUint32(h.mem[int(b)*granule+at:], v)
}
