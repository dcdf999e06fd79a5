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

// Enter puts the calling process behind the walls. namespaces is Own, or the
// reason why the process has none of its own. A layer that cannot be raised is
// said to be so; the others stand nevertheless.
//
// The order matters: what limits and mounts need is taken away after them.
func Enter(l Limits, namespaces string) Report {
	apart := namespaces == Own && os.Getpid() == 1 // what follows must never happen to the machine itself
	r := Report{
		Namespaces: Layer{Unavailable, namespaces},
		Seccomp:    Layer{Off, "not part of this version"},
		Rlimits:    limit(l, apart),
	}
	if apart {
		r.Namespaces = seclude()
	}
	if err := dropPowers(); err != nil {
		r.Namespaces = Layer{Unavailable, strings.TrimPrefix(r.Namespaces.Reason+"; ", "; ") + err.Error()}
	}
	r.Landlock = lockFiles()
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

// Attributes are those a worker is started with: it dies with the thread that
// started it, signals from a terminal do not reach it, and it is alone in
// namespaces of its own, if they are wanted. There it is user 0, which is nobody
// but the service's own user outside: with any other it would have lost, at the
// start of its program, what it needs to build its root.
func Attributes(namespaces bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
	if namespaces {
		a.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
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
