package sandbox

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	maxDescriptors = 16      // enough for the three pipes and Go's poller
	maxStack       = 8 << 20 // of the first thread, whose stack is no data to the kernel

	// Addresses beside data, of which Go reserves more than a gigabyte. Without a limit
	// the kernel's tables of what is only read would have none: they are 1/512 of it.
	moreAddresses = 16 << 30
)

// limit lowers the process's own limits for good. Threads are counted for all of
// a user's processes together, except in namespaces of the process's own.
func limit(l Limits, alone bool) Layer {
	// Before writing files is forbidden. When memory runs out on the machine, the
	// kernel is to take a worker and never the service.
	oom := os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	limits := []struct {
		name     string
		resource int
		max      uint64
	}{
		{"RLIMIT_DATA", unix.RLIMIT_DATA, l.DataBytes()},
		{"RLIMIT_STACK", unix.RLIMIT_STACK, maxStack},
		{"RLIMIT_AS", unix.RLIMIT_AS, l.DataBytes() + moreAddresses},
		{"RLIMIT_CORE", unix.RLIMIT_CORE, 0},
		{"RLIMIT_FSIZE", unix.RLIMIT_FSIZE, 0},
		{"RLIMIT_NOFILE", unix.RLIMIT_NOFILE, maxDescriptors},
		{"RLIMIT_NPROC", unix.RLIMIT_NPROC, MaxThreads},
	}
	if !alone {
		limits = limits[:len(limits)-1]
	}
	for _, r := range limits {
		var inherited unix.Rlimit
		if err := unix.Getrlimit(r.resource, &inherited); err == nil {
			r.max = min(r.max, inherited.Max) // the operator's own, which nobody may raise
		}
		if err := unix.Setrlimit(r.resource, &unix.Rlimit{Cur: r.max, Max: r.max}); err != nil {
			return Layer{Unavailable, fmt.Sprintf("%s: %v", r.name, err)}
		}
	}
	var missing []string
	if !alone || isRoot() {
		missing = append(missing, "but threads are not limited")
	}
	if oom != nil {
		missing = append(missing, fmt.Sprintf("but the kernel is not told to take a worker first: %v", oom))
	}
	return Layer{On, strings.Join(missing, ", ")}
}

// isRoot reports whether the process, in namespaces of its own, is root outside of
// them, whose threads the kernel does not count.
func isRoot() bool {
	ids, err := os.ReadFile("/proc/self/uid_map")
	fields := strings.Fields(string(ids))
	return err == nil && len(fields) > 1 && fields[1] == "0"
}
