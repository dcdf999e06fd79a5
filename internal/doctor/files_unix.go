//go:build unix

package doctor

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// checksModes says whether the modes of files mean anything here.
const checksModes = true

// strangersFile reports whose file it is, when it is not this user's.
func strangersFile(info fs.FileInfo) (uid int, is bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), int(stat.Uid) != os.Geteuid() && os.Geteuid() != 0
}

// freeBytes is what this user may still write on the disk of the directory.
func freeBytes(dir string) (n uint64, known bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return uint64(s.Bavail) * uint64(s.Bsize), true
}
