package engine

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// mapMemory maps at least size zero bytes between two inaccessible pages. It returns the whole
// mapping, for unmapMemory, and the usable part.
func mapMemory(size int) (region, mem []byte, err error) {
	page := os.Getpagesize()
	size = (size + page - 1) / page * page
	base, err := windows.VirtualAlloc(0, uintptr(size+2*page), windows.MEM_RESERVE, windows.PAGE_NOACCESS)
	if err != nil {
		return nil, nil, err
	}
	start := base + uintptr(page)
	if _, err := windows.VirtualAlloc(start, uintptr(size), windows.MEM_COMMIT, windows.PAGE_READWRITE); err != nil {
		return nil, nil, errors.Join(err, windows.VirtualFree(base, 0, windows.MEM_RELEASE))
	}
	return array[byte](base, size+2*page), array[byte](start, size), nil
}

func unmapMemory(region []byte) error {
	return windows.VirtualFree(address(region), 0, windows.MEM_RELEASE)
}

// forget makes mem zero.
func forget(mem []byte) { clear(mem) }
