package pool

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// ExitKind is how a task ended, as seen from outside the worker.
type ExitKind string

// The kinds.
const (
	Done          ExitKind = "done"           // the result came; it says how the run ended
	TimedOut      ExitKind = "timed_out"      //
	OutOfMemory   ExitKind = "out_of_memory"  // of the VM, or of the whole process
	Crashed       ExitKind = "crashed"        // the process died by itself, or somebody else killed it
	Protocol      ExitKind = "protocol"       // it sent what it must not, and was killed
	Cancelled     ExitKind = "cancelled"      // the caller did not want it any more
	NotDispatched ExitKind = "not_dispatched" // no worker took it
)

// Exit is how a task ended. When Kind is not Done, nothing of the result may be
// used but its costs.
type Exit struct {
	Kind       ExitKind
	Detail     string    // one line for people; "" for Done
	Dispatched time.Time // when a worker got the task; zero when none did
	Ended      time.Time
	PeakRSS    int64  // resident bytes of the process: after the task, or its highest when it died
	Walls      string // layers of the sandbox that stood around the process, e.g. "namespaces landlock rlimits"
}

// wentOn is why a process is killed that has closed its pipe and is there a second later.
var wentOn = Exit{Kind: Protocol, Detail: "closed its pipe and went on"}

// holds reports whether a process that was killed for a reason ended for it. One that had
// closed its pipe and ended by itself was slow to, as on a busy machine, and did not go on.
func (e Exit) holds(state *os.ProcessState) bool { return e != wentOn || !state.Exited() }

// autopsy says how a process ended that we did not kill, from its exit state, the
// beginning of what it wrote to stderr, and what the kernel says of its memory.
func autopsy(state *os.ProcessState, stderr string, outOfMemory bool) Exit {
	e := Exit{Kind: Crashed}
	status, _ := state.Sys().(syscall.WaitStatus)
	last := lastWords(stderr)
	switch {
	case status.Signaled():
		e.Detail = "killed by " + signalName(status.Signal())
	case last != "":
		e.Detail = last
	default:
		e.Detail = fmt.Sprintf("exited with status %d", state.ExitCode())
	}
	if outOfMemory {
		return Exit{Kind: OutOfMemory, Detail: e.Detail + ", because it took too much memory"}
	}
	if strings.Contains(last, "out of memory") || strings.Contains(last, "cannot allocate memory") {
		e.Kind = OutOfMemory
	}
	return e
}

// lastWords is the line of a Go process's stderr that says why it died.
func lastWords(stderr string) string {
	best := ""
	for line := range strings.Lines(stderr) {
		line = printable(line)
		if best == "" {
			best = line
		}
		for _, mark := range []string{"fatal error: ", "panic: ", "runtime: "} {
			if strings.HasPrefix(line, mark) {
				return strings.TrimPrefix(line, "runtime: ")
			}
		}
	}
	return best
}

// printable is one line without control characters, cut to what fits a message.
func printable(line string) string {
	const most = 300
	line = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(line, "?"))
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + " …"
	}
	return strings.TrimSpace(line)
}
