// Package escape is ways out of a worker process, as code, for the tests that try
// them from inside: what each layer of the sandbox is said to close is tried with
// that layer and without it.
package escape

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Targets is what a process behind the walls tries to get at. All of it is within
// the reach of a process without walls.
type Targets struct {
	File     string // somebody's data
	Dir      string // that anybody may write to
	TCP, UDP string // addresses of servers; the second one answers as a name server
	Unix     string // a socket that is a file
	Abstract string // a socket that has a name alone
	Service  int    // id of the process that started it, which is of the same user
}

// Attempt is one way out.
type Attempt struct {
	Name     string // "read /etc/passwd": what was possible when Try returns nil
	ClosedBy string // each of these layers closes it alone, separated by spaces; "" what is always taken away
	Fatal    bool   // the filter of system calls ends a process that tries it
	Unsure   bool   // without walls it may fail as well, or must not be tried by a process that is to go on
	Try      func(Targets) error
}

// Attempts are all ways out that are known.
func Attempts() []Attempt { return slices.Concat(Files, Network, Powers, Kernel, Detours) }

// Files are ways to what lies on the disk.
var Files = []Attempt{
	{Name: "read /etc/passwd", ClosedBy: "namespaces landlock seccomp", Try: func(Targets) error { return read("/etc/passwd") }},
	{Name: "read a file by its path", ClosedBy: "namespaces landlock seccomp", Try: func(t Targets) error { return read(t.File) }},
	{Name: "read its own program", ClosedBy: "namespaces landlock seccomp", Try: func(Targets) error { return read("/proc/self/exe") }},
	{Name: "read the service's environment", ClosedBy: "namespaces landlock seccomp", Try: func(t Targets) error { return read(fmt.Sprintf("/proc/%d/environ", t.Service)) }},
	{Name: "open the service's memory", ClosedBy: "namespaces landlock seccomp", Try: func(t Targets) error { return open(fmt.Sprintf("/proc/%d/mem", t.Service), os.O_RDWR) }},
	{Name: "use the service's descriptors", ClosedBy: "namespaces landlock seccomp", Try: func(t Targets) error { return list(fmt.Sprintf("/proc/%d/fd", t.Service)) }},
	{Name: "open /dev/null", ClosedBy: "namespaces landlock seccomp", Try: func(Targets) error { return open("/dev/null", os.O_WRONLY) }},
	{Name: "list processes", ClosedBy: "namespaces landlock seccomp", Try: func(Targets) error { return list("/proc") }},
	{Name: "list the root", ClosedBy: "landlock seccomp", Try: func(Targets) error { return list("/") }},
	{Name: "write to a folder by its path", ClosedBy: "namespaces landlock seccomp", Try: func(t Targets) error {
		return open(filepath.Join(t.Dir, "x"), os.O_CREATE|os.O_WRONLY)
	}},
	{Name: "write to the root", ClosedBy: "namespaces landlock seccomp", Unsure: true, Try: func(Targets) error { return open("/x", os.O_CREATE|os.O_WRONLY) }},
	{Name: "make a folder", ClosedBy: "namespaces landlock seccomp", Try: func(t Targets) error { return os.Mkdir(filepath.Join(t.Dir, "y"), 0o700) }},
	{Name: "look whether a file is there", ClosedBy: "namespaces seccomp", Try: func(t Targets) error {
		_, err := os.Stat(t.File)
		return err
	}},
	{Name: "write memory that is a file", ClosedBy: "rlimits seccomp", Try: func(Targets) error {
		fd, err := unix.MemfdCreate("x", 0)
		if err != nil {
			return err
		}
		_, err = unix.Write(fd, []byte("x"))
		return err
	}},
	{Name: "hold a hundred descriptors", ClosedBy: "rlimits", Try: func(Targets) error {
		for range 100 {
			fd, err := unix.EpollCreate1(0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
		}
		return nil
	}},
}

// Powers are ways to more rights, and to the process that started this one.
var Powers = []Attempt{
	{Name: "mount", Fatal: true, Try: func(Targets) error { return unix.Mount("x", "/", "tmpfs", 0, "") }},
	{Name: "make the root writable", Fatal: true, Try: func(Targets) error { return unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND, "") }},
	{Name: "change the root", Fatal: true, Try: func(Targets) error { return unix.Chroot("/") }},
	{Name: "get a network", Fatal: true, Try: func(Targets) error { return unix.Unshare(unix.CLONE_NEWNET) }},
	{Name: "join namespaces", Fatal: true, Try: func(Targets) error { return unix.Setns(0, unix.CLONE_NEWNS) }},
	{Name: "rename the machine", Try: func(Targets) error { return unix.Sethostname([]byte("x")) }},
	{Name: "set the clock", Try: func(Targets) error { return unix.Settimeofday(&unix.Timeval{Sec: 1}) }},
	{Name: "become another user", Try: func(Targets) error { return unix.Setuid(65533) }},
	{Name: "become another group", Try: func(Targets) error { return unix.Setgid(65533) }},
	{Name: "get a capability back", Try: func(Targets) error {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		wanted := [2]unix.CapUserData{{Effective: 1 << unix.CAP_SYS_ADMIN, Permitted: 1 << unix.CAP_SYS_ADMIN}}
		return unix.Capset(&header, &wanted[0])
	}},
	{Name: "raise a limit", Try: func(Targets) error {
		return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1000, Max: 1000})
	}},
	{Name: "limit the service", ClosedBy: "namespaces seccomp", Try: func(t Targets) error {
		return unix.Prlimit(t.Service, unix.RLIMIT_NOFILE, nil, new(unix.Rlimit)) // a look would be enough
	}},
	{Name: "slow the service down", ClosedBy: "namespaces seccomp", Try: func(t Targets) error {
		_, err := unix.Getpriority(unix.PRIO_PROCESS, t.Service)
		return err
	}},
	{Name: "be dumped", Try: func(Targets) error {
		if on, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); on <= 0 {
			return errors.Join(err, errors.New("it is not dumpable"))
		}
		return nil
	}},
	{Name: "find something in its environment", Try: func(Targets) error {
		for _, known := range []string{"OPERATOR_PASS", "PATH", "HOME"} {
			if _, found := os.LookupEnv(known); found {
				return nil
			}
		}
		return errors.New("there is nothing")
	}},
	{Name: "signal the service", ClosedBy: "namespaces landlock seccomp", Try: func(t Targets) error { return unix.Kill(t.Service, unix.SIGCONT) }},
	{Name: "signal the service's thread", ClosedBy: "namespaces landlock seccomp", Try: func(t Targets) error { return unix.Tgkill(t.Service, t.Service, unix.SIGCONT) }},
	{Name: "signal everybody", ClosedBy: "namespaces seccomp", Try: func(Targets) error { return unix.Kill(-1, 0) }},
	{Name: "have the kernel signal the service", ClosedBy: "namespaces seccomp", Try: func(t Targets) error {
		_, err := unix.FcntlInt(0, unix.F_SETOWN, t.Service)
		return err
	}},
	{Name: "trace the service", Fatal: true, Try: func(t Targets) error { return unix.PtraceSeize(t.Service) }},
	{Name: "read the service's memory", Fatal: true, Try: func(t Targets) error {
		here := make([]byte, 8)
		there := []unix.RemoteIovec{{Base: 0x400000, Len: len(here)}}
		_, err := unix.ProcessVMReadv(t.Service, []unix.Iovec{{Base: &here[0], Len: uint64(len(here))}}, there, 0)
		return err
	}},
	{Name: "get hold of the service", ClosedBy: "namespaces seccomp", Fatal: true, Try: func(t Targets) error {
		fd, err := unix.PidfdOpen(t.Service, 0)
		if err == nil {
			err = unix.Close(fd)
		}
		return err
	}},
}

// Network are ways to other machines and to servers of this one.
var Network = append([]Attempt{
	{Name: "connect to the service", ClosedBy: "namespaces landlock seccomp", Fatal: true, Try: func(t Targets) error { return dial("tcp", t.TCP) }},
	{Name: "connect to a socket file", ClosedBy: "namespaces seccomp", Fatal: true, Try: func(t Targets) error { return dial("unix", t.Unix) }},
	{Name: "connect to an abstract socket", ClosedBy: "namespaces landlock seccomp", Fatal: true, Try: func(t Targets) error { return dial("unix", t.Abstract) }},
	{Name: "ask a name server", ClosedBy: "namespaces seccomp", Fatal: true, Try: func(t Targets) error { return resolve(t.UDP) }},
	{Name: "listen", ClosedBy: "landlock seccomp", Fatal: true, Try: func(Targets) error { return listen() }},
	// Landlock does not know multipath TCP.
	{Name: "connect to the service over several paths", ClosedBy: "namespaces seccomp", Fatal: true, Try: func(t Targets) error {
		d := net.Dialer{Timeout: patience}
		d.SetMultipathTCP(true)
		c, err := d.Dial("tcp", t.TCP)
		if err == nil {
			err = c.Close()
		}
		return err
	}},
	{Name: "open a raw socket", Fatal: true, Try: func(Targets) error { return socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP) }},
}, sockets()...)

// patience is how long a server may take to answer.
const patience = 2 * time.Second

// sockets are one attempt for each family that a kernel may know.
func sockets() (all []Attempt) {
	for _, family := range []struct {
		name         string
		number, kind int
	}{
		{"unix", unix.AF_UNIX, unix.SOCK_STREAM}, {"inet", unix.AF_INET, unix.SOCK_STREAM}, {"inet6", unix.AF_INET6, unix.SOCK_DGRAM},
		{"netlink", unix.AF_NETLINK, unix.SOCK_RAW}, {"packet", unix.AF_PACKET, unix.SOCK_RAW}, {"key", unix.AF_KEY, unix.SOCK_RAW},
		{"alg", unix.AF_ALG, unix.SOCK_SEQPACKET}, {"vsock", unix.AF_VSOCK, unix.SOCK_STREAM}, {"bluetooth", unix.AF_BLUETOOTH, unix.SOCK_STREAM},
		{"can", unix.AF_CAN, unix.SOCK_RAW}, {"tipc", unix.AF_TIPC, unix.SOCK_STREAM}, {"rds", unix.AF_RDS, unix.SOCK_SEQPACKET},
		{"smc", unix.AF_SMC, unix.SOCK_STREAM}, {"xdp", unix.AF_XDP, unix.SOCK_RAW},
	} {
		all = append(all, Attempt{Name: "make a socket of the family " + family.name, ClosedBy: "seccomp", Fatal: true, Unsure: true,
			Try: func(Targets) error { return socket(family.number, family.kind, 0) }})
	}
	return append(all, Attempt{Name: "make a pair of sockets", ClosedBy: "seccomp", Fatal: true, Try: func(Targets) error {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err == nil {
			err = errors.Join(unix.Close(pair[0]), unix.Close(pair[1]))
		}
		return err
	}})
}
