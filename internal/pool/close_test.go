//go:build linux

package pool

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/wire"

	"go.uber.org/goleak"
)

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
			_, e := p.Run(t.Context(), script("need a"), amply, host)
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
		awaits(t, "death of a worker", d)
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
		_, e := p.Run(t.Context(), script("need a", "hang"), amply, running)
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

func TestFault03_WorkersDieWithTheirParent(t *testing.T) {
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
		awaits(t, "death of a worker", d)
	}
}
