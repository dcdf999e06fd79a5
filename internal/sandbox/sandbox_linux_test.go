package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// The tests start this binary again as a process of its own, since what Enter
// does cannot be undone. The role is in its environment.
const role = "SANDBOX_TEST_ROLE"

func TestMain(m *testing.M) {
	if play, ok := plays()[os.Getenv(role)]; ok {
		play()
		os.Exit(0)
	}
	code := m.Run()
	if leftover != "" {
		_ = os.RemoveAll(leftover)
	}
	os.Exit(code)
}

// seen is what a process finds behind the walls.
type seen struct {
	Report Report
	Limits map[string]unix.Rlimit
	Write  string // error of writing a file
	Open   int    // descriptors that could be opened
}

// plays are the roles of this binary.
func plays() map[string]func() {
	all := maps.Clone(roles)
	all["launch"], all["escape"] = launch, escapes
	return all
}

var roles = map[string]func(){
	"look": func() {
		s := seen{Report: enclose(Limits{ArenaBytes: 64 << 20}, "not asked for"), Limits: map[string]unix.Rlimit{}}
		for name, r := range map[string]int{"data": unix.RLIMIT_DATA, "core": unix.RLIMIT_CORE, "files": unix.RLIMIT_NOFILE} {
			var l unix.Rlimit
			_ = unix.Getrlimit(r, &l)
			s.Limits[name] = l
		}
		if err := os.WriteFile(os.Getenv("SANDBOX_TEST_FILE"), []byte("x"), 0o600); err != nil {
			s.Write = err.Error()
		}
		for s.Open < 100 {
			if _, err := unix.EpollCreate1(0); err != nil {
				break
			}
			s.Open++
		}
		_ = json.NewEncoder(os.Stdout).Encode(s)
	},
	"threads": func() {
		Enter(Limits{ArenaBytes: 64 << 20}, Own)
		var ready sync.WaitGroup
		for range 1000 {
			ready.Add(1)
			go func() {
				runtime.LockOSThread()
				ready.Done()
				select {}
			}()
		}
		ready.Wait()
	},
	"hog": func() {
		Enter(Limits{ArenaBytes: 64 << 20}, "not asked for")
		var kept [][]byte
		for len(kept) < 1024 {
			kept = append(kept, make([]byte, 1<<20))
		}
	},
	"descriptors": func() {
		links, _ := filepath.Glob("/proc/self/fd/*")
		for _, l := range links {
			if to, err := os.Readlink(l); err == nil && strings.Contains(to, "inherited") {
				os.Stdout.WriteString(to)
			}
		}
	},
	"seal": func() {
		if err := SealDescriptors(); err != nil {
			os.Stdout.WriteString(err.Error())
		}
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = []string{role + "=descriptors"}
		cmd.Stdout = os.Stdout
		_ = cmd.Run()
	},
}

// withRaceDetector is set by a file that only the race detector's build has.
var withRaceDetector bool

// plain is this test binary without the race detector, whose own memory does not
// fit a worker's limits. Without the detector it is the binary itself, which has C
// code in it where there is a C compiler: threads are found in another way then,
// and both ways are to work.
var plain = sync.OnceValues(func() (string, error) {
	if !withRaceDetector {
		return "/proc/self/exe", nil
	}
	return pure()
})

// pure is this test binary without C code and race detector, as charmd is shipped.
var pure = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sandbox-test")
	if err != nil {
		return "", err
	}
	leftover = dir
	path := filepath.Join(dir, "pure.test")
	build := exec.Command("go", "test", "-race=false", "-c", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, os.Chmod(dir, 0o755) // other users start it too
})

// leftover is the folder to remove after the last test.
var leftover string

// played is the output of this binary in a role.
func played(t *testing.T, name string, extra ...*os.File) (string, error) {
	t.Helper()
	exe, err := plain()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = []string{role + "=" + name, "SANDBOX_TEST_FILE=" + filepath.Join(t.TempDir(), "f")}
	cmd.ExtraFiles = extra
	out, err := cmd.Output()
	return string(out), err
}

func TestEnterLimitsTheProcess(t *testing.T) {
	t.Parallel()
	out, err := played(t, "look")
	if err != nil {
		t.Fatal(err)
	}
	var s seen
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatal(err)
	}
	if s.Report.Rlimits.State != On {
		t.Errorf("report %+v", s.Report)
	}
	for name, max := range map[string]uint64{"data": Limits{64 << 20}.DataBytes(), "core": 0, "files": maxDescriptors} {
		if got := s.Limits[name]; got.Cur != max || got.Max != max {
			t.Errorf("limit of %s is %+v, want %d", name, got, max)
		}
	}
	if s.Write == "" {
		t.Error("a file can be written")
	}
	if s.Open >= maxDescriptors {
		t.Errorf("%d files can be opened", s.Open)
	}
	if want := (Layer{Unavailable, "not asked for"}); s.Report.Namespaces != want {
		t.Errorf("namespaces %+v", s.Report.Namespaces)
	}
}

// Where the operator allows less than we do, that stays, and the other limits are set.
func TestLowerLimitsStay(t *testing.T) {
	t.Parallel()
	exe, err := pure()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", "ulimit -n 12; exec "+exe)
	cmd.Env = []string{role + "=look", "SANDBOX_TEST_FILE=" + filepath.Join(t.TempDir(), "f")}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var s seen
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatal(err)
	}
	if l := s.Limits["files"]; s.Report.Rlimits.State != On || l.Max != 12 || s.Limits["data"].Max != (Limits{64 << 20}).DataBytes() {
		t.Errorf("the limits are %+v, the report %+v", s.Limits, s.Report.Rlimits)
	}
}

func TestAHogDiesOfItsOwnLimit(t *testing.T) {
	t.Parallel()
	if _, err := played(t, "hog"); err == nil {
		t.Error("1 GiB was allocated")
	}
}

// Also one that root started.
func TestAThreadBombDiesOfItsOwnLimit(t *testing.T) {
	t.Parallel()
	exe, err := pure()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = []string{role + "=threads"}
	cmd.SysProcAttr = Attributes(true, Users()[0])
	out, err := cmd.CombinedOutput()
	if refused, _ := Refused(err); refused && !required() {
		return // threads are counted for the user as a whole
	}
	if err == nil || !strings.Contains(string(out), "failed to create new OS thread") {
		t.Errorf("a thousand threads: %v %.500s", err, out)
	}
}

func TestInheritedDescriptorsAreNotPassedOn(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "inherited"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if out, err := played(t, "descriptors", f); err != nil || !strings.Contains(out, "inherited") {
		t.Fatalf("the descriptor is not there to begin with: %q, %v", out, err)
	}
	if out, err := played(t, "seal", f); err != nil || out != "" {
		t.Errorf("passed on: %q, %v", out, err)
	}
}

// What others have used up may be free again when the next worker starts.
func TestWhichRefusalsLast(t *testing.T) {
	t.Parallel()
	for e, want := range map[error][2]bool{
		unix.EPERM: {true, true}, unix.EACCES: {true, true}, unix.EINVAL: {true, true}, unix.ENOSYS: {true, true},
		unix.ENOSPC: {true, false}, unix.EUSERS: {true, false},
		unix.EAGAIN: {}, unix.ENOMEM: {}, nil: {},
	} {
		err := e
		if e != nil {
			err = &os.PathError{Op: "fork/exec", Path: "/proc/self/exe", Err: e}
		}
		if refused, lasting := Refused(err); refused != want[0] || lasting != want[1] {
			t.Errorf("%v: refused %v, lasting %v", e, refused, lasting)
		}
	}
}
