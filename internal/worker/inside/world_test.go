package inside

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"charmd/internal/wire"
)

//go:embed testdata/runtime.js
var smallRuntime string

const charmID = "baedreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// world is the parent of a Machine: documents and programs from maps, replies
// from a function.
type world struct {
	docs     map[string]string
	programs map[string]string
	answer   func(f *wire.Fetch) *wire.Reply // nil: there is never an answer
	fault    error

	mu       sync.Mutex
	asked    [][]string // ids of each question
	loaded   []string   // recipes asked for
	fetched  []*wire.Fetch
	canceled []uint64
	lines    []wire.LogLine
	replies  chan *wire.Reply
}

func newWorld() *world {
	return &world{docs: map[string]string{}, programs: map[string]string{}, replies: make(chan *wire.Reply, 2000)}
}

func (w *world) Documents(ids []string) ([]wire.Document, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, slices.Clone(ids))
	if w.fault != nil {
		return nil, w.fault
	}
	docs := make([]wire.Document, len(ids))
	for i, id := range ids {
		docs[i].ID = id
		if text, ok := w.docs[id]; ok {
			docs[i].Text = []byte(text)
		}
	}
	return docs, nil
}

func (w *world) Program(recipe string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loaded = append(w.loaded, recipe)
	if program, ok := w.programs[recipe]; ok {
		return program, nil
	}
	return "", errors.New("no such recipe")
}

func (w *world) Fetch(f *wire.Fetch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f.URL == "" {
		return wire.Violationf("fetch: bad URL")
	}
	w.fetched = append(w.fetched, f)
	if w.answer != nil {
		if reply := w.answer(f); reply != nil {
			reply.Op = f.Op
			w.replies <- reply
		}
	}
	return nil
}

func (w *world) Cancel(op uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.canceled = append(w.canceled, op)
}

func (w *world) Replies() <-chan *wire.Reply { return w.replies }

func (w *world) Log(lines []wire.LogLine) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, lines...)
}

// printed is the text of the lines since it was last called.
func (w *world) printed() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var texts []string
	for _, l := range w.lines {
		texts = append(texts, l.Text)
	}
	w.lines = nil
	return texts
}

func machineOf(t *testing.T, w *world, o Options) *Machine {
	t.Helper()
	if o.Prelude == "" {
		o.Prelude = smallRuntime
	}
	if o.ArenaBytes == 0 {
		o.ArenaBytes = 32 << 20
	}
	o.Host = w
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// inBothModes runs a test with a VM that is restored and with one that is rebuilt.
func inBothModes(t *testing.T, test func(t *testing.T, o Options)) {
	for _, rebuild := range []bool{false, true} {
		t.Run(fmt.Sprintf("rebuild=%t", rebuild), func(t *testing.T) {
			t.Parallel()
			test(t, Options{Rebuild: rebuild})
		})
	}
}

// lab is a Machine whose recipes are single function bodies.
type lab struct {
	*world
	t *testing.T
	m *Machine
}

func newLab(t *testing.T, o Options) *lab {
	w := newWorld()
	return &lab{w, t, machineOf(t, w, o)}
}

func taskOf(recipe string) *wire.Task {
	return &wire.Task{
		Run: "run-1", Mode: wire.ModeEvent, Charm: charmID, Process: "p", Space: "s", Recipe: recipe, Event: []byte("{}"),
		Now: 1_750_000_000_000, Seed: 7, APIURL: "http://toolshed.test", Occasion: "job-1",
		Timeout: 2 * time.Minute, // also on a busy machine nothing of these tests comes to that
	}
}

// do makes a run of this body, in which host, sleep, fetch, save and task can be used.
func (l *lab) do(body string, change ...func(*wire.Task)) *wire.Result {
	l.t.Helper()
	l.programs[body] = `module.exports.default = async ({host, timer, sleep, fetch, text, last, save}, task) => {` + body + `}`
	task := taskOf(body)
	for _, c := range change {
		c(task)
	}
	r := l.m.Run(task)
	if r.Run != task.Run {
		l.t.Errorf("result of run %q", r.Run)
	}
	return r
}

// saves makes a run that must finish, and returns the text it saved.
func (l *lab) saves(body string, change ...func(*wire.Task)) string {
	l.t.Helper()
	r := l.do(body, change...)
	if r.Ended != wire.Finished || len(r.Report.Failures) > 0 || len(r.Rejections) > 0 {
		l.t.Fatalf("%s: ended %s: %+v %+v %+v", body, r.Ended, r.Reason, r.Report.Failures, r.Rejections)
	}
	if len(r.Changed) != 1 {
		l.t.Fatalf("%s: changed %d documents", body, len(r.Changed))
	}
	return string(r.Changed[0].Text)
}

func (l *lab) expect(want, body string, change ...func(*wire.Task)) {
	l.t.Helper()
	if got := l.saves(body, change...); got != `{"value":`+want+`}` {
		l.t.Errorf("%s\nsaved %s, want %s", body, got, want)
	}
}
