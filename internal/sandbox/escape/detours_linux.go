package escape

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Detours lead where the ways above lead, by older or newer system calls, by what a
// process inherits, and by the machine's sense of what is urgent.
var Detours = append([]Attempt{
	{Name: "open a file in the new way", ClosedBy: "namespaces landlock seccomp", Try: func(Targets) error {
		fd, err := unix.Openat2(unix.AT_FDCWD, "/etc/passwd", &unix.OpenHow{Flags: unix.O_RDONLY})
		return opened(fd, err)
	}},
	{Name: "get a handle of a file", ClosedBy: "namespaces seccomp", Unsure: true, Try: func(t Targets) error {
		_, _, err := unix.NameToHandleAt(unix.AT_FDCWD, t.File, 0)
		return err
	}},
	{Name: "open a file by a handle that it made up", Fatal: true, Try: func(Targets) error {
		root := []byte{2, 0, 0, 0, 0, 0, 0, 0} // inode 2, where a disk's root is
		return opened(unix.OpenByHandleAt(unix.AT_FDCWD, unix.NewFileHandle(1, root), unix.O_RDONLY))
	}},
	{Name: "open a file through what it inherited", Try: func(Targets) error {
		for fd := range 64 {
			if err := opened(unix.Openat(fd, "../etc/passwd", unix.O_RDONLY, 0)); err == nil {
				return nil
			}
		}
		return errors.New("no descriptor leads anywhere")
	}},
	{Name: "overwrite its own program", Try: func(Targets) error { return open("/proc/self/exe", os.O_WRONLY) }},
	{Name: "write where programs share memory", ClosedBy: "namespaces landlock seccomp", Unsure: true, Try: func(Targets) error {
		defer os.Remove("/dev/shm/charmd-escape")
		return open("/dev/shm/charmd-escape", os.O_CREATE|os.O_WRONLY)
	}},
	{Name: "handle faults of memory through a file", ClosedBy: "namespaces landlock seccomp", Unsure: true, Try: func(Targets) error {
		return open("/dev/userfaultfd", os.O_RDWR)
	}},
	{Name: "watch a folder", ClosedBy: "namespaces seccomp", Try: func(t Targets) error {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
		if err != nil {
			return err
		}
		_, err = unix.InotifyAddWatch(fd, t.Dir, unix.IN_CREATE)
		return errors.Join(err, unix.Close(fd))
	}},
	{Name: "keep memory that nobody can look at", ClosedBy: "seccomp", Unsure: true, Try: func(Targets) error {
		return opened(unix.MemfdSecret(0))
	}},
	{Name: "leave a message in a queue", ClosedBy: "seccomp", Unsure: true, Try: func(Targets) error {
		name, _ := unix.BytePtrFromString("charmd-escape")
		if err := call(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(name)), unix.O_CREAT|unix.O_RDWR, 0o600); err != nil {
			return err
		}
		return call(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(name)))
	}},
	{Name: "have the kernel move its bytes", ClosedBy: "seccomp", Unsure: true, Try: func(Targets) error {
		return call(unix.SYS_VMSPLICE, 1, uintptr(unsafe.Pointer(&unix.Iovec{})), 1) // none, in fact
	}},

	{Name: "pass a descriptor over its pipes", Try: func(Targets) error {
		for fd := range 3 {
			if err := unix.Sendmsg(fd, []byte("x"), unix.UnixRights(0), nil, 0); err == nil {
				return nil
			}
		}
		return errors.New("none of them is a socket")
	}},
	{Name: "take a descriptor over its pipes", Try: func(Targets) error {
		for fd := range 3 {
			if _, _, _, _, err := unix.Recvmsg(fd, make([]byte, 1), make([]byte, 64), unix.MSG_DONTWAIT); err == nil {
				return nil
			}
		}
		return errors.New("none of them is a socket")
	}},
	{Name: "take a descriptor of the service", Fatal: true, Try: func(Targets) error { return opened(unix.PidfdGetfd(0, 1, 0)) }},
	{Name: "type into its terminal", Try: func(Targets) error {
		letter := byte('x')
		for fd := range 3 {
			if err := call(unix.SYS_IOCTL, uintptr(fd), unix.TIOCSTI, uintptr(unsafe.Pointer(&letter))); err == nil {
				return nil
			}
		}
		return errors.New("it has none")
	}},
	{Name: "open its terminal", ClosedBy: "namespaces landlock seccomp", Unsure: true, Try: func(Targets) error { return open("/dev/tty", os.O_RDWR) }},

	{Name: "write into the service's memory", Fatal: true, Try: func(t Targets) error {
		here := make([]byte, 8)
		there := []unix.RemoteIovec{{Base: 0x400000, Len: len(here)}}
		_, err := unix.ProcessVMWritev(t.Service, []unix.Iovec{{Base: &here[0], Len: uint64(len(here))}}, there, 0)
		return err
	}},
	{Name: "signal the service with a message", ClosedBy: "namespaces landlock seccomp", Try: func(t Targets) error {
		message := [32]int32{int32(unix.SIGCONT), 0, -1} // as by sigqueue
		return call(unix.SYS_RT_SIGQUEUEINFO, uintptr(t.Service), uintptr(unix.SIGCONT), uintptr(unsafe.Pointer(&message)))
	}},
	{Name: "compare itself with the service", ClosedBy: "namespaces seccomp", Unsure: true, Try: func(t Targets) error {
		return call(unix.SYS_KCMP, uintptr(os.Getpid()), uintptr(t.Service), 0, 0, 0)
	}},
	{Name: "choose the service's processors", ClosedBy: "namespaces seccomp", Try: func(t Targets) error {
		var set unix.CPUSet
		if err := unix.SchedGetaffinity(t.Service, &set); err != nil {
			return err
		}
		return unix.SchedSetaffinity(t.Service, &set)
	}},
	{Name: "see how the service is scheduled", ClosedBy: "namespaces seccomp", Try: func(t Targets) error {
		_, err := unix.SchedGetAttr(t.Service, 0)
		return err
	}},
	{Name: "be more urgent than others", Try: func(Targets) error { return unix.Setpriority(unix.PRIO_PROCESS, 0, -20) }},
	{Name: "be urgent before all others", Try: func(Targets) error {
		return unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}, 0)
	}},
	{Name: "have its disk served first", Try: func(Targets) error {
		const process, realTime = 1, 1 << 13
		return call(unix.SYS_IOPRIO_SET, process, 0, realTime)
	}},
	{Name: "be spared when memory runs out", ClosedBy: "namespaces landlock seccomp", Unsure: true, Try: func(Targets) error {
		return os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	}},
	{Name: "keep its memory in the machine", ClosedBy: "seccomp", Unsure: true, Try: func(Targets) error { return unix.Mlock(make([]byte, 1)) }},

	{Name: "take back what it gave up", Try: func(Targets) error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) }},
	{Name: "become dumpable again", ClosedBy: "seccomp", Unsure: true, Try: func(Targets) error { return unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) }},
	{Name: "keep a capability for its programs", Try: func(Targets) error {
		return unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, unix.CAP_NET_RAW, 0, 0)
	}},
	{Name: "set the clock in the new way", Try: func(Targets) error {
		return unix.ClockSettime(unix.CLOCK_REALTIME, &unix.Timespec{Sec: 1})
	}},
	{Name: "ask what is mounted, in the new way", ClosedBy: "seccomp", Unsure: true, Try: func(Targets) error {
		const listmount, root = 458, ^uint64(0)
		asked := [3]uint64{24, root} // the size of the question, what it is about
		var found [4]uint64
		return call(listmount, uintptr(unsafe.Pointer(&asked)), uintptr(unsafe.Pointer(&found)), uintptr(len(found)), 0)
	}},
	{Name: "use a set of calls beside the filter's", ClosedBy: "seccomp", Fatal: true, Unsure: true, Try: func(Targets) error {
		const otherABI = 0x40000000
		return call(otherABI | unix.SYS_GETPID)
	}},
}, byOldCalls...)

// opened closes what could be opened.
func opened(fd int, err error) error {
	if err != nil {
		return fmt.Errorf("opening: %w", err)
	}
	return unix.Close(fd)
}
