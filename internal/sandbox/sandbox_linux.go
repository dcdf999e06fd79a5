package sandbox

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// apart are the namespaces that a worker has for itself, as flags of clone.
const apart = unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS

// Enter puts the calling process behind the walls. namespaces is Own, or the
// reason why the process has none of its own. A layer that cannot be raised is
// said to be so; the others stand nevertheless.
//
// The order matters: what limits and mounts need is taken away after them, and
// what all of them need at last.
func Enter(l Limits, namespaces string) Report {
	r := enclose(l, namespaces)
	r.Seccomp = filterCalls()
	return r
}

// enclose raises all walls but the filter of system calls.
func enclose(l Limits, namespaces string) Report {
	alone := namespaces == Own && os.Getpid() == 1 // what follows must never happen to the machine itself
	r := Report{
		Namespaces: Layer{Unavailable, namespaces},
		Seccomp:    Layer{Off, "not asked for"},
		Rlimits:    limit(l, alone),
	}
	if alone {
		r.Namespaces = seclude()
	}
	r.Landlock = lockFiles()
	if err := dropPowers(); err != nil {
		r.Namespaces = Layer{Unavailable, strings.TrimPrefix(r.Namespaces.Reason+"; ", "; ") + err.Error()}
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		r.Rlimits = Layer{Unavailable, fmt.Sprintf("its memory can be read from outside: %v", err)}
	}
	return r
}

// seclude completes the namespaces that the process was started in.
func seclude() Layer {
	// Inside a further one it would have all capabilities again.
	nested := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0)
	if err := emptyRoot(); err != nil {
		return Layer{Unavailable, err.Error()}
	}
	if nested != nil {
		return Layer{On, fmt.Sprintf("but further ones can be made inside: %v", nested)}
	}
	return Layer{State: On}
}

// nobody is the user that has nothing, by custom.
const nobody = 65534

// Users are those that a worker may be outside of its namespaces, the best one
// first. Root's would be free of the limit on threads.
func Users() []int {
	if own := os.Geteuid(); own != 0 {
		return []int{own}
	}
	return []int{nobody, 0}
}

// Attributes are those a worker is started with: it dies with the thread that
// started it, signals from a terminal do not reach it, and with namespaces it is
// alone in its own and that user outside. Inside it is user 0: with any other it
// would have lost, at the start of its program, what it needs to build its root.
func Attributes(namespaces bool, user int) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
	if !namespaces {
		return a
	}
	group := os.Getegid()
	if user != os.Geteuid() {
		group = user
		a.Credential = &syscall.Credential{NoSetGroups: true}
	}
	a.Cloneflags = apart
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: user, Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: group, Size: 1}}
	return a
}

// Refused reports whether a process could not be started because the machine
// gives it no namespaces, and may be without them; lasting, whether it never will,
// not only while others have used them up.
func Refused(err error) (refused, lasting bool) {
	is := func(e error) bool { return errors.Is(err, e) }
	lasting = slices.ContainsFunc([]error{unix.EPERM, unix.EACCES, unix.EINVAL, unix.ENOSYS}, is)
	return lasting || is(unix.ENOSPC) || is(unix.EUSERS), lasting
}

// SealDescriptors keeps descriptors that the service inherited itself from being
// inherited by workers. Go marks those it opens.
func SealDescriptors() error {
	if err := unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("sealing descriptors: %w", err)
	}
	return nil
}
