package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"charmd/internal/sandbox/escape"
)

const (
	targetsVariable  = "SANDBOX_TEST_TARGETS"
	launchVariable   = "SANDBOX_TEST_LAUNCH"
	filteredVariable = "SANDBOX_TEST_FILTERED" // not empty: with the filter of system calls
	onlyVariable     = "SANDBOX_TEST_ONLY"     // name of the one attempt to make
)

// found is what a process behind the walls says of itself, and what is seen of it.
type found struct {
	Report  Report
	Errors  map[string]string // of the attempts, by name; "" for one that led somewhere
	Threads string            `json:",omitempty"` // the status of all of them, as the kernel shows it
}

// escapes is the role of the process behind the walls.
func escapes() {
	var t escape.Targets
	if err := json.Unmarshal([]byte(os.Getenv(targetsVariable)), &t); err != nil {
		panic(err)
	}
	only, filtered := os.Getenv(onlyVariable), os.Getenv(filteredVariable) != ""
	raise := enclose
	if filtered {
		raise = Enter
	}
	f := found{Report: raise(Limits{ArenaBytes: 64 << 20}, os.Getenv(launchVariable)), Errors: map[string]string{}}
	for _, a := range escape.Attempts() {
		if only != "" && a.Name != only || only == "" && filtered && a.Fatal {
			continue
		}
		f.Errors[a.Name] = ""
		if err := a.Try(t); err != nil {
			f.Errors[a.Name] = err.Error()
		}
	}
	_ = json.NewEncoder(os.Stdout).Encode(f)
	_ = os.Stdout.Close()
	_, _ = os.Stdin.Read(make([]byte, 1)) // until it has been looked at from outside
}

// launch is the role of a service: it starts processes behind the walls as the
// pool does, without the filter of system calls and with it, and says what was
// found.
func launch() {
	if os.Getenv(launchVariable) == "refused" {
		if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
			panic(err)
		}
	}
	var t escape.Targets
	if err := json.Unmarshal([]byte(os.Getenv(targetsVariable)), &t); err != nil {
		panic(err)
	}
	t.Service = os.Getpid()
	plain, filtered := launched(t, "", ""), launched(t, "yes", "")
	for _, a := range escape.Attempts() {
		if a.Fatal && filtered.Report.Seccomp.State == On {
			filtered.Errors[a.Name] = launched(t, "yes", a.Name).Errors[a.Name]
		}
	}
	_ = json.NewEncoder(os.Stdout).Encode([]found{plain, filtered})
}

// launched is what one process behind the walls found.
func launched(t escape.Targets, filtered, only string) (f found) {
	told, _ := json.Marshal(t)
	try := func(namespaces string) error {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = []string{role + "=escape", targetsVariable + "=" + string(told), launchVariable + "=" + namespaces, filteredVariable + "=" + filtered, onlyVariable + "=" + only}
		cmd.SysProcAttr = Attributes(namespaces == Own, Users()[0])
		cmd.Stderr = os.Stderr
		stdin, _ := cmd.StdinPipe()
		stdout, _ := cmd.StdoutPipe()
		if err := cmd.Start(); err != nil {
			return err
		}
		said, _ := io.ReadAll(stdout)
		f = found{Errors: map[string]string{}}
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", cmd.Process.Pid))
		for _, name := range tasks {
			status, _ := os.ReadFile(name)
			f.Threads += string(status)
		}
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			f.Errors[only] = err.Error()
			return nil
		}
		return json.Unmarshal(said, &f)
	}
	err := try(Own)
	if refused, _ := Refused(err); refused {
		err = try("refused: " + err.Error())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return f
}

// setTargets serves what the attempts aim at.
func setTargets(t *testing.T) escape.Targets {
	t.Helper()
	// Not t.TempDir: an ordinary user of the machine must be able to get there.
	dir, err := os.MkdirTemp("", "sandbox-escape")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	to := escape.Targets{File: filepath.Join(dir, "charmd.db"), Dir: filepath.Join(dir, "open"), Unix: filepath.Join(dir, "socket")}
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
	for _, a := range escape.Attempts() {
		// What is always taken away belongs to the kernel, or would change this process.
		if a.ClosedBy == "" || a.Unsure {
			continue
		}
		if err := a.Try(to); err != nil {
			t.Errorf("%s: %v", a.Name, err)
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
				var f []found
				if err := json.Unmarshal(out, &f); err != nil || len(f) != 2 {
					t.Fatalf("%v: %s%s", err, out, stderr.String())
				}
				for i, filtered := range []bool{false, true} {
					judgeThreads(t, f[i])
					judgeEscapes(t, f[i], as.launch == "refused", filtered)
				}
			})
		}
	}
}

// judgeEscapes compares what was possible with what the report claims.
func judgeEscapes(t *testing.T, f found, refused, filtered bool) {
	t.Helper()
	standing := strings.Fields(f.Report.Standing())
	for _, l := range f.Report.raised() {
		expected := (filtered || l.Name != "seccomp") && !(refused && l.Name == "namespaces")
		switch {
		case l.State != On && l.Reason == "":
			t.Errorf("%s is %s and no reason is given", l.Name, l.State)
		case l.State != On && expected && required():
			t.Errorf("%s is %s: %s", l.Name, l.State, l.Reason)
		case l.State == On && !expected:
			t.Errorf("%s is said to stand", l.Name)
		}
		if l.Reason != "" { // it stands in part, so it is not held to all
			standing = slices.DeleteFunc(standing, func(name string) bool { return name == l.Name })
		}
	}
	stands := func(l string) bool { return slices.Contains(standing, l) }
	for _, a := range escape.Attempts() {
		closed := a.ClosedBy == "" || slices.ContainsFunc(strings.Fields(a.ClosedBy), stands)
		why, tried := f.Errors[a.Name]
		switch {
		case !tried || closed && why == "":
			t.Errorf("it could %s, although these stand: %s", a.Name, standing)
		case a.Fatal && stands("seccomp") && why != "signal: bad system call":
			t.Errorf("it tried to %s and lives: %s", a.Name, why)
		default:
			t.Logf("%s: %s", a.Name, why)
		}
	}
}

// required tells whether all walls must stand on this machine.
func required() bool { return strings.Contains(os.Getenv("CHARMD_REQUIRE"), "sandbox") }

// judgeThreads looks at all threads: what is per thread must have been done to each
// of them.
func judgeThreads(t *testing.T, f found) {
	t.Helper()
	want := map[string]string{"NoNewPrivs": "1", "CapEff": none, "CapPrm": none, "CapInh": none, "CapAmb": none}
	if f.Report.Seccomp.State == On {
		want["Seccomp"] = "2"
	}
	threads := 0
	for line := range strings.Lines(f.Threads) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		if name == "Pid" {
			threads++
		}
		if w, judged := want[name]; judged && value != w {
			t.Errorf("thread %d has %s %s, want %s", threads, name, value, w)
		}
	}
	if threads < 2 {
		t.Errorf("%d threads were looked at", threads)
	}
}

// none is how the kernel shows that there are no capabilities.
const none = "0000000000000000"
