package sandbox

import (
	"fmt"
	"math"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxDescriptors is enough for the three pipes and Go's poller.
const maxDescriptors = 16

// Enter puts the calling process behind the walls. A layer that cannot be raised
// is said to be so; the others stand nevertheless.
func Enter(l Limits) Report {
	off := Layer{State: Off, Reason: "not part of this version"}
	return Report{Namespaces: off, Landlock: off, Seccomp: off, Rlimits: limit(l)}
}

// limit lowers the process's own limits for good.
func limit(l Limits) Layer {
	// Before writing files is forbidden. When memory runs out on the machine, the
	// kernel is to take a worker and never the service.
	oom := os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	for _, r := range []struct {
		name     string
		resource int
		max      uint64
	}{
		{"RLIMIT_DATA", unix.RLIMIT_DATA, l.DataBytes()},
		{"RLIMIT_CORE", unix.RLIMIT_CORE, 0},
		{"RLIMIT_FSIZE", unix.RLIMIT_FSIZE, 0},
		{"RLIMIT_NOFILE", unix.RLIMIT_NOFILE, maxDescriptors},
	} {
		if err := unix.Setrlimit(r.resource, &unix.Rlimit{Cur: r.max, Max: r.max}); err != nil {
			return Layer{Unavailable, fmt.Sprintf("%s: %v", r.name, err)}
		}
	}
	if oom != nil {
		return Layer{On, fmt.Sprintf("but the kernel is not told to take a worker first: %v", oom)}
	}
	return Layer{State: On}
}

// Attributes are those a worker is started with: it dies with the thread that
// started it, and signals from a terminal do not reach it.
func Attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
}

// SealDescriptors keeps descriptors that the service inherited itself from being
// inherited by workers. Go marks those it opens.
func SealDescriptors() error {
	if err := unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("sealing descriptors: %w", err)
	}
	return nil
}
