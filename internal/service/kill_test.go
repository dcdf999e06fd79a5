package service_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/client"
	"charmd/internal/process"
)

// tally is what clients were told, per charm.
type tally struct {
	mu   sync.Mutex
	seen map[client.Ref]map[string]bool // runs a client saw as ok
}

func (s *tally) saw(ref client.Ref, run string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[ref] == nil {
		s.seen[ref] = map[string]bool{}
	}
	s.seen[ref][run] = true
}

// TestKilledAtRandomMoments kills the daemon thirty times under load. What a
// client was told is done must be in the cells, nothing may be in them twice,
// no job may hang, and no worker may outlive its service.
func TestKilledAtRandomMoments(t *testing.T) {
	const kills, charms = 30, 20
	dir := t.TempDir()
	told := &tally{seen: map[client.Ref]map[string]bool{}}
	d := startDaemon(t, dir)
	var refs []client.Ref
	for i := range charms {
		refs = append(refs, d.add(counter, fmt.Sprintf("s%d", i%3), fmt.Sprintf("c%d", i), every(time.Second)))
	}
	for range kills {
		load, stop := context.WithCancel(t.Context())
		var clients sync.WaitGroup
		for _, ref := range refs {
			clients.Go(func() {
				for load.Err() == nil {
					reply, err := d.Client.Run(load, ref, true)
					if err != nil {
						return // the daemon is being killed
					}
					if reply.Run.Outcome == "ok" {
						told.saw(ref, reply.Run.ID)
					}
				}
			})
		}
		timer := time.NewTimer(time.Duration(20+rand.IntN(400)) * time.Millisecond)
		<-timer.C
		workers := process.Children(d.PID)
		d.Kill()
		stop()
		clients.Wait()
		awaitGone(t, workers)
		d = startDaemon(t, dir)
	}
	for _, ref := range refs {
		if _, err := d.Client.Disable(t.Context(), ref, "counting"); err != nil {
			t.Fatal(err)
		}
	}
	runs := 0
	for _, ref := range refs {
		c := d.await(ref, "no job is stuck", 30*time.Second, func(c api.Charm) bool { return c.Status == "disabled" })
		recorded := okRuns(t, d, ref)
		runs += len(recorded)
		for run := range told.seen[ref] {
			if !recorded[run] {
				t.Errorf("%s: a client was told of run %s, which has no record", c.Name, run)
			}
		}
		if got := result[counted](t, c).Value; got != int64(len(recorded)) {
			t.Errorf("%s: the cell holds %d, %d runs are recorded as ok", c.Name, got, len(recorded))
		}
	}
	if runs < kills {
		t.Errorf("only %d runs ended well in %d lives; the load was none", runs, kills)
	}
	t.Logf("%d runs, %d kills", runs, kills)
}

// okRuns lists the ids of all recorded runs of the charm that ended ok.
func okRuns(t *testing.T, d *daemon, ref client.Ref) map[string]bool {
	t.Helper()
	ok := map[string]bool{}
	before := ""
	for {
		page, err := d.Client.RunsOf(t.Context(), ref, client.Query{Limit: 1000, Before: before})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			if r.Outcome == "ok" {
				ok[r.ID] = true
			}
			before = r.ID
		}
		if len(page) < 1000 {
			return ok
		}
	}
}

// awaitGone waits until the processes have ended; a second is allowed.
func awaitGone(t *testing.T, pids []int) {
	t.Helper()
	deadline := time.Now().Add(time.Second)
	for _, pid := range pids {
		for process.Alive(pid) {
			if time.Now().After(deadline) {
				t.Errorf("worker %d lives a second after its service died", pid)
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}
