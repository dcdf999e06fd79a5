package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Tree is the cgroups of one service: below its own one for itself and one for
// each worker, since the kernel lets no cgroup both hold processes and be divided.
type Tree struct {
	dir   string // where the workers' are made
	begun atomic.Uint64
}

// The names below the service's own cgroup.
const (
	folder = "charmd"
	daemon = "daemon"
	worker = "worker-" // and the service's process id, and a number
)

// Open moves this process into a cgroup of its own below the one it is in, and
// takes away those of workers that an earlier service left. The error is a Reason
// for which workers can have none; the process then is where it was.
func Open() (*Tree, error) {
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, Reason("this kernel has no cgroups")
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, Reason("it cannot be told where cgroups are mounted")
	}
	dir, err := place(string(own), string(mounts))
	if err != nil {
		return nil, err
	}
	return Divide(dir)
}

// Divide is Open for whom the folder of its own cgroup is known to.
func Divide(own string) (*Tree, error) {
	offered, err := words(own, "cgroup.controllers")
	if err != nil {
		return nil, Reason(fmt.Sprintf("the service's cgroup cannot be read: %v", cause(err)))
	}
	for _, needed := range []string{"memory", "pids"} {
		if !slices.Contains(offered, needed) {
			return nil, Reason(fmt.Sprintf("the service's cgroup is not given the controller %s", needed))
		}
	}
	t := &Tree{dir: filepath.Join(own, folder)}
	if err := makeAll(t.dir, filepath.Join(t.dir, daemon)); err != nil {
		return nil, Reason(fmt.Sprintf("the service's cgroup may not be divided by it: %v", cause(err)))
	}
	if err := t.settle(own, slices.Contains(offered, "cpu")); err != nil {
		_ = set(own, "cgroup.procs", "0")
		_, _ = os.Remove(filepath.Join(t.dir, daemon)), os.Remove(t.dir)
		return nil, err
	}
	t.sweep()
	return t, nil
}

// settle moves this process out of the way and hands the controllers down.
func (t *Tree) settle(own string, cpu bool) error {
	if err := set(filepath.Join(t.dir, daemon), "cgroup.procs", "0"); err != nil { // 0 is who writes
		return Reason(fmt.Sprintf("the service may not move to a cgroup of its own: %v", cause(err)))
	}
	before, _ := words(own, "cgroup.subtree_control") // empty, but in the root of all
	given, err := handOn(own, cpu)
	if err != nil {
		return err
	}
	if _, err := handOn(t.dir, cpu); err != nil {
		takeBack(own, given, before) // or no process may come back
		return err
	}
	return nil
}

// handOn gives the controllers that workers need on to the cgroups below, and says which
// those are.
func handOn(dir string, cpu bool) (given []string, err error) {
	given = []string{"memory", "pids"}
	if more := append(given, "cpu"); cpu && hand(dir, "+"+strings.Join(more, " +")) == nil { // a gain where it can be had, and no wall
		return more, nil
	}
	return given, hand(dir, "+"+strings.Join(given, " +"))
}

// takeBack takes from the cgroups below those controllers that they did not have before.
func takeBack(dir string, given, before []string) {
	given = slices.DeleteFunc(given, func(c string) bool { return slices.Contains(before, c) })
	if len(given) > 0 {
		_ = hand(dir, "-"+strings.Join(given, " -"))
	}
}

// hand gives controllers on to the cgroups below, or takes them back.
func hand(dir, controllers string) error {
	err := set(dir, "cgroup.subtree_control", controllers)
	switch {
	case errors.Is(err, unix.EBUSY):
		return Reason("the service's cgroup holds other processes too")
	case err != nil:
		return Reason(fmt.Sprintf("the service's cgroup may not be divided by it: %v", cause(err)))
	}
	return nil
}

// sweep removes cgroups of workers whose service is gone, with what is in them.
func (t *Tree) sweep() {
	left, _ := filepath.Glob(filepath.Join(t.dir, worker+"*"))
	for _, dir := range left {
		service, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), worker), "-")
		pid, err := strconv.Atoi(service)
		if err != nil || pid != os.Getpid() && unix.Kill(pid, 0) != unix.ESRCH {
			continue
		}
		_ = set(dir, "cgroup.kill", "1")
		for range 50 { // until they have died, half a second at most
			if err := unix.Rmdir(dir); err != unix.EBUSY {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// Leaf is the cgroup of one worker; nil is none.
type Leaf struct {
	dir string
	at  *os.File
}

// share is the weight of a worker when the processor is short; a service has 100.
const share = 20

// Leaf makes a cgroup for a worker.
func (t *Tree) Leaf(l Limits) (*Leaf, error) {
	dir := filepath.Join(t.dir, fmt.Sprintf("%s%d-%d", worker, os.Getpid(), t.begun.Add(1)))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, Reason(fmt.Sprintf("a cgroup cannot be made: %v", cause(err)))
	}
	leaf := &Leaf{dir: dir}
	for _, limit := range []struct{ file, value string }{
		{"memory.max", strconv.FormatUint(l.MemoryBytes, 10)},
		{"memory.oom.group", "1"},
		{"pids.max", strconv.Itoa(l.Threads)},
	} {
		if err := set(dir, limit.file, limit.value); err != nil {
			leaf.Remove()
			return nil, Reason(fmt.Sprintf("%s cannot be set: %v", limit.file, cause(err)))
		}
	}
	_ = set(dir, "memory.swap.max", "0") // is not there on a kernel without swap
	_ = set(dir, "cpu.weight", strconv.Itoa(share))
	var err error
	if leaf.at, err = os.Open(dir); err != nil {
		leaf.Remove()
		return nil, Reason(fmt.Sprintf("a cgroup cannot be opened: %v", cause(err)))
	}
	return leaf, nil
}

// Hold has a process that is started with these attributes begin in the leaf.
func (l *Leaf) Hold(a *syscall.SysProcAttr) {
	a.UseCgroupFD, a.CgroupFD = true, int(l.at.Fd())
}

// Killed reports whether the kernel has killed a process of the leaf because its
// memory was used up.
func (l *Leaf) Killed() bool {
	if l == nil {
		return false
	}
	events, _ := os.ReadFile(filepath.Join(l.dir, "memory.events"))
	for line := range strings.Lines(string(events)) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
			return n != "0"
		}
	}
	return false
}

// Remove takes the leaf away, once nothing is in it any more.
func (l *Leaf) Remove() {
	if l == nil {
		return
	}
	if l.at != nil {
		_ = l.at.Close()
	}
	_ = unix.Rmdir(l.dir) // what is left is swept by the next service
}

// words are those of a file of a cgroup.
func words(dir, file string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, file))
	return strings.Fields(string(text)), err
}

// set writes a file of a cgroup.
func set(dir, file, value string) error {
	return os.WriteFile(filepath.Join(dir, file), []byte(value), 0o644)
}

// makeAll makes folders that may be there already.
func makeAll(dirs ...string) error {
	for _, dir := range dirs {
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// cause is an error without the path that it is about.
func cause(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}
