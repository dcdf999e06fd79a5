//go:build linux

package pool

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"charmd/internal/wire"
)

// A space whose tasks came first does not get all workers while another waits.
func TestAFreeWorkerGoesToTheSpaceThatHoldsFewest(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 2})
	var mu sync.Mutex
	var began []string
	gates := map[string]chan struct{}{}
	started := make(chan string, 16)
	var runs sync.WaitGroup
	give := func(name, space string) {
		gate := make(chan struct{})
		gates[name] = gate
		task := script("need a")
		task.Space = space
		runs.Go(func() {
			_, e := p.Run(t.Context(), task, amply, &fakeHost{
				documents: func(context.Context, []string) ([]wire.Document, error) {
					mu.Lock()
					began = append(began, name)
					mu.Unlock()
					started <- name
					<-gate
					return []wire.Document{{ID: "a"}}, nil
				},
			})
			if e.Kind != Done {
				t.Errorf("%s ended %s: %s", name, e.Kind, e.Detail)
			}
		})
	}
	waiting := func(n int) {
		for {
			p.mu.Lock()
			is := len(p.waiting)
			p.mu.Unlock()
			if is == n {
				return
			}
			select {
			case <-time.After(time.Millisecond):
			case <-t.Context().Done():
				t.Fatal("the tasks never waited")
			}
		}
	}
	give("a1", "A")
	<-started
	give("a2", "A")
	<-started
	for i, name := range []string{"a3", "a4"} {
		give(name, "A")
		waiting(i + 1)
	}
	give("b1", "B")
	waiting(3)
	give("b2", "B")
	waiting(4)
	close(gates["a1"])
	if got := <-started; got != "b1" {
		t.Errorf("the first free worker went to %s, want the other space", got)
	}
	close(gates["a2"]) // A holds none now, B one
	if got := <-started; got != "a3" {
		t.Errorf("the second free worker went to %s, want the first of the space that holds none", got)
	}
	for _, name := range []string{"a3", "a4", "b1", "b2"} {
		close(gates[name])
	}
	runs.Wait()
	if slices.Sort(began); len(began) != 6 {
		t.Errorf("ran: %v", began)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.held) != 0 {
		t.Errorf("nobody runs and workers are held: %v", p.held)
	}
}
