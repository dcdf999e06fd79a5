package sandbox

import (
	"fmt"
	"strings"

	"github.com/landlock-lsm/go-landlock/landlock"
	"github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// The versions of the kernel's landlock from which on it knows TCP; and from which
// on it knows signals and abstract sockets, and lets the threads of one process
// signal each other, which Go needs.
const (
	knowsTCP     = 4
	knowsSignals = 7
)

// lockFiles forbids every thread of the process all files and, as far as the
// kernel knows how to, all connections and signals to other processes.
func lockFiles() Layer {
	version, err := syscall.LandlockGetABIVersion()
	if err != nil || version < 1 {
		return Layer{Unavailable, "this kernel does not offer it"}
	}
	known := landlock.V5
	if version >= knowsSignals {
		known = landlock.V11
	}
	if err := known.BestEffort().Restrict(); err != nil {
		return Layer{Unavailable, err.Error()}
	}
	var missing []string
	if version < knowsTCP {
		missing = append(missing, "TCP")
	}
	if version < knowsSignals {
		missing = append(missing, "signals")
	}
	if missing != nil {
		return Layer{On, fmt.Sprintf("but version %d of it does not know %s", version, strings.Join(missing, " and "))}
	}
	return Layer{State: On}
}
