//go:build unix

package client

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// alive reports whether a process has the id.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// private reports whether the file is ours and nobody else can write to it.
func private(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid() && info.Mode().Perm()&0o022 == 0
}
