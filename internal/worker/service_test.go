package worker_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"charmd/internal/merkle"
	"charmd/internal/pool"
	"charmd/internal/recipe"
	"charmd/internal/testbin"
	"charmd/internal/wire"
)

// service is as much of the daemon as a worker can see: documents in a map that
// changes are committed to, and one recipe.
type service struct {
	t       testing.TB
	pool    *pool.Pool
	fetch   func(ctx context.Context, f wire.Fetch) wire.Reply
	onNeed  func()
	program wire.Compiled
	recipe  string

	mu   sync.Mutex
	docs map[string][]byte
	log  []string
	runs int
}

// patience is how long is waited for what comes by itself, however busy the machine is.
const patience = 2 * time.Minute

func newService(t testing.TB, o pool.Options) *service {
	t.Helper()
	o.Exe = testbin.Path(t)
	if o.ArenaBytes == 0 {
		o.ArenaBytes = 64 << 20
	}
	p, err := pool.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return &service{t: t, pool: p, docs: map[string][]byte{}}
}

func (s *service) Documents(_ context.Context, ids []string) ([]wire.Document, error) {
	if s.onNeed != nil {
		s.onNeed()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	docs := make([]wire.Document, len(ids))
	for i, id := range ids {
		docs[i] = wire.Document{ID: id, Text: s.docs[id]}
	}
	return docs, nil
}

func (s *service) Fetch(ctx context.Context, f wire.Fetch) (wire.Reply, func()) {
	return s.fetch(ctx, f), func() {}
}

func (s *service) Program(_ context.Context, id string) (string, error) {
	if id != s.recipe {
		return "", errors.New("no such recipe")
	}
	return s.program.Program, nil
}

func (s *service) Dispatched() {}

func (s *service) Log(lines []wire.LogLine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range lines {
		s.log = append(s.log, l.Text)
	}
}

// use compiles a recipe in a worker; all runs from here on are of it.
func (s *service) use(source string) {
	s.t.Helper()
	c, err := s.pool.Compile(context.Background(), wire.CompileRequest{Entry: "charm.tsx", Files: map[string]string{"charm.tsx": source}})
	if err != nil || len(c.Errors) > 0 {
		s.t.Fatalf("compiling: %v %+v", err, c.Errors)
	}
	s.program, s.recipe = c, recipe.ID(c.Source)
}

var (
	charmRef   = merkle.EntityID(nil, "a charm of the test")
	charmID    = charmRef.Link()
	processID  = merkle.ProcessID(charmRef).Link()
	bgUpdater  = []string{"bgUpdater"}
	whenItRuns = time.UnixMilli(1_750_000_000_000)
)

// run makes one run and commits what it changed.
func (s *service) run(mode string, timeout time.Duration, change ...func(*wire.Task)) (wire.Result, pool.Exit) {
	s.mu.Lock()
	s.runs++
	task := wire.Task{
		Run: "run", Mode: mode, Charm: charmID, Process: processID, Space: "did:key:test", Recipe: s.recipe, RecipeFile: "charm.tsx",
		Now: whenItRuns.UnixMilli(), Seed: uint64(s.runs), APIURL: "http://toolshed.test", Occasion: "job",
	}
	if mode == wire.ModeEvent {
		task.Stream, task.Event = bgUpdater, []byte("{}")
		for _, id := range slices.Sorted(maps.Keys(s.docs)) {
			task.Documents = append(task.Documents, wire.Document{ID: id, Text: s.docs[id]})
		}
	}
	s.mu.Unlock()
	for _, c := range change {
		c(&task)
	}
	result, exit := s.pool.Run(context.Background(), task, timeout, s)
	if exit.Kind == pool.Done {
		s.mu.Lock()
		for _, d := range result.Changed {
			s.docs[d.ID] = d.Text
		}
		s.mu.Unlock()
	}
	return result, exit
}

// cast makes the charm; it must succeed.
func (s *service) cast(source string) {
	s.t.Helper()
	s.use(source)
	result, exit := s.run(wire.ModeCast, patience)
	if exit.Kind != pool.Done || result.Ended != wire.Finished || len(result.Report.Failures) > 0 || len(result.Rejections) > 0 {
		s.t.Fatalf("%+v %+v %+v", exit, result, result.Load)
	}
}

// tick sends the charm its event; the run must succeed.
func (s *service) tick() wire.Result {
	s.t.Helper()
	result, exit := s.run(wire.ModeEvent, patience)
	if exit.Kind != pool.Done || result.Ended != wire.Finished || !result.Report.Handled || len(result.Report.Failures) > 0 || len(result.Rejections) > 0 {
		s.t.Fatalf("%+v %+v", exit, result)
	}
	return result
}

// logged is the console output since it was last called.
func (s *service) logged() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := s.log
	s.log = nil
	return log
}

// stored is a document's text.
func (s *service) stored(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.docs[id])
}

// counter counts its events; body is more for its handler to do.
func counter(body string) string {
	return strings.ReplaceAll(`import { h } from "@commontools/html";
import { handler, NAME, recipe, UI } from "@commontools/builder";

const tick = handler<unknown, { n: number }>(async (_, state) => {
  BODY
  state.n = state.n + 1;
});

export default recipe({ type: "object", properties: { n: { type: "number", default: 0 } } } as any, ({ n }: any) => ({
  [NAME]: "Counter", n, bgUpdater: tick({ n }),
  [UI]: <div><common-updater integration="counter" />{n}</div>,
}));
`, "BODY", body)
}
