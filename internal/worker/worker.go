// Package worker is CharmWorker: the process in which recipes are compiled and
// charms run. It reads tasks from its standard input and writes what it wants and
// finds to its standard output, in the frames of package wire; it has no other
// way to the world. It decides nothing durable.
package worker

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"charmd/internal/engine"
	"charmd/internal/prelude"
	"charmd/internal/sandbox"
	"charmd/internal/worker/inside"
)

const (
	mode = "worker"
	// maxStack ends a process whose compiler recurses without end before the
	// machine feels it.
	maxStack = 64 << 20
	// processors: the VM, and who answers the parent meanwhile.
	processors = 2
	// garbage is how much of it there may be for what is in use, in percent. Half of
	// Go's own costs a collection in a hundred runs and saves 2 MB a worker.
	garbage = 50
)

// Wanted reports whether this process was started to be a worker.
func Wanted() bool { return len(os.Args) > 1 && os.Args[1] == mode }

// Main is the worker. It exits when its parent closes the pipe, and does not
// return.
func Main() {
	flags := flag.NewFlagSet(mode, flag.ExitOnError)
	arena := flags.Int("arena", engine.DefaultArenaBytes, "bytes of the VM's memory")
	rebuild := flags.Bool("rebuild", false, "rebuild the VM for each run")
	namespaces := flags.String("namespaces", "started by hand", `"own", or why the process has none of its own`)
	flags.String("owner", "", "whose worker it is, for who looks for it")
	_ = flags.Parse(os.Args[2:]) // exits on errors

	runtime.MemProfileRate = 0 // nobody can ask a worker for its profile, which takes memory
	runtime.GOMAXPROCS(processors)
	debug.SetGCPercent(garbage)
	debug.SetMaxStack(maxStack)
	// The service ends its workers itself, after their runs, also when a signal
	// goes to all processes of the unit.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	walls := sandbox.Enter(sandbox.Limits{ArenaBytes: *arena}, *namespaces)

	s := newSession(polled(0, "tasks"), os.NewFile(1, "frames"))
	machine, err := inside.New(inside.Options{ArenaBytes: *arena, Rebuild: *rebuild, Prelude: prelude.Source, Host: s})
	if err != nil {
		die(err)
	}
	s.serve(machine, walls)
}

// die ends the process with a word to the parent's log.
func die(err error) {
	fmt.Fprintln(os.Stderr, "charmd worker:", err)
	os.Exit(1)
}
