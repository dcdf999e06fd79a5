//go:build linux

package pool

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/sandbox"
	"charmd/internal/wire"

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

func awaits(t *testing.T, what string, happened <-chan struct{}) {
	t.Helper()
	select {
	case <-happened:
	case <-time.After(amply):
		t.Errorf("%s: not within %s", what, amply)
	}
}

// A process that closes its pipe is killed when it goes on, and not called one that did
// when it was only slow to end.
func TestAWorkerThatIsSlowToEndDidNotGoOn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		script string
		why    Exit
		holds  bool
	}{
		{"exit 0", wentOn, false}, {"exit 2", wentOn, false}, {"kill -9 $$", wentOn, true},
		{"exit 0", Exit{Kind: TimedOut}, true}, {"kill -9 $$", Exit{Kind: TimedOut}, true},
	} {
		ended := exec.Command("/bin/sh", "-c", c.script)
		_ = ended.Run()
		if got := c.why.holds(ended.ProcessState); got != c.holds {
			t.Errorf("%s, to be killed since %+v: it holds %v", c.script, c.why, got)
		}
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

func TestFault02_WorkerKilledInTheMiddleOfARun(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 2})
	sibling := make(chan Exit, 1)
	release := make(chan struct{})
	go func() {
		_, e := p.Run(t.Context(), script("need a"), amply, &fakeHost{
			documents: func(context.Context, []string) ([]wire.Document, error) {
				<-release
				return []wire.Document{{ID: "a"}}, nil
			},
		})
		sibling <- e
	}()
	victim := script("need a", "hang")
	victim.Run = "victim"
	_, e := p.Run(t.Context(), victim, amply, killer(p, "victim"))
	if e.Kind != Crashed || e.Detail != "killed by SIGKILL" {
		t.Errorf("%+v", e)
	}
	close(release)
	if e := <-sibling; e.Kind != Done {
		t.Errorf("the other run ended %+v", e)
	}
	works(t, p)
}

func TestFault04_ARunThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	var lines []string
	// A busy machine may take long to come as far as the log.
	for timeout := 200 * time.Millisecond; len(lines) == 0 && timeout < amply; timeout *= 2 {
		host := &fakeHost{}
		start := time.Now()
		_, e := p.Run(t.Context(), script("log before", "hang"), timeout, host)
		if took := time.Since(start); e.Kind != TimedOut || took < timeout {
			t.Errorf("%+v after %s of %s", e, took, timeout)
		}
		lines = host.logged()
	}
	if len(lines) != 1 || lines[0] != "before" {
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
	if _, e := p.Run(ctx, script("need a", "hang"), amply, started); e.Kind != Cancelled || e.Dispatched.IsZero() {
		t.Errorf("%+v", e)
	}
	if _, e := p.Run(ctx, script(), amply, &fakeHost{}); e.Kind != Cancelled && e.Kind != Done {
		t.Errorf("before it was dispatched: %+v", e)
	}
	works(t, p)
}

func TestAWaitingTaskCanBeTakenBack(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	_, e := p.Run(t.Context(), script("need a"), amply, &fakeHost{
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

func TestNoiseOnStderrBlocksNobody(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	if _, e := p.Run(t.Context(), script("flood", "flood"), amply, &fakeHost{}); e.Kind != Done {
		t.Errorf("%+v", e)
	}
}

func TestStatusAndSandbox(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	var during []WorkerStatus
	_, e := p.Run(t.Context(), script("need a"), amply, &fakeHost{
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
	if p.Sandbox().Rlimits.State != sandbox.On || e.Walls != "namespaces landlock seccomp rlimits" {
		t.Errorf("%+v, of the run %q", p.Sandbox(), e.Walls)
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
