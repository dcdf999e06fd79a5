package escape

import (
	"errors"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Kernel are ways to run other code, and into parts of the kernel that no charm has
// a use for.
var Kernel = []Attempt{
	{Name: "run a shell", ClosedBy: "namespaces landlock seccomp", Try: func(Targets) error { return start("/bin/sh", 0) }},
	{Name: "run its own program", ClosedBy: "namespaces landlock seccomp", Try: func(Targets) error { return start("/proc/self/exe", 0) }},
	{Name: "become a shell", ClosedBy: "namespaces landlock seccomp", Fatal: true, Unsure: true, Try: func(Targets) error {
		return unix.Exec("/bin/sh", []string{"sh", "-c", ":"}, nil)
	}},
	{Name: "become what a descriptor is", Fatal: true, Unsure: true, Try: func(Targets) error {
		return call(unix.SYS_EXECVEAT, 0, uintptr(unsafe.Pointer(&empty)), 0, 0, unix.AT_EMPTY_PATH)
	}},
	{Name: "fork", ClosedBy: "seccomp", Fatal: true, Unsure: true, Try: func(Targets) error { return fork(uintptr(unix.SIGCHLD)) }},
	{Name: "fork in the new way", ClosedBy: "seccomp", Unsure: true, Try: func(Targets) error {
		return call(unix.SYS_CLONE3, 0, 0) // EFAULT, where it is known
	}},
	{Name: "make namespaces", ClosedBy: "namespaces seccomp", Unsure: true, Try: func(Targets) error {
		if err := start("/bin/sh", unix.CLONE_NEWUSER); errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EPERM) {
			return err
		}
		return nil // they were made, whatever became of the program
	}},
	{Name: "fork into namespaces", ClosedBy: "namespaces seccomp", Fatal: true, Unsure: true, Try: func(Targets) error {
		return fork(unix.CLONE_NEWUSER | uintptr(unix.SIGCHLD))
	}},
	{Name: "run bytes that it wrote", ClosedBy: "seccomp", Try: func(Targets) error {
		_, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
		return err
	}},
	{Name: "make what it wrote a program", ClosedBy: "seccomp", Try: func(Targets) error {
		page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
		if err != nil {
			return err
		}
		return unix.Mprotect(page, unix.PROT_READ|unix.PROT_EXEC)
	}},
	{Name: "share memory", ClosedBy: "seccomp", Try: func(Targets) error {
		id, err := unix.SysvShmGet(unix.IPC_PRIVATE, 4096, unix.IPC_CREAT|0o600)
		if err == nil {
			_, err = unix.SysvShmCtl(id, unix.IPC_RMID, nil)
		}
		return err
	}},
	{Name: "share memory that no limit counts", ClosedBy: "seccomp", Try: func(Targets) error {
		return mapped(uncounted, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}},
	{Name: "have a stack that no limit counts", ClosedBy: "seccomp", Try: func(Targets) error {
		return mapped(uncounted, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_GROWSDOWN|unix.MAP_NORESERVE)
	}},
	{Name: "have droppable memory that no limit counts", ClosedBy: "rlimits", Unsure: true, Try: func(Targets) error {
		const droppable = 0x08
		return mapped(uncounted, unix.PROT_READ|unix.PROT_WRITE, droppable)
	}},
	{Name: "map memory that stays in the machine", ClosedBy: "seccomp", Unsure: true, Try: func(Targets) error {
		return mapped(1, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_LOCKED)
	}},
	{Name: "have the kernel keep tables without end", ClosedBy: "rlimits", Try: func(Targets) error {
		return mapped(1<<40, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_NORESERVE) // each page of them that is read takes 8 bytes
	}},
	{Name: "leave a message in the kernel", ClosedBy: "seccomp", Unsure: true, Try: func(Targets) error {
		return call(unix.SYS_MSGGET, unix.IPC_PRIVATE, unix.IPC_CREAT|0o600)
	}},
	{Name: "leave a key in the kernel", ClosedBy: "seccomp", Fatal: true, Unsure: true, Try: func(Targets) error {
		_, err := unix.AddKey("user", "x", []byte("x"), unix.KEY_SPEC_PROCESS_KEYRING)
		return err
	}},
	{Name: "read the kernel's keys", ClosedBy: "seccomp", Fatal: true, Unsure: true, Try: func(Targets) error {
		_, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
		return err
	}},
	{Name: "have the kernel do its calls", ClosedBy: "seccomp", Fatal: true, Unsure: true, Try: func(Targets) error {
		var parameters [120]byte
		return call(unix.SYS_IO_URING_SETUP, 4, uintptr(unsafe.Pointer(&parameters)))
	}},
	{Name: "put code into the kernel", Fatal: true, Try: func(Targets) error {
		return call(unix.SYS_INIT_MODULE, 0, 0, uintptr(unsafe.Pointer(&empty)))
	}},
	{Name: "have the kernel run a program of its own", ClosedBy: "seccomp", Fatal: true, Unsure: true, Try: func(Targets) error {
		array := [16]uint32{2, 4, 4, 1} // a map of that kind, with one element
		return call(unix.SYS_BPF, 0, uintptr(unsafe.Pointer(&array)), unsafe.Sizeof(array))
	}},
	{Name: "watch the machine", ClosedBy: "seccomp", Fatal: true, Unsure: true, Try: func(Targets) error {
		attributes := unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{}))}
		_, err := unix.PerfEventOpen(&attributes, 0, -1, -1, 0)
		return err
	}},
	{Name: "handle faults of memory", ClosedBy: "seccomp", Fatal: true, Unsure: true, Try: func(Targets) error { return call(unix.SYS_USERFAULTFD, 1) }},
	{Name: "read the kernel's log", ClosedBy: "seccomp", Unsure: true, Try: func(Targets) error {
		_, err := unix.Klogctl(10, nil) // its size
		return err
	}},
	{Name: "learn of the machine", ClosedBy: "seccomp", Try: func(Targets) error { return unix.Uname(new(unix.Utsname)) }},
	{Name: "learn of its use", ClosedBy: "seccomp", Try: func(Targets) error { return unix.Sysinfo(new(unix.Sysinfo_t)) }},
}

// uncounted is more memory, bytes, than a worker may have.
const uncounted = 1 << 30

// mapped maps memory and lets it go, untouched.
func mapped(size, access, flags int) error {
	memory, err := unix.Mmap(-1, 0, size, access, flags|unix.MAP_ANONYMOUS)
	if err != nil {
		return err
	}
	return unix.Munmap(memory)
}

// fork makes a child with those flags, which ends at once.
func fork(flags uintptr) error {
	pid, _, e := unix.RawSyscall6(unix.SYS_CLONE, flags, 0, 0, 0, 0, 0)
	switch {
	case e != 0:
		return e
	case pid == 0:
		for {
			_, _, _ = unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	_, err := unix.Wait4(int(pid), nil, 0, nil)
	return err
}

// call makes a system call that says by its number whether it worked.
func call(number uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	if _, _, e := unix.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5]); e != 0 {
		return e
	}
	return nil
}

// empty is a text without letters, as the kernel reads it.
var empty [1]byte

// start starts a program that ends at once: its input is empty, and it runs no test
// when it is one.
func start(path string, namespaces uintptr) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	_ = w.Close()
	defer r.Close()
	p, err := os.StartProcess(path, []string{path, "-test.run=^$"}, &os.ProcAttr{
		Files: []*os.File{r}, Sys: &syscall.SysProcAttr{Cloneflags: namespaces},
	})
	if err == nil {
		_, err = p.Wait()
	}
	return err
}
