//go:build !unix

package client

import (
	"io/fs"
	"os"
)

// alive reports whether a process has the id.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	return p.Release() == nil
}

// private trusts the directory of temporary files, which is each user's own here.
func private(fs.FileInfo) bool { return true }
