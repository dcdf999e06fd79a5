//go:build linux

package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"charmd/internal/pool"
	"charmd/internal/process"
	"charmd/internal/sandbox"
	"charmd/internal/testbin"
	"charmd/internal/wire"
)

// confined makes this binary a service on a machine that allows no namespaces.
// Its value is the program to start workers with.
const confined = "WORKER_TEST_CONFINED"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == takenOver {
		playTakenOver(os.Args[2], os.Args[3:])
	}
	if exe := os.Getenv(confined); exe != "" {
		if err := playConfined(exe); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// playConfined has workers started until two have done something, and prints the
// walls of the last one. Its log goes to stderr.
func playConfined(exe string) error {
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
		return err
	}
	p, err := pool.New(pool.Options{Exe: exe, Workers: 1, RunsPerWorker: 1, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	if err := p.Start(context.Background()); err != nil {
		return err
	}
	for range 2 {
		c, err := p.Compile(context.Background(), wire.CompileRequest{Entry: "a.tsx", Files: map[string]string{"a.tsx": counter("")}})
		if err != nil || len(c.Errors) > 0 {
			return fmt.Errorf("%w, %+v", err, c.Errors)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(p.Sandbox()); err != nil {
		return err
	}
	return p.Close(context.Background())
}

func TestWithoutNamespacesTheOtherWallsStand(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), confined+"="+testbin.Path(t))
	cmd.SysProcAttr = &syscall.SysProcAttr{ // where it may forbid itself to make further ones
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.Output()
	if refused, _ := sandbox.Refused(err); refused {
		return // the machine allows none at all: every other test here is this one
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	got, err := sandbox.Parse(out)
	if err != nil {
		t.Fatal(err)
	}
	want := sandbox.Layer{State: sandbox.Unavailable, Reason: "this machine does not allow them: no space left on device"}
	if got.Namespaces != want || got.Rlimits.State != sandbox.On {
		t.Errorf("%+v", got)
	}
	if n := strings.Count(log.String(), "layer=namespaces"); n != 1 {
		t.Errorf("it was logged %d times:\n%s", n, log.String())
	}
}

// What stands around workers here stands around each run, and is said of it.
func TestEachRunSaysWhichWallsStood(t *testing.T) {
	t.Parallel()
	s := newService(t, pool.Options{Workers: 1})
	s.cast(counter(""))
	_, exit := s.run(wire.ModeEvent, patience)
	if report := s.pool.Sandbox(); exit.Walls != report.Standing() || !strings.Contains(exit.Walls, "rlimits") {
		t.Errorf("the run says %q, the pool %+v", exit.Walls, report)
	}
	s.use(counter(`for (;;) (state as any).x = "y".repeat(1e6).split("");`))
	if _, killed := s.run(wire.ModeEvent, time.Millisecond); killed.Walls != exit.Walls {
		t.Errorf("a run that was killed says %q", killed.Walls)
	}
	for _, l := range s.pool.Sandbox().Layers() {
		if l.State == sandbox.Unavailable && strings.Contains(os.Getenv("CHARMD_REQUIRE"), "sandbox") {
			t.Errorf("%s is down: %s", l.Name, l.Reason)
		}
	}
}

// What Go's runtime needs while code runs for long must be among the system calls
// that a worker keeps: collections, threads that are interrupted, timers, other
// goroutines that compile.
func TestALongRunBehindTheWalls(t *testing.T) {
	t.Parallel()
	s := newService(t, pool.Options{Workers: 1, RunsPerWorker: 3})
	s.cast(counter(""))
	large := strings.Repeat("(() => { const a = { b: 1 }; return a.b; })();\n", 5000) + "export default {};"
	for range 2 { // the second time in a process that has compiled much
		if c, err := s.pool.Compile(context.Background(), wire.CompileRequest{Entry: "large.tsx", Files: map[string]string{"large.tsx": large}}); err != nil || len(c.Errors) > 0 {
			t.Fatalf("%v, %+v", err, c.Errors)
		}
		s.use(counter(`let bytes = 0;
for (let i = 0; i < 200; i++) {
	bytes += btoa("x".repeat(1 << 16)).length + new TextEncoder().encode("é".repeat(1 << 14)).length;
	bytes += new DOMParser().parseFromString("<a>" + "<b/>".repeat(500) + "</a>", "text/xml").querySelectorAll("b").length;
	if (i % 40 === 0) await new Promise((later) => setTimeout(later, 20));
}
if (bytes < 1e7) throw new Error("too few");`))
		if r, exit := s.run(wire.ModeEvent, time.Minute); exit.Kind != pool.Done || len(r.Report.Failures) > 0 || len(r.Changed) == 0 {
			t.Errorf("%+v %+v", exit, r.Report)
		}
	}
}

// With its service, a worker loses its pipe and gets a signal. Each is enough by
// itself, also in the middle of a run that does not look up; here it is the pipe.
func TestFault03_AWorkerInALoopLeavesWithItsPipeAlone(t *testing.T) {
	t.Parallel()
	s := newService(t, pool.Options{Workers: 1})
	s.cast(counter(""))
	s.use(counter(`Array.prototype.indexOf.call({ length: 2 ** 40 }, 1);`))
	cmd := exec.Command(testbin.Path(t), "worker", "-arena", fmt.Sprint(64<<20))
	tasks, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	frames, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	in, out := wire.NewReader(frames, wire.Child), wire.NewWriter(tasks)
	if _, err := in.Next(); err != nil {
		t.Fatal(err)
	}
	task := wire.Task{
		Run: "run", Mode: wire.ModeEvent, Charm: charmID, Process: processID, Space: "did:key:test", Recipe: s.recipe, RecipeFile: "charm.tsx",
		Now: whenItRuns.UnixMilli(), APIURL: "http://toolshed.test", Occasion: "job", Stream: bgUpdater, Event: []byte("{}"), Timeout: time.Minute,
		Documents: []wire.Document{{ID: charmID, Text: []byte(s.stored(charmID))}, {ID: processID, Text: []byte(s.stored(processID))}},
	}
	if err := out.Send(&task); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Next(); err != nil { // it asks for the program, and so has begun
		t.Fatal(err)
	}
	if err := out.Send(&wire.Code{Recipe: s.recipe, Program: s.program.Program}); err != nil {
		t.Fatal(err)
	}
	worker := &process.Daemon{PID: cmd.Process.Pid}
	before, err := worker.CPU()
	if err != nil {
		t.Fatal(err)
	}
	_ = tasks.Close()
	defer time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }).Stop()
	_ = cmd.Wait()
	// What it computes is its time, on a machine that is busy with others too.
	if lived := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() - before; lived > time.Second {
		t.Errorf("it lives %v after its pipe ended", lived)
	}
}
