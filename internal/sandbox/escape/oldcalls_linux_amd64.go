package escape

import (
	"errors"
	"runtime/debug"
	"unsafe"

	"golang.org/x/sys/unix"
)

// byOldCalls are ways that only this architecture has.
var byOldCalls = []Attempt{
	{Name: "use the calls of 32-bit programs", ClosedBy: "seccomp", Fatal: true, Unsure: true, Try: func(Targets) (err error) {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer func() {
			if recover() != nil {
				err = errors.New("the kernel does not know them")
			}
		}()
		const getpid = 20
		if pid := oldCall(getpid); pid <= 0 {
			return unix.Errno(-pid)
		}
		return nil
	}},
	{Name: "fork in the old way", ClosedBy: "seccomp", Unsure: true, Try: func(Targets) error {
		pid, _, e := unix.RawSyscall(unix.SYS_FORK, 0, 0, 0)
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
	}},
	{Name: "reach the machine's ports", Try: func(Targets) error { return call(unix.SYS_IOPL, 3) }},
	{Name: "make segments of its own", ClosedBy: "seccomp", Unsure: true, Try: func(Targets) error {
		var table [8]byte
		return call(unix.SYS_MODIFY_LDT, 0, uintptr(unsafe.Pointer(&table)), 8)
	}},
}

// oldCall makes a system call without arguments by the number and the gate of
// 32-bit programs.
func oldCall(number int32) int32
