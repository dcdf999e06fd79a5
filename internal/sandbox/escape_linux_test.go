package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// targets is what the process behind the walls tries to get at. All of it is
// within the reach of a process without walls, as TestTheTargetsCanBeHit shows.
type targets struct {
	File     string // somebody's data
	Dir      string // that anybody may write to
	TCP, UDP string
	Unix     string
	Abstract string
	Service  int // the process that started it, which is of the same user
}

const (
	targetsVariable = "SANDBOX_TEST_TARGETS"
	launchVariable  = "SANDBOX_TEST_LAUNCH"
)

// attempt is one way out. err is nil when it led somewhere.
type attempt struct {
	name     string
	closedBy string // each of these layers closes it alone; "" what is always taken away
	try      func(targets) error
}

var attempts = []attempt{
	{"read /etc/passwd", "namespaces landlock", func(targets) error { return read("/etc/passwd") }},
	{"read a file by its path", "namespaces landlock", func(t targets) error { return read(t.File) }},
	{"read its own program", "namespaces landlock", func(targets) error { return read("/proc/self/exe") }},
	{"read the service's environment", "namespaces landlock", func(t targets) error { return read(fmt.Sprintf("/proc/%d/environ", t.Service)) }},
	{"open the service's memory", "namespaces landlock", func(t targets) error { return open(fmt.Sprintf("/proc/%d/mem", t.Service), os.O_RDWR) }},
	{"open /dev/null", "namespaces landlock", func(targets) error { return open("/dev/null", os.O_WRONLY) }},
	{"list processes", "namespaces landlock", func(targets) error { return list("/proc") }},
	{"list the root", "landlock", func(targets) error { return list("/") }},
	{"write to a folder by its path", "namespaces landlock", func(t targets) error { return open(filepath.Join(t.Dir, "x"), os.O_CREATE|os.O_WRONLY) }},
	{"write to the root", "namespaces landlock", func(targets) error { return open("/x", os.O_CREATE|os.O_WRONLY) }},
	{"make a folder", "namespaces landlock", func(t targets) error { return os.Mkdir(filepath.Join(t.Dir, "y"), 0o700) }},
	{"write memory that is a file", "rlimits", func(targets) error {
		fd, err := unix.MemfdCreate("x", 0)
		if err != nil {
			return err
		}
		_, err = unix.Write(fd, []byte("x"))
		return err
	}},
	{"connect to the service", "namespaces landlock", func(t targets) error { return dial("tcp", t.TCP) }},
	{"connect to a socket file", "namespaces", func(t targets) error { return dial("unix", t.Unix) }},
	{"connect to an abstract socket", "namespaces landlock", func(t targets) error { return dial("unix", t.Abstract) }},
	{"ask a name server", "namespaces", func(t targets) error {
		r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "udp", t.UDP)
		}}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_, err := r.LookupHost(ctx, "secret.example.org")
		var answer *net.DNSError
		if errors.As(err, &answer) && answer.IsNotFound {
			return nil // the name server got the question and answered
		}
		return err
	}},
	{"listen", "landlock", func(targets) error {
		c := net.ListenConfig{}
		c.SetMultipathTCP(false)
		l, err := c.Listen(context.Background(), "tcp4", "0.0.0.0:0")
		if err == nil {
			err = l.Close()
		}
		return err
	}},
	// Landlock does not know multipath TCP.
	{"connect to the service over several paths", "namespaces", func(t targets) error {
		d := net.Dialer{Timeout: 2 * time.Second}
		d.SetMultipathTCP(true)
		c, err := d.Dial("tcp", t.TCP)
		if err == nil {
			err = c.Close()
		}
		return err
	}},
	{"open a raw socket", "", func(targets) error {
		_, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
		return err
	}},
	{"run a shell", "namespaces landlock", func(targets) error { return start("/bin/sh", 0) }},
	{"run its own program", "namespaces landlock", func(targets) error { return start("/proc/self/exe", 0) }},
	{"mount", "", func(targets) error { return unix.Mount("x", "/", "tmpfs", 0, "") }},
	{"make the root writable", "", func(targets) error { return unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND, "") }},
	{"change the root", "", func(targets) error { return unix.Chroot("/") }},
	{"make namespaces", "namespaces", func(targets) error {
		if err := start("/bin/sh", unix.CLONE_NEWUSER); errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EPERM) {
			return err
		}
		return nil // they were made, whatever became of the program
	}},
	{"signal the service", "namespaces landlock", func(t targets) error { return unix.Kill(t.Service, unix.SIGCONT) }},
	{"trace the service", "", func(t targets) error { return unix.PtraceSeize(t.Service) }},
	{"become another user", "", func(targets) error { return syscall.Setuid(65533) }},
	{"become another group", "", func(targets) error { return syscall.Setgid(65533) }},
	{"get a capability back", "", func(targets) error {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		wanted := [2]unix.CapUserData{{Effective: 1 << unix.CAP_SYS_ADMIN, Permitted: 1 << unix.CAP_SYS_ADMIN}}
		return unix.Capset(&header, &wanted[0])
	}},
	{"raise a limit", "", func(targets) error {
		return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1000, Max: 1000})
	}},
	{"be dumped", "", func(targets) error {
		if on, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); on == 0 {
			return errors.Join(err, errors.New("it is not dumpable"))
		}
		return nil
	}},
}

func read(path string) error {
	_, err := os.ReadFile(path)
	return err
}

func open(path string, flag int) error {
	f, err := os.OpenFile(path, flag, 0o600)
	if err == nil {
		err = f.Close()
	}
	return err
}

// start starts a program that ends at once, its input being empty.
func start(path string, namespaces uintptr) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	_ = w.Close()
	defer r.Close()
	p, err := os.StartProcess(path, []string{path}, &os.ProcAttr{
		Files: []*os.File{r}, Env: []string{role + "=none"}, Sys: &syscall.SysProcAttr{Cloneflags: namespaces},
	})
	if err == nil {
		_, err = p.Wait()
	}
	return err
}

func list(path string) error {
	_, err := os.ReadDir(path)
	return err
}

func dial(network, address string) error {
	c, err := net.DialTimeout(network, address, 2*time.Second)
	if err == nil {
		err = c.Close()
	}
	return err
}

// found is what a process behind the walls says of itself.
type found struct {
	Report Report
	Errors map[string]string // of the attempts, by name; "" for one that led somewhere
}

// escape is the role of the process behind the walls.
func escape() {
	var t targets
	if err := json.Unmarshal([]byte(os.Getenv(targetsVariable)), &t); err != nil {
		panic(err)
	}
	f := found{Report: Enter(Limits{ArenaBytes: 64 << 20}, os.Getenv(launchVariable)), Errors: map[string]string{}}
	for _, a := range attempts {
		f.Errors[a.name] = ""
		if err := a.try(t); err != nil {
			f.Errors[a.name] = err.Error()
		}
	}
	_ = json.NewEncoder(os.Stdout).Encode(f)
	_ = os.Stdout.Close()
	_, _ = os.Stdin.Read(make([]byte, 1)) // until it has been looked at from outside
}

// launch is the role of a service: it starts the process behind the walls as the
// pool does, says what its threads look like from outside, and what it said.
func launch() {
	if os.Getenv(launchVariable) == "refused" {
		if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
			panic(err)
		}
	}
	var t targets
	if err := json.Unmarshal([]byte(os.Getenv(targetsVariable)), &t); err != nil {
		panic(err)
	}
	t.Service = os.Getpid()
	told, _ := json.Marshal(t)
	enclose := func(namespaces string) (*bytes.Buffer, error) {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = []string{role + "=escape", targetsVariable + "=" + string(told), launchVariable + "=" + namespaces}
		cmd.SysProcAttr = Attributes(namespaces == Own)
		cmd.Stderr = os.Stderr
		stdin, _ := cmd.StdinPipe()
		stdout, _ := cmd.StdoutPipe()
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		var said bytes.Buffer
		_, _ = said.ReadFrom(stdout)
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", cmd.Process.Pid))
		for _, name := range tasks {
			status, _ := os.ReadFile(name)
			fmt.Fprintf(os.Stdout, "%s", status)
		}
		_ = stdin.Close()
		return &said, cmd.Wait()
	}
	said, err := enclose(Own)
	if refused, _ := Refused(err); refused {
		said, err = enclose("refused: " + err.Error())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("\n%s", said)
}

// setTargets serves what the attempts aim at.
func setTargets(t *testing.T) targets {
	t.Helper()
	// Not t.TempDir: an ordinary user of the machine must be able to get there.
	dir, err := os.MkdirTemp("", "sandbox-escape")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	to := targets{File: filepath.Join(dir, "charmd.db"), Dir: filepath.Join(dir, "open"), Unix: filepath.Join(dir, "socket")}
	to.Abstract = "@" + to.Unix
	for _, err := range []error{
		os.Chmod(dir, 0o755), os.WriteFile(to.File, []byte("secret"), 0o644), os.Mkdir(to.Dir, 0o700), os.Chmod(to.Dir, 0o777),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	listen := func(network, address string) net.Listener {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	to.TCP = listen("tcp", "127.0.0.1:0").Addr().String()
	listen("unix", to.Unix)
	listen("unix", to.Abstract)
	if err := os.Chmod(to.Unix, 0o777); err != nil {
		t.Fatal(err)
	}
	names, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = names.Close() })
	to.UDP = names.LocalAddr().String()
	go func() {
		question := make([]byte, 512)
		for {
			n, from, err := names.ReadFrom(question)
			if err != nil {
				return
			}
			if n > 3 { // it is answered with "no such name"
				question[2], question[3] = 0x81, 0x83
				_, _ = names.WriteTo(question[:n], from)
			}
		}
	}()
	return to
}

func TestTheTargetsCanBeHit(t *testing.T) {
	t.Parallel()
	to := setTargets(t)
	to.Service = os.Getpid()
	for _, a := range attempts {
		// The others belong to the kernel, or would change this process.
		if a.closedBy == "" || slices.Contains([]string{"write to the root", "make namespaces"}, a.name) {
			continue
		}
		if err := a.try(to); err != nil {
			t.Errorf("%s: %v", a.name, err)
		}
	}
}

func TestNothingEscapes(t *testing.T) {
	t.Parallel()
	lonely := &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	for _, build := range []struct {
		name string
		path func() (string, error)
	}{{"as built for this test", plain}, {"as shipped", pure}} {
		for _, as := range []struct {
			name   string
			attr   *syscall.SysProcAttr
			launch string
			root   bool
		}{
			{"as the user of this test", nil, "", false},
			{"as an ordinary user", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}, "", true},
			{"without namespaces", lonely, "refused", false},
		} {
			if as.root && os.Geteuid() != 0 {
				continue // the user of this test is an ordinary one
			}
			t.Run(build.name+" "+as.name, func(t *testing.T) {
				t.Parallel()
				exe, err := build.path()
				if err != nil {
					t.Fatal(err)
				}
				to, _ := json.Marshal(setTargets(t))
				cmd := exec.Command(exe)
				cmd.Env = []string{role + "=launch", targetsVariable + "=" + string(to), launchVariable + "=" + as.launch}
				cmd.SysProcAttr, cmd.Dir = as.attr, "/"
				var stderr strings.Builder
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				if errors.Is(err, unix.EPERM) && as.launch == "refused" {
					return // no namespaces here at all: the first case was this one
				}
				if err != nil {
					t.Fatalf("%v: %s", err, stderr.String())
				}
				threads, said, _ := strings.Cut(string(out), "\n\n")
				judgeThreads(t, threads)
				var f found
				if err := json.Unmarshal([]byte(said), &f); err != nil {
					t.Fatalf("%v: %s%s", err, out, stderr.String())
				}
				judgeEscapes(t, f, as.launch == "refused")
			})
		}
	}
}

// judgeEscapes compares what was possible with what the report claims.
func judgeEscapes(t *testing.T, f found, refused bool) {
	t.Helper()
	standing := strings.Fields(f.Report.Standing())
	for _, l := range f.Report.Layers() {
		expected := l.Name != "seccomp" && !(refused && l.Name == "namespaces")
		switch {
		case l.State != On && l.Reason == "":
			t.Errorf("%s is %s and no reason is given", l.Name, l.State)
		case l.State != On && expected && os.Getenv("CI") == "true":
			t.Errorf("%s is %s: %s", l.Name, l.State, l.Reason)
		case l.State == On && !expected:
			t.Errorf("%s is said to stand", l.Name)
		}
		if l.Reason != "" { // it stands in part, so it is not held to all
			standing = slices.DeleteFunc(standing, func(name string) bool { return name == l.Name })
		}
	}
	for _, a := range attempts {
		closed := a.closedBy == "" || slices.ContainsFunc(strings.Fields(a.closedBy), func(l string) bool { return slices.Contains(standing, l) })
		if why, tried := f.Errors[a.name]; !tried || closed && why == "" {
			t.Errorf("it could %s, although these stand: %s", a.name, standing)
		} else {
			t.Logf("%s: %s", a.name, why)
		}
	}
}

// judgeThreads looks at the status of all threads, as the kernel shows it: what is
// per thread must have been done to each of them.
func judgeThreads(t *testing.T, status string) {
	t.Helper()
	threads := 0
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		switch name {
		case "Pid":
			threads++
		case "NoNewPrivs":
			if value != "1" {
				t.Errorf("thread %d may gain privileges", threads)
			}
		case "CapEff", "CapPrm", "CapInh", "CapAmb":
			if n, err := strconv.ParseUint(value, 16, 64); err != nil || n != 0 {
				t.Errorf("thread %d has %s %s", threads, name, value)
			}
		}
	}
	if threads < 2 {
		t.Errorf("%d threads were looked at", threads)
	}
}
