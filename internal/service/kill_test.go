package service_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/client"
	"charmd/internal/process"
	"charmd/internal/queue"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
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

// witness is somebody else's server: it knows of which jobs it was told, whatever
// became of the service that ran them.
type witness struct {
	mu   sync.Mutex
	told map[string]int
	url  string
	host string
}

func newWitness(t *testing.T) *witness {
	w := &witness{told: map[string]int{}}
	w.url, w.host = serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told[string(body)]++
	})
	return w
}

// heardOf reports whether it was told of the job.
func (w *witness) heardOf(job string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.told[job] > 0
}

// telling counts like counter, and tells a witness of its job.
const telling = `import { getRecipeEnvironment, handler, recipe } from "@commontools/builder";

const add = handler({}, {
  type: "object",
  properties: { url: { type: "string" }, value: { type: "number", default: 0, asCell: true } },
}, async (_event, state) => {
  await fetch(state.url, { method: "POST", body: getRecipeEnvironment().occasion });
  state.value.set(state.value.get() + 1);
});

export default recipe(
  { type: "object", properties: { url: { type: "string", default: "" }, value: { type: "number", default: 0 } } },
  ({ url, value }) => ({ value, bgUpdater: add({ url, value }) }),
);
`

// siege is a service that is killed again and again while clients use it.
type siege struct {
	t       *testing.T
	d       *daemon
	dir     string
	refs    []client.Ref
	told    tally
	witness *witness
}

func besiege(t *testing.T, charms int) *siege {
	s := &siege{t: t, dir: t.TempDir(), told: tally{seen: map[client.Ref]map[string]bool{}}, witness: newWitness(t)}
	s.d = startDaemon(t, s.dir)
	for i := range charms {
		space, name := fmt.Sprintf("s%d", i%3), fmt.Sprintf("c%d", i)
		if i%4 == 0 {
			s.refs = append(s.refs, s.d.add(telling, space, name, every(time.Second), allow(s.witness.host), argument(`{"url":%q}`, s.witness.url)))
		} else {
			s.refs = append(s.refs, s.d.add(counter, space, name, every(time.Second)))
		}
	}
	return s
}

// load has clients run every charm as fast as they may until the service is gone
// or load is done.
func (s *siege) load(load context.Context) *sync.WaitGroup {
	var clients sync.WaitGroup
	for _, ref := range s.refs {
		clients.Go(func() {
			for load.Err() == nil {
				reply, err := s.d.Client.Run(load, ref, true)
				if err != nil {
					return // the daemon is being killed
				}
				if reply.Run.Outcome == "ok" {
					s.told.saw(ref, reply.Run.ID)
				}
			}
		})
	}
	return &clients
}

// check stops everything and holds what is on disk against what was told.
func (s *siege) check() (runs int) {
	t, d := s.t, s.d
	for _, ref := range s.refs {
		if _, err := d.Client.Disable(t.Context(), ref, "counting"); err != nil {
			t.Fatal(err)
		}
	}
	for i, ref := range s.refs {
		c := d.await(ref, "no job is stuck", 30*time.Second, func(c api.Charm) bool { return c.Status == "disabled" })
		recorded := okRuns(t, d, ref)
		runs += len(recorded)
		for run := range s.told.seen[ref] {
			if recorded[run] == "" {
				t.Errorf("%s: a client was told of run %s, which has no record", c.Name, run)
			}
		}
		if got := result[counted](t, c).Value; got != int64(len(recorded)) {
			t.Errorf("%s: the cell holds %d, %d runs are recorded as ok", c.Name, got, len(recorded))
		}
		if i%4 != 0 {
			continue
		}
		for run, job := range recorded {
			if !s.witness.heardOf(job) {
				t.Errorf("%s: the witness was not told of job %s, whose run %s is recorded as ok", c.Name, job, run)
			}
		}
	}
	if strings.Contains(d.Log(), "an invariant was broken") {
		t.Error("the reconciler had something to mend; see the log")
	}
	return runs
}

// inspect holds what a service that has ended left against the invariants, in a copy.
func inspect(t *testing.T, dir string) {
	t.Helper()
	copied := t.TempDir()
	for _, name := range []string{"charmd.db", "charmd.db-wal"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a clean stop leaves no log
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(copied, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sqlite.Open(t.Context(), filepath.Join(copied, "charmd.db"), sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	err = db.View(t.Context(), func(r store.Reader) error {
		found, err := queue.Inspect(r, time.Now())
		for _, b := range found {
			t.Errorf("after the end %s of %s: %s", b.Kind, b.Charm.Ref(), b.Detail)
		}
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// kills is how often the loop below kills; docs/reliability.md has what more found.
func kills(t *testing.T) int {
	text := os.Getenv("CHARMD_KILLS")
	if text == "" {
		return 30
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("CHARMD_KILLS is %q", text)
	}
	return n
}

// TestFault01_KilledAtRandomMoments kills the daemon again and again under load.
// What a client was told is done must be in the cells, nothing may be in them
// twice, no job may hang, a job that ended ok has told its witness, and no worker
// may outlive its service.
func TestFault01_KilledAtRandomMoments(t *testing.T) {
	s := besiege(t, 20)
	lives := kills(t)
	for range lives {
		load, stop := context.WithCancel(t.Context())
		clients := s.load(load)
		timer := time.NewTimer(time.Duration(20+rand.IntN(400)) * time.Millisecond)
		<-timer.C
		workers := process.Children(s.d.PID)
		s.d.Kill()
		stop()
		clients.Wait()
		awaitGone(t, workers)
		inspect(t, s.dir)
		s.d = startDaemon(t, s.dir)
	}
	runs := s.check()
	if runs < lives {
		t.Errorf("only %d runs ended well in %d lives; the load was none", runs, lives)
	}
	t.Logf("%d runs, %d kills", runs, lives)
}

// TestFault01_KilledAtTransactionBoundaries lets the daemon die exactly before,
// within and after its n-th transaction.
func TestFault01_KilledAtTransactionBoundaries(t *testing.T) {
	t.Parallel()
	s := besiege(t, 8)
	s.d.Kill()
	r := rand.New(rand.NewPCG(1, 1))
	for _, point := range []string{"beginning", "committing", "committed"} {
		for _, n := range []int{1, 2, 3, 4 + r.IntN(8), 12 + r.IntN(40)} {
			d, err := s.d.again(t, "CHARMD_CRASH_AT="+fmt.Sprintf("%s:%d", point, n))
			if err == nil { // it got through its start
				s.d = d
				load, stop := context.WithTimeout(t.Context(), patience*30*time.Second)
				clients := s.load(load)
				select {
				case <-s.d.Exited():
				case <-load.Done():
					t.Errorf("the service did not die at %s:%d", point, n)
					s.d.Kill()
				}
				stop()
				clients.Wait()
			}
			inspect(t, s.dir)
		}
	}
	s.d = startDaemon(t, s.dir)
	t.Logf("%d runs", s.check())
}

// okRuns lists the recorded runs of the charm that ended ok, with their jobs.
func okRuns(t *testing.T, d *daemon, ref client.Ref) map[string]string {
	t.Helper()
	ok := map[string]string{}
	before := ""
	for {
		page, err := d.Client.RunsOf(t.Context(), ref, client.Query{Limit: 1000, Before: before})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			if r.Outcome == "ok" {
				ok[r.ID] = r.Job
			}
			before = r.ID
		}
		if len(page) < 1000 {
			return ok
		}
	}
}

// awaitGone waits until the processes have ended. Since it is called, none may compute for
// a second more: that is its time, on a machine that is busy with others too.
func awaitGone(t *testing.T, pids []int) {
	t.Helper()
	deadline := time.After(patience * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	before := map[int]time.Duration{}
	for _, pid := range pids {
		before[pid], _ = (&process.Daemon{PID: pid}).CPU() // of one that has ended already there is none
	}
	for _, pid := range pids {
		for process.Alive(pid) {
			if now, err := (&process.Daemon{PID: pid}).CPU(); err == nil && now-before[pid] > time.Second {
				t.Fatalf("worker %d computes on after its service died", pid)
			}
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("worker %d lives %v after its service died", pid, patience*time.Second)
			}
		}
	}
}
