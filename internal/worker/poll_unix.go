//go:build unix

package worker

import (
	"os"
	"syscall"
)

// polled opens an inherited pipe so that Go waits for it with its poller rather
// than with a thread, which saves a change of threads for every message. It must
// be the only File of the descriptor: one that is collected closes it.
func polled(fd uintptr, name string) *os.File {
	_ = syscall.SetNonblock(int(fd), true) // without it the pipe is slower, no more
	return os.NewFile(fd, name)
}
