package cgroup

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// limits are what the tests give to a worker.
var limits = Limits{MemoryBytes: 48 << 20, Threads: 40}

// folderOf makes a folder with files in it, as the kernel would show a cgroup.
func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// shown is all files below a folder.
func shown(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestACgroupThatCannotBeDivided(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, why string
		files     map[string]string
	}{
		{"not one", "the service's cgroup cannot be read: no such file or directory", nil},
		{"no controllers", "the service's cgroup is not given the controller memory", map[string]string{"cgroup.controllers": "\n"}},
		{"memory missing", "the service's cgroup is not given the controller memory", map[string]string{"cgroup.controllers": "cpu io pids\n"}},
		{"threads missing", "the service's cgroup is not given the controller pids", map[string]string{"cgroup.controllers": "cpu memory\n"}},
		{"nothing can be made in it", "the service's cgroup may not be divided by it: not a directory", map[string]string{
			"cgroup.controllers": "memory pids\n", "charmd": "",
		}},
		{"it does not let go", "the service may not move to a cgroup of its own: is a directory", map[string]string{
			"cgroup.controllers": "memory pids\n", "charmd/daemon/cgroup.procs/x": "",
		}},
		{"it does not hand them on", "the service's cgroup may not be divided by it: is a directory", map[string]string{
			"cgroup.controllers": "cpu memory pids\n", "cgroup.subtree_control/x": "",
		}},
	} {
		if tree, err := Divide(folderOf(t, c.files)); tree != nil || fmt.Sprint(err) != c.why {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// What was begun and could not be brought to its end is undone.
func TestTheServiceGoesBackWhereItWas(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{"cgroup.controllers": "memory pids\n", "cgroup.subtree_control/x": ""})
	if _, err := Divide(dir); err == nil {
		t.Fatal("it was divided")
	}
	if now := shown(t, dir)["cgroup.procs"]; now != "0" {
		t.Errorf("its processes are %q", now)
	}
}

// Controllers that were handed on are taken back, since no process can be where they are
// handed on from; those that the cgroups below had before stay.
func TestControllersAreTakenBack(t *testing.T) {
	t.Parallel()
	for offered, c := range map[string]struct{ before, after string }{
		"memory pids\n":     {"", "-memory -pids"},
		"cpu memory pids\n": {"", "-memory -pids -cpu"},
		"cpu pids memory\n": {"memory cpu\n", "-pids"},
	} {
		dir := folderOf(t, map[string]string{
			"cgroup.controllers": offered, "cgroup.subtree_control": c.before, "charmd/cgroup.subtree_control/x": "",
		})
		if _, err := Divide(dir); err == nil {
			t.Fatal("it was divided")
		}
		if files := shown(t, dir); files["cgroup.subtree_control"] != c.after || files["cgroup.procs"] != "0" {
			t.Errorf("of %q are left %q, the processes are %q", offered, files["cgroup.subtree_control"], files["cgroup.procs"])
		}
	}
}

func TestWhatIsWrittenForAWorker(t *testing.T) {
	t.Parallel()
	for _, offered := range []struct{ controllers, handed string }{
		{"cpuset cpu io memory pids\n", "+memory +pids +cpu"}, {"memory pids\n", "+memory +pids"},
	} {
		dir := folderOf(t, map[string]string{
			"cgroup.controllers":                             offered.controllers,
			"charmd/worker-2147483647-1/a":                   "of a service that is gone",
			"charmd/worker-1-1/a":                            "of one that is not",
			"charmd/worker-x/a":                              "of something else",
			fmt.Sprintf("charmd/worker-%d-9/a", os.Getpid()): "of one that had our number",
		})
		tree, err := Divide(dir)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := tree.Leaf(limits)
		if err != nil {
			t.Fatal(err)
		}
		ours := fmt.Sprintf("charmd/worker-%d-", os.Getpid())
		want := map[string]string{
			"cgroup.controllers": offered.controllers, "cgroup.subtree_control": offered.handed,
			"charmd/cgroup.subtree_control": offered.handed, "charmd/daemon/cgroup.procs": "0",
			ours + "1/memory.max": "50331648", ours + "1/memory.oom.group": "1", ours + "1/memory.swap.max": "0",
			ours + "1/pids.max": "40", ours + "1/cpu.weight": "20",
			"charmd/worker-2147483647-1/a": "of a service that is gone", "charmd/worker-2147483647-1/cgroup.kill": "1",
			"charmd/worker-1-1/a": "of one that is not", "charmd/worker-x/a": "of something else",
			ours + "9/a": "of one that had our number", ours + "9/cgroup.kill": "1",
		}
		if diff := cmp.Diff(want, shown(t, dir)); diff != "" {
			t.Errorf("%s%s", offered.controllers, diff)
		}
		var a syscall.SysProcAttr
		if leaf.Hold(&a); !a.UseCgroupFD || a.CgroupFD != int(leaf.at.Fd()) {
			t.Errorf("a process is started with %+v", a)
		}
		for events, killed := range map[string]bool{
			"": false, "low 0\nhigh 0\nmax 7\noom 3\noom_kill 0\noom_group_kill 0\n": false, "max 7\noom_kill 2\n": true,
		} {
			if err := set(leaf.dir, "memory.events", events); err != nil {
				t.Fatal(err)
			}
			if leaf.Killed() != killed {
				t.Errorf("%q: killed %v", events, !killed)
			}
		}
		if next, err := tree.Leaf(limits); err != nil || next.dir == leaf.dir {
			t.Errorf("the next worker gets %+v, %v", next, err)
		}
	}
}

// The test below starts this binary again: as a service that takes its cgroup
// apart, which starts it as a worker.
const role = "CGROUP_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "service":
		fmt.Print(serve())
	case "hog":
		var kept [][]byte
		for len(kept) < 1024 {
			page := make([]byte, 1<<20)
			for i := range page {
				page[i] = 1
			}
			kept = append(kept, page)
		}
	case "threads":
		fmt.Print(strings.TrimSpace(read("/proc/self/cgroup")))
	default:
		os.Exit(m.Run())
	}
}

// serve starts a worker that ends by itself and one that takes too much, in leaves,
// and says how each ended.
func serve() (said string) {
	tree, err := Open()
	if err != nil {
		return err.Error()
	}
	for _, worker := range []string{"threads", "hog"} {
		leaf, err := tree.Leaf(limits)
		if err != nil {
			return err.Error()
		}
		cmd := exec.Command("/proc/self/exe")
		cmd.Env, cmd.SysProcAttr = []string{role + "=" + worker}, new(syscall.SysProcAttr)
		leaf.Hold(cmd.SysProcAttr)
		out, err := cmd.Output()
		in := strings.HasSuffix(string(out), filepath.Base(leaf.dir))
		killed := leaf.Killed()
		leaf.Remove()
		_, gone := os.Stat(leaf.dir)
		said += fmt.Sprintf("%s: in its leaf %v, ended %v, killed for memory %v, leaf left %v\n", worker, in, err, killed, gone == nil)
	}
	return said
}

func read(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

// The kernel itself, where a cgroup with memory and pids can be made for a service:
// by root, or below a unit's with Delegate=yes.
func TestFault05_TheKernelHoldsAWorkerToItsCgroup(t *testing.T) {
	t.Parallel()
	dir, why := made(t)
	if why != nil && strings.Contains(os.Getenv("CHARMD_REQUIRE"), "cgroup") {
		t.Fatalf("CHARMD_REQUIRE names cgroup, and none can be made for a service here: %v", why)
	}
	if why != nil {
		t.Skipf("no cgroup can be made for a service here: %v", why)
	}
	at, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{role + "=service"}
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(at.Fd())}
	out, err := cmd.CombinedOutput()
	want := "threads: in its leaf true, ended <nil>, killed for memory false, leaf left false\n" +
		"hog: in its leaf false, ended signal: killed, killed for memory true, leaf left false\n"
	if err != nil || string(out) != want {
		t.Errorf("%v: %s", err, out)
	}
}

// made is a cgroup that is given memory and pids, or why there is none.
func made(t *testing.T) (string, error) {
	t.Helper()
	own, err := place(read("/proc/self/cgroup"), read("/proc/self/mountinfo"))
	if err != nil {
		return "", err
	}
	dir := filepath.Join(own, fmt.Sprintf("charmd-test-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	t.Cleanup(func() {
		for _, d := range []string{"charmd/daemon", "charmd", ""} {
			_ = os.Remove(filepath.Join(dir, d))
		}
	})
	if offered, err := words(dir, "cgroup.controllers"); err != nil || len(offered) == 0 {
		return "", Reason("no controllers are given to cgroups below this one")
	} else if !strings.Contains(strings.Join(offered, " "), "memory") || !strings.Contains(strings.Join(offered, " "), "pids") {
		return "", Reason("memory or pids is not given to cgroups below this one")
	}
	return dir, nil
}
