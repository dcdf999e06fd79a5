package simulation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"charmd/internal/charm"
	"charmd/internal/queue"
	"charmd/internal/state"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

const (
	steps     = 150
	executors = 6 // runs in flight at most
)

var spaces = []string{"did:key:z6MkA", "did:key:z6MkB", "did:key:z6MkC"}

// world is one seed's service, what it runs, and what must be true of it.
type world struct {
	t     *testing.T
	seed  int64
	rng   *rand.Rand
	dir   string
	lives int // starts of the service
	now   int // number of the step
	lines []string

	offset time.Duration // of the wall clock, from the clock of the bubble
	start  time.Time
	slots  int
	store  *faulty
	states *state.Manager
	queue  *queue.Queue

	names   map[int64]string // of every charm there ever was
	made    int
	moods   map[int64]mood
	flights []*flight
	ghosts  []*flight          // claims that have ended, or are of an earlier life
	claims  map[string]*flight // every run that was handed out
	told    map[string]int64   // runs whose success was told to a caller, by charm
	waiting []*watcher

	calm     bool           // no more faults
	together bool           // what is told came out of one group
	hurt     bool           // rows were changed behind the service's back, and nobody looked since
	jumped   bool           // the clock jumped, and nobody looked since
	redone   map[int64]bool // charms whose state was changed so
	unseen   []*flight      // claims that have ended, and whose record was not looked for
}

type watcher struct {
	charm int64
	done  <-chan charm.Run
}

func newWorld(t *testing.T, dir string, seed int64) *world {
	return &world{
		t: t, seed: seed, rng: rand.New(rand.NewPCG(uint64(seed), 0x636861726d64)), dir: dir, start: time.Now(),
		names: map[int64]string{}, moods: map[int64]mood{}, claims: map[string]*flight{}, told: map[string]int64{}, redone: map[int64]bool{},
	}
}

// wall is what the service's clock shows. It has no part that jumps leave alone,
// as times that were read from disk have none.
func (w *world) wall() time.Time { return time.Now().Add(w.offset).Round(0) }

func (w *world) say(format string, args ...any) {
	w.lines = append(w.lines, fmt.Sprintf("%3d %9s  ", w.now, time.Since(w.start).Round(time.Millisecond))+fmt.Sprintf(format, args...))
}

// wrong ends the simulation: something is not as it must be.
func (w *world) wrong(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%s\nrepeat: go test ./internal/simulation -run 'TestSimulation$' -seed %d -v\n%s",
		fmt.Sprintf(format, args...), w.seed, strings.Join(w.lines, "\n"))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.wrong("unexpected: %v", err)
	}
}

func (w *world) chance(percent int) bool { return w.rng.IntN(100) < percent }

func pick[T any](w *world, of []T) T { return of[w.rng.IntN(len(of))] }

// between is a duration of whole microseconds, so that no two of the times that
// come of it fall together.
func (w *world) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.rng.Int64N(int64(most-least))).Truncate(time.Microsecond)
}

func (w *world) begin() {
	w.slots = pick(w, []int{0, 2, 4})
	w.open()
	for range 3 + w.rng.IntN(7) {
		w.add()
	}
	w.check()
}

func (w *world) end() {
	if w.store != nil {
		if err := w.store.DB.Close(); err != nil && w.store.Health() == nil {
			w.t.Error(err)
		}
	}
}

func (w *world) path() string { return filepath.Join(w.dir, fmt.Sprint("life", w.lives), "charmd.db") }

// open starts the service on what the last one left.
func (w *world) open() queue.Recovered {
	w.t.Helper()
	w.must(os.MkdirAll(filepath.Dir(w.path()), 0o700))
	w.store = &faulty{}
	db, err := sqlite.Open(context.Background(), sqlitetest.At(w.t, w.path()), sqlite.Options{Logger: slog.New(slog.DiscardHandler), Faults: w.store.point, Readers: 1})
	w.must(err)
	w.store.DB = db
	w.states = state.NewManager(3)
	q, found, err := queue.Open(context.Background(), w.store, w.states, queue.Options{
		MaxRetries: 2, DefaultTimeout: timeout, Now: w.wall, Slots: w.slots, Jitter: w.rng.Float64,
	})
	w.must(err)
	w.queue = q
	return found
}

// die ends the service as a killed process ends: what is on disk at that moment is
// what the next one finds.
func (w *world) die(why string) {
	synctest.Wait()
	w.store.arm(none, 0)
	was := filepath.Dir(w.path())
	w.lives++
	w.must(os.CopyFS(filepath.Dir(w.path()), os.DirFS(was)))
	w.end()
	w.must(os.RemoveAll(was))
	w.takeUp(why)
}

// stop ends the service in order: runs in flight are handed back.
func (w *world) stop() {
	w.queue.Close()
	for _, f := range append([]*flight(nil), w.flights...) {
		f.run = w.record(f, charm.Cancelled, charm.CodeHandedBack)
		op := w.endOf(f, false)
		w.say("%s", op.then(op.do()))
	}
	w.end()
	w.takeUp("stopped in order")
}

// takeUp starts the service again.
func (w *world) takeUp(why string) {
	w.ghosts, w.unseen = append(w.ghosts, w.flights...), append(w.unseen, w.flights...)
	for _, f := range w.flights {
		f.excused = w.hurt // the row that named the run may have been changed
	}
	w.flights, w.waiting = nil, nil
	old := w.queue
	found := w.open()
	w.looked()
	w.say("%s; started again: %d lost, %d disabled, %d repaired", why, len(found.Lost), len(found.Disabled), len(found.Repaired))
	w.check()
	w.stale(old)
	w.whole()
}

func (w *world) add() {
	w.made++
	c := charm.Charm{
		Space: pick(w, spaces), ID: fmt.Sprintf("charm-%d", w.made), Name: fmt.Sprintf("c%d", w.made), Registered: !w.chance(10),
		Integration: pick(w, []string{"rss", "mail"}), Priority: w.rng.IntN(3), ProbeNever: w.chance(10), CreatedAt: w.wall(), UpdatedAt: w.wall(),
		Schedule: charm.Schedule{Every: pick(w, []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, time.Hour})},
	}
	w.must(w.store.Update(context.Background(), func(tx store.Tx) (err error) {
		if _, err = tx.Space(c.Space); errors.Is(err, store.ErrNotFound) {
			_, err = tx.PutSpace(charm.Space{DID: c.Space, Since: -1, CreatedAt: w.wall()})
		}
		if err != nil {
			return err
		}
		if c.Row, err = tx.PutCharm(c); err != nil {
			return err
		}
		return w.queue.Put(tx, c, charm.State{})
	}))
	w.names[c.Row], w.moods[c.Row] = c.Name, pick(w, moods)
	w.say("%s added: every %v, %s, registered %v", c.Name, c.Schedule.Every, w.moods[c.Row], c.Registered)
}

// outcome is an error in words that are the same each time.
func outcome(err error) string {
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, errDied):
		return "died"
	case errors.Is(err, queue.ErrNotOurs):
		return "not ours"
	case errors.Is(err, store.ErrNotFound), charm.CodeOf(err) == charm.CodeNotFound:
		return "not there"
	case errors.Is(err, context.DeadlineExceeded):
		return "nothing due"
	case charm.CodeOf(err) == charm.CodeUnavailable:
		return "store unavailable"
	case charm.CodeOf(err) == charm.CodeConflict:
		return "conflict"
	}
	return "failed"
}
