//go:build unix

package doctor

import (
	"io/fs"
	"os"
	"syscall"
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
