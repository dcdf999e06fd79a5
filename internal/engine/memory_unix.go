//go:build unix

package engine

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// mapMemory maps at least size zero bytes between two inaccessible pages. It returns the whole
// mapping, for unmapMemory, and the usable part.
func mapMemory(size int) (region, mem []byte, err error) {
	page := os.Getpagesize()
	size = (size + page - 1) / page * page
	region, err = unix.Mmap(-1, 0, size+2*page, unix.PROT_NONE, mapFlags)
	if err != nil {
		return nil, nil, err
	}
	mem = region[page : page+size : page+size]
	if err := unix.Mprotect(mem, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		return nil, nil, errors.Join(err, unix.Munmap(region))
	}
	adviseSmallPages(mem)
	return region, mem, nil
}

func unmapMemory(region []byte) error { return unix.Munmap(region) }
