package sandbox

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// emptyRoot leaves the process a file system with nothing in it that cannot be
// written to. It belongs into a mount namespace of its own.
func emptyRoot() error {
	const place = "/proc" // a folder that every machine has, and that is not needed any more
	const closed = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("no private root: keeping mounts to itself: %w", err)
	}
	if err := unix.Mount("root", place, "tmpfs", closed, "size=4k,mode=555"); err != nil {
		return fmt.Errorf("no private root: mounting an empty one: %w", err)
	}
	if err := unix.Chdir(place); err != nil {
		return fmt.Errorf("no private root: %w", err)
	}
	if threadsFromProc {
		if err := os.Mkdir("proc", 0o555); err != nil {
			return fmt.Errorf("no private root: %w", err)
		}
		if err := unix.Mount("proc", "proc", "proc", closed, ""); err != nil {
			return fmt.Errorf("no private root: mounting its /proc: %w", err)
		}
	}
	// Both on one place: the old root comes to lie over the new one, and is taken off.
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("no private root: changing to it: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("no private root: leaving the old one: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|closed, ""); err != nil {
		return fmt.Errorf("the private root can be written to: %w", err)
	}
	return nil
}
