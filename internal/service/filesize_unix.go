//go:build unix

package service

import (
	"os/signal"
	"syscall"
)

// ignoreFileSizeSignal makes a write beyond a limit on file sizes (ulimit -f) fail
// as one to a full disk does, where the signal would end the process.
func ignoreFileSizeSignal() { signal.Ignore(syscall.SIGXFSZ) }
