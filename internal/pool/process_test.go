package pool

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/sandbox"
	"charmd/internal/wire"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// whenDead returns a channel that is closed when a process, of whoever, is dead.
func whenDead(t *testing.T, pid int) <-chan struct{} {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatalf("process %d: %v", pid, err)
	}
	dead := make(chan struct{})
	go func() {
		defer unix.Close(fd)
		for {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
			if n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
				close(dead)
				return
			}
		}
	}()
	return dead
}

func within(t *testing.T, limit time.Duration, what string, happened <-chan struct{}) {
	t.Helper()
	select {
	case <-happened:
	case <-time.After(limit):
		t.Errorf("%s: not within %s", what, limit)
	}
}

// killer is a host whose documents come from a worker that was just killed.
func killer(p *Pool, run string) *fakeHost {
	return &fakeHost{documents: func(_ context.Context, ids []string) ([]wire.Document, error) {
		for _, s := range p.Status() {
			if s.Task == run {
				_ = syscall.Kill(s.PID, syscall.SIGKILL)
			}
		}
		return []wire.Document{{ID: ids[0]}}, nil
	}}
}

func TestFault2WorkerKilledInTheMiddleOfARun(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 2})
	sibling := make(chan Exit, 1)
	release := make(chan struct{})
	go func() {
		_, e := p.Run(t.Context(), script("need a"), 20*time.Second, &fakeHost{
			documents: func(context.Context, []string) ([]wire.Document, error) {
				<-release
				return []wire.Document{{ID: "a"}}, nil
			},
		})
		sibling <- e
	}()
	victim := script("need a", "hang")
	victim.Run = "victim"
	_, e := p.Run(t.Context(), victim, 20*time.Second, killer(p, "victim"))
	if e.Kind != Crashed || e.Detail != "killed by SIGKILL" {
		t.Errorf("%+v", e)
	}
	close(release)
	if e := <-sibling; e.Kind != Done {
		t.Errorf("the other run ended %+v", e)
	}
	works(t, p)
}

func TestFault4ARunThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	const timeout = 200 * time.Millisecond
	host := &fakeHost{}
	start := time.Now()
	_, e := p.Run(t.Context(), script("log before", "hang"), timeout, host)
	if took := time.Since(start); e.Kind != TimedOut || took < timeout || took > timeout+2*time.Second {
		t.Errorf("%+v after %s", e, took)
	}
	if lines := host.logged(); len(lines) != 1 || lines[0] != "before" {
		t.Errorf("log %q", lines)
	}
	works(t, p)
}

func TestAHostIsToldThatTimeIsOver(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	_, e := p.Run(t.Context(), script("need a"), 50*time.Millisecond, &fakeHost{
		documents: func(ctx context.Context, _ []string) ([]wire.Document, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	})
	if e.Kind != TimedOut {
		t.Errorf("%+v", e)
	}
}

func TestACancelledRun(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	ctx, cancel := context.WithCancel(t.Context())
	started := &fakeHost{documents: func(context.Context, []string) ([]wire.Document, error) {
		cancel()
		return []wire.Document{{ID: "a"}}, nil
	}}
	if _, e := p.Run(ctx, script("need a", "hang"), 20*time.Second, started); e.Kind != Cancelled || e.Dispatched.IsZero() {
		t.Errorf("%+v", e)
	}
	if _, e := p.Run(ctx, script(), 20*time.Second, &fakeHost{}); e.Kind != Cancelled && e.Kind != Done {
		t.Errorf("before it was dispatched: %+v", e)
	}
	works(t, p)
}

func TestAWaitingTaskCanBeTakenBack(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	_, e := p.Run(t.Context(), script("need a"), 20*time.Second, &fakeHost{
		documents: func(context.Context, []string) ([]wire.Document, error) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if _, e := p.Run(ctx, script(), time.Second, &fakeHost{}); e.Kind != Cancelled || !e.Dispatched.IsZero() {
				t.Errorf("%+v", e)
			}
			return []wire.Document{{ID: "a"}}, nil
		},
	})
	if e.Kind != Done {
		t.Errorf("%+v", e)
	}
	works(t, p)
}

func TestAnIdleWorkerThatDiesIsReplaced(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	for range 3 {
		works(t, p)
		pid := p.Status()[0].PID
		dead := whenDead(t, pid)
		_ = syscall.Kill(pid, syscall.SIGKILL)
		<-dead
		works(t, p)
		if s := p.Status(); len(s) != 1 || s[0].PID == pid {
			t.Errorf("%+v, killed %d", s, pid)
		}
	}
}

func TestWorkersThatDoNotStart(t *testing.T) {
	t.Parallel()
	missing := poolOf(t, Options{Workers: 1, Exe: "/nonexistent/charmd"}, nil)
	tests := map[string]struct {
		p      *Pool
		detail string
	}{
		"die at once":             {fakePool(t, "unlucky", Options{Workers: 2}), "no luck today"},
		"do not greet":            {fakePool(t, "rude", Options{Workers: 2}), "the first message is"},
		"cannot even be launched": {missing, "no such file"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, e := tt.p.Run(t.Context(), script(), 10*time.Second, &fakeHost{})
			if e.Kind != NotDispatched || !strings.Contains(e.Detail, "workers do not start: ") || !strings.Contains(e.Detail, tt.detail) {
				t.Errorf("%+v", e)
			}
			if _, err := tt.p.Compile(t.Context(), wire.CompileRequest{Entry: "a.tsx"}); charm.CodeOf(err) != charm.CodeUnavailable {
				t.Error(err)
			}
		})
	}
}

func TestWorkersThatDieBeforeTheirTask(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "faint", Options{Workers: 2})
	for range 5 { // whether the task was in the pipe already is a matter of luck
		if _, e := p.Run(t.Context(), script(), 10*time.Second, &fakeHost{}); e.Kind != NotDispatched && e.Kind != Crashed {
			t.Errorf("%+v", e)
		}
	}
}

func TestAPoolRecoversWhenWorkersStartAgain(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	broken.Store(true)
	p := poolOf(t, Options{Workers: 1}, func(p *Pool) (*process, error) {
		if broken.Load() {
			return nil, errors.New("no more processes")
		}
		return launchFake(p, "good")
	})
	if _, e := p.Run(t.Context(), script(), 10*time.Second, &fakeHost{}); e.Kind != NotDispatched {
		t.Errorf("%+v", e)
	}
	broken.Store(false)
	works(t, p)
}

func TestAWorkerIsReplacedAfterItsRuns(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1, RunsPerWorker: 3})
	pids := map[int]int{}
	for range 7 {
		host := &fakeHost{documents: func(_ context.Context, ids []string) ([]wire.Document, error) {
			for _, s := range p.Status() {
				if s.Task != "" {
					pids[s.PID]++
				}
			}
			return []wire.Document{{ID: ids[0]}}, nil
		}}
		if _, e := p.Run(t.Context(), script("need a"), 10*time.Second, host); e.Kind != Done {
			t.Errorf("%+v", e)
		}
	}
	if len(pids) != 3 {
		t.Errorf("runs by process: %v", pids)
	}
}

func TestWhatAWorkerInherits(t *testing.T) {
	t.Setenv("SECRET", "open sesame")
	outside, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	if _, err := unix.FcntlInt(outside.Fd(), unix.F_SETFD, 0); err != nil { // as if the service had inherited it
		t.Fatal(err)
	}
	p := fakePool(t, "good", Options{Workers: 1})
	host := &fakeHost{}
	if _, e := p.Run(t.Context(), script("look"), 10*time.Second, host); e.Kind != Done {
		t.Fatalf("%+v", e)
	}
	for _, line := range host.logged() {
		if strings.HasPrefix(line, "environment ") && line != "environment "+fakeRole+"=good "+noRaceWait {
			t.Errorf("%s", line)
		}
		if name, ok := strings.CutPrefix(line, "descriptor "); ok && !strings.HasSuffix(name, " ") && !strings.Contains(name, "pipe:") &&
			!strings.Contains(name, "anon_inode:") && !strings.Contains(name, "/fd") && !strings.Contains(name, "cgroup") {
			t.Errorf("%s", line)
		}
	}
	for _, e := range environment {
		if !strings.HasPrefix(e, "GODEBUG=") {
			t.Errorf("workers get %s", e)
		}
	}
}

func TestNoiseOnStderrBlocksNobody(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	if _, e := p.Run(t.Context(), script("flood", "flood"), 20*time.Second, &fakeHost{}); e.Kind != Done {
		t.Errorf("%+v", e)
	}
}

func TestCloseDrains(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	p := fakePool(t, "good", Options{Workers: 2})
	running, release := make(chan struct{}, 2), make(chan struct{})
	host := &fakeHost{documents: func(context.Context, []string) ([]wire.Document, error) {
		running <- struct{}{}
		<-release
		return []wire.Document{{ID: "a"}}, nil
	}}
	var all sync.WaitGroup
	ends := make(chan Exit, 10)
	for range 2 {
		all.Go(func() {
			_, e := p.Run(t.Context(), script("need a"), 20*time.Second, host)
			ends <- e
		})
	}
	<-running
	<-running
	closed := make(chan error, 1)
	go func() { closed <- p.Close(t.Context()) }()
	for p.accepting() {
		runtime.Gosched()
	}
	if _, e := p.Run(t.Context(), script(), time.Second, &fakeHost{}); e.Kind != NotDispatched || e.Detail != ErrClosed.Error() {
		t.Errorf("after Close: %+v", e)
	}
	var dead []<-chan struct{}
	for _, s := range p.Status() {
		dead = append(dead, whenDead(t, s.PID))
	}
	close(release)
	all.Wait()
	for range 2 {
		if e := <-ends; e.Kind != Done {
			t.Errorf("a run that was under way: %+v", e)
		}
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	for _, d := range dead {
		within(t, time.Second, "death of a worker", d)
	}
}

func (p *Pool) accepting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.closing
}

func TestCloseKillsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	running := &fakeHost{documents: func(context.Context, []string) ([]wire.Document, error) {
		cancel()
		return []wire.Document{{ID: "a"}}, nil
	}}
	end := make(chan Exit, 1)
	go func() {
		_, e := p.Run(t.Context(), script("need a", "hang"), 20*time.Second, running)
		end <- e
	}()
	<-ctx.Done()
	if err := p.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if e := <-end; e.Kind != Cancelled {
		t.Errorf("%+v", e)
	}
}

func TestClosingAPoolThatWasNeverStarted(t *testing.T) {
	t.Parallel()
	p, err := New(Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Close(t.Context()), p.Close(t.Context())); err != nil {
		t.Error(err)
	}
	if err := p.Start(t.Context()); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := New(Options{Workers: -1}); charm.CodeOf(err) != charm.CodeUsage {
		t.Error(err)
	}
}

func TestStatusAndSandbox(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	var during []WorkerStatus
	p.Run(t.Context(), script("need a"), 10*time.Second, &fakeHost{
		documents: func(context.Context, []string) ([]wire.Document, error) {
			during = p.Status()
			return []wire.Document{{ID: "a"}}, nil
		},
	})
	if len(during) != 1 || during[0].Task != "run-1" || during[0].Since.IsZero() || during[0].Runs != 0 {
		t.Errorf("%+v", during)
	}
	after := p.Status()
	if len(after) != 1 || after[0].Task != "" || !after[0].Since.IsZero() || after[0].Runs != 1 || after[0].MemoryBytes < 1<<20 {
		t.Errorf("%+v", after)
	}
	if p.Sandbox().Rlimits.State != sandbox.On {
		t.Errorf("%+v", p.Sandbox())
	}
}

func TestCompile(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	compile := func(source string) (wire.Compiled, error) {
		return p.Compile(t.Context(), wire.CompileRequest{Entry: "a.tsx", Files: map[string]string{"a.tsx": source}})
	}
	if c, err := compile("x"); err != nil || c.Program != "p" || c.Source != "x" {
		t.Errorf("%+v, %v", c, err)
	}
	for source, want := range map[string]string{
		"die fatal error: stack overflow":         "compiling a.tsx ends the compiler: fatal error: stack overflow",
		"die fatal error: runtime: out of memory": "needs more memory",
		"need a": "ends the compiler: wire: *wire.Need during a compilation",
	} {
		if _, err := compile(source); charm.CodeOf(err) != charm.CodeCompile || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", source, err)
		}
	}
	if _, err := compile(strings.Repeat("x", 3<<20)); charm.CodeOf(err) != charm.CodeTooLarge {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Compile(ctx, wire.CompileRequest{Entry: "a", Files: map[string]string{"a": "hang"}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	works(t, p)
}

// playParent is a service that dies: it keeps two workers busy, says who they are,
// and waits to be killed.
func playParent() {
	p, _ := New(Options{Workers: 2})
	p.launch = func() (*process, error) { return launchFake(p, "good") }
	_ = p.Start(context.Background())
	var busy atomic.Int32
	host := &fakeHost{documents: func(context.Context, []string) ([]wire.Document, error) {
		if busy.Add(1) == 2 {
			for _, s := range p.Status() {
				fmt.Println(s.PID)
			}
			fmt.Println("all")
		}
		return []wire.Document{{ID: "a"}}, nil
	}}
	for range 2 {
		go p.Run(context.Background(), script("need a", "hang"), time.Minute, host)
	}
	hang()
}

func TestFault3WorkersDieWithTheirParent(t *testing.T) {
	t.Parallel()
	parent := exec.Command("/proc/self/exe")
	parent.Env = []string{fakeRole + "=parent", noRaceWait}
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var dead []<-chan struct{}
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "all"; {
		var pid int
		if _, err := fmt.Sscan(lines.Text(), &pid); err != nil {
			t.Fatal(err)
		}
		dead = append(dead, whenDead(t, pid))
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	if len(dead) != 2 {
		t.Fatalf("%d workers", len(dead))
	}
	for _, d := range dead {
		within(t, time.Second, "death of a worker", d)
	}
}
