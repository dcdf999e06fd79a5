//go:build linux

package pool

import (
	"syscall"
	"testing"
	"time"

	"charmd/internal/wire"
)

// TestStartsAndEndsAreTold ends workers in every way and wants to hear why, once
// for each process that was started.
func TestStartsAndEndsAreTold(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		o    Options
		end  func(p *Pool)
		want string
	}{
		"worn":     {Options{RunsPerWorker: 1}, func(p *Pool) { works(t, p) }, EndedWorn},
		"crashed":  {Options{}, func(p *Pool) { p.Run(t.Context(), script("panic"), amply, &fakeHost{}) }, string(Crashed)},
		"late":     {Options{}, func(p *Pool) { p.Run(t.Context(), script("hang"), 10*time.Millisecond, &fakeHost{}) }, string(TimedOut)},
		"protocol": {Options{}, func(p *Pool) { p.Run(t.Context(), script("hello"), amply, &fakeHost{}) }, string(Protocol)},
		"killed while idle": {Options{}, func(p *Pool) {
			works(t, p)
			_ = syscall.Kill(p.Status()[0].PID, syscall.SIGKILL)
		}, string(Crashed)},
		"stopping": {Options{}, func(p *Pool) {
			works(t, p)
			if err := p.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}, EndedStopping},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started, ended := make(chan time.Duration, 100), make(chan string, 100)
			tt.o.Workers = 1
			tt.o.Started = func(took time.Duration) { started <- took }
			tt.o.Ended = func(why string) { ended <- why }
			p := fakePool(t, "good", tt.o)
			tt.end(p)
			if why := <-ended; why != tt.want {
				t.Errorf("it ended for %s, want %s", why, tt.want)
			}
			if took := <-started; took <= 0 {
				t.Errorf("it started in %v", took)
			}
		})
	}
	t.Run("not started", func(t *testing.T) {
		t.Parallel()
		ended := make(chan string, 100)
		poolOf(t, Options{Workers: 1, Exe: "/nonexistent/charmd", Ended: func(why string) { ended <- why }}, nil)
		if why := <-ended; why != NotStarted {
			t.Errorf("it ended for %s", why)
		}
	})
}

func TestCounts(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan struct{}, 2), make(chan struct{})
	host := &fakeHost{program: func(string) (string, error) {
		asked <- struct{}{}
		<-answer
		return "", nil
	}}
	ready := make(chan time.Duration, 1)
	p := fakePool(t, "good", Options{Workers: 1, Started: func(took time.Duration) { ready <- took }})
	<-ready
	if c := p.Counts(); c != (Counts{Idle: 1}) {
		t.Errorf("with nothing to do: %+v", c)
	}
	ends := make(chan Exit, 2)
	task := script("code r")
	task.Recipe = "r"
	run := func(task wire.Task) {
		_, e := p.Run(t.Context(), task, time.Minute, host)
		ends <- e
	}
	go run(task)
	<-asked
	if c := p.Counts(); c != (Counts{Busy: 1}) {
		t.Errorf("with a run: %+v", c)
	}
	close(answer)
	if e := <-ends; e.Kind != Done {
		t.Errorf("%+v", e)
	}
	if c := p.Counts(); c.Busy != 0 || c.Idle != 1 || c.ResidentBytes == 0 {
		t.Errorf("after a run: %+v", c)
	}
}
