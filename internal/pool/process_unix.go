//go:build unix

package pool

import (
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalName is a signal as people know it, e.g. SIGSEGV.
func signalName(s syscall.Signal) string {
	if s == unix.SIGSYS {
		return "SIGSYS: its code tried what the sandbox forbids"
	}
	if name := unix.SignalName(s); name != "" {
		return name
	}
	return s.String()
}

// peakMemory is the most memory a process held that has ended, in bytes.
func peakMemory(state *os.ProcessState) int64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(usage.Maxrss)
	}
	return int64(usage.Maxrss) << 10
}
