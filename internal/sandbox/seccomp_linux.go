//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// What becomes of a system call.
const (
	allowed = unix.SECCOMP_RET_ALLOW
	refused = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	unknown = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS) // as by a kernel that does not have it
	invalid = unix.SECCOMP_RET_ERRNO | uint32(unix.EINVAL)
	fatal   = unix.SECCOMP_RET_KILL_PROCESS // which the service sees, and the run's record says
)

// Where a filter finds what it judges; an argument takes 8 bytes, its lower half
// first.
const (
	callOffset     = 0
	archOffset     = 4
	argumentOffset = 16
)

// otherABI marks the numbers of a second set of system calls that amd64 has.
const otherABI = 0x40000000

// architectures are those that this file is for, by Go's names.
var architectures = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// filterCalls leaves every thread of the process the system calls that Go's runtime
// and the reading and writing of pipes need, for good.
func filterCalls() Layer {
	raw, err := bpf.Assemble(program(architectures[runtime.GOARCH], uint32(os.Getpid())))
	if err != nil {
		return Layer{Unavailable, err.Error()}
	}
	// What is assembled has the layout of the kernel's own structure.
	filter := unix.SockFprog{Len: uint16(len(raw)), Filter: (*unix.SockFilter)(unsafe.Pointer(&raw[0]))}
	thread, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&filter)))
	switch {
	case errors.Is(e, unix.ENOSYS), errors.Is(e, unix.EINVAL):
		return Layer{Unavailable, "this kernel does not offer it"}
	case e != 0:
		return Layer{Unavailable, e.Error()}
	case thread != 0:
		return Layer{Unavailable, fmt.Sprintf("thread %d has another filter", thread)}
	}
	return Layer{State: On}
}

// program is the filter of a process with that id.
func program(arch, pid uint32) []bpf.Instruction {
	p := []bpf.Instruction{
		bpf.LoadAbsolute{Off: archOffset, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: arch, SkipTrue: 1},
		bpf.RetConstant{Val: fatal},
		bpf.LoadAbsolute{Off: callOffset, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: otherABI, SkipFalse: 1},
		bpf.RetConstant{Val: fatal},
	}
	rule := func(call uint32, body ...bpf.Instruction) {
		p = append(append(p, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: call, SkipTrue: uint8(len(body))}), body...)
	}
	// The first, since it is the one that is called often and looked at each time: the
	// kernel remembers what it always allows.
	rule(unix.SYS_FUTEX, among(1, futexCommand, futexWait, futexWake, futexWaitBitset, futexWakeBitset)...)
	for _, call := range harmless {
		rule(call, bpf.RetConstant{Val: allowed})
	}
	for _, call := range hostile {
		rule(call, bpf.RetConstant{Val: fatal})
	}
	rule(unix.SYS_CLONE3, bpf.RetConstant{Val: unknown}) // its flags lie in memory, where no filter can look; clone is tried then
	rule(unix.SYS_PRCTL, bpf.RetConstant{Val: invalid})  // Go gives its memory names, and stops when that cannot be done
	rule(unix.SYS_CLONE, newThread()...)
	rule(unix.SYS_MMAP, counted()...)
	rule(unix.SYS_MPROTECT, without(2, unix.PROT_EXEC)...)
	rule(unix.SYS_TGKILL, among(0, ^uint32(0), pid)...)
	// Others would have the kernel signal whom the caller likes.
	rule(unix.SYS_FCNTL, among(1, ^uint32(0), unix.F_GETFD, unix.F_SETFD, unix.F_GETFL, unix.F_SETFL)...)
	return append(p, bpf.RetConstant{Val: refused})
}

// The operations of futex that locks are made of, and what of the argument says
// which it is. The others have more often been a way into the kernel than of use.
const (
	futexWait       = 0
	futexWake       = 1
	futexWaitBitset = 9
	futexWakeBitset = 10
	futexCommand    = 0x7f
)

// harmless are allowed whatever their arguments are.
var harmless = append([]uint32{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_CLOSE,
	unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EVENTFD2,
	unix.SYS_MUNMAP, unix.SYS_MADVISE,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK,
	unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_GETPID, unix.SYS_GETTID,
	unix.SYS_NANOSLEEP, unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_GETTIMEOFDAY,
	unix.SYS_GETRANDOM, unix.SYS_RESTART_SYSCALL, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
}, threadCalls...)

// hostile are what only code that has been taken over would try.
var hostile = []uint32{
	unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_SOCKET, unix.SYS_SOCKETPAIR,
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD,
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT,
	unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE, unix.SYS_FSOPEN, unix.SYS_FSMOUNT, unix.SYS_MOUNT_SETATTR,
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_KEXEC_LOAD,
}

// newThread allows clone to make threads of the process.
func newThread() []bpf.Instruction {
	return []bpf.Instruction{
		argument(0),
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: apart | unix.CLONE_NEWCGROUP, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: unix.CLONE_THREAD, SkipFalse: 1},
		bpf.RetConstant{Val: allowed},
		bpf.RetConstant{Val: fatal},
	}
}

// counted allows mmap of memory that the limit of data counts: it knows neither what is
// shared, also with nobody, nor stacks. What is to stay in the machine is out as well.
func counted() []bpf.Instruction {
	// Private, and counted: random numbers that need no call come from there (6.11).
	const droppable = 0x08
	// MAP_STACK says nothing to the kernel.
	const known = unix.MAP_PRIVATE | droppable | unix.MAP_ANONYMOUS | unix.MAP_FIXED | unix.MAP_NORESERVE | unix.MAP_STACK
	return append([]bpf.Instruction{
		argument(3),
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: ^uint32(known), SkipFalse: 1},
		bpf.RetConstant{Val: refused},
	}, without(2, unix.PROT_EXEC)...)
}

// without allows a call whose n-th argument has none of the bits.
func without(n, bits uint32) []bpf.Instruction {
	return []bpf.Instruction{
		argument(n),
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: bits, SkipTrue: 1},
		bpf.RetConstant{Val: allowed},
		bpf.RetConstant{Val: refused},
	}
}

// among allows a call whose n-th argument, as far as the mask goes, is one of the
// values. The kernel does not look at the argument's upper half either.
func among(n, mask uint32, values ...uint32) []bpf.Instruction {
	body := []bpf.Instruction{argument(n), bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask}}
	for i, v := range values {
		body = append(body, bpf.JumpIf{Cond: bpf.JumpEqual, Val: v, SkipTrue: uint8(len(values) - i)})
	}
	return append(body, bpf.RetConstant{Val: refused}, bpf.RetConstant{Val: allowed})
}

// argument loads the lower half of the n-th argument.
func argument(n uint32) bpf.Instruction { return bpf.LoadAbsolute{Off: argumentOffset + 8*n, Size: 4} }
