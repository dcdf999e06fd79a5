package engine

import (
	"os"

	"golang.org/x/sys/unix"
)

const mapFlags = unix.MAP_ANON | unix.MAP_PRIVATE | unix.MAP_NORESERVE

// adviseSmallPages keeps the kernel from giving a 2 MiB page for the first byte touched. A kernel
// that has no such pages refuses the advice, which is as good.
func adviseSmallPages(mem []byte) { _ = unix.Madvise(mem, unix.MADV_NOHUGEPAGE) }

// dropBytes is where giving pages back becomes cheaper than zeroing and keeping them.
const dropBytes = 256 << 10

// forget makes mem zero; a large part goes back to the system.
func forget(mem []byte) {
	if len(mem) <= dropBytes {
		clear(mem)
		return
	}
	page := os.Getpagesize()
	edge := int(-address(mem) & uintptr(page-1))
	whole := (len(mem) - edge) / page * page
	clear(mem[:edge])
	if unix.Madvise(mem[edge:edge+whole], unix.MADV_DONTNEED) != nil {
		clear(mem[edge : edge+whole])
	}
	clear(mem[edge+whole:])
}
