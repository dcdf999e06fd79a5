//go:build linux

package pool

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/wire"

	"golang.org/x/sys/unix"
)

func TestAnIdleWorkerThatDiesIsReplaced(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	for range 3 {
		works(t, p)
		pid := p.Status()[0].PID
		dead := whenDead(t, pid)
		_ = syscall.Kill(pid, syscall.SIGKILL)
		<-dead
		for slices.ContainsFunc(p.Status(), func(s WorkerStatus) bool { return s.PID == pid }) {
			runtime.Gosched() // the pool learns of it a moment later
		}
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
			_, e := tt.p.Run(t.Context(), script(), amply, &fakeHost{})
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
		if _, e := p.Run(t.Context(), script(), amply, &fakeHost{}); e.Kind != NotDispatched && e.Kind != Crashed {
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
	if _, e := p.Run(t.Context(), script(), amply, &fakeHost{}); e.Kind != NotDispatched {
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
		if _, e := p.Run(t.Context(), script("need a"), amply, host); e.Kind != Done {
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
	if _, e := p.Run(t.Context(), script("look"), amply, host); e.Kind != Done {
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
