package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/prelude"
	"charmd/internal/recipe"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/wire"
	"charmd/internal/worker/inside"
)

// shape is a charm of the kind people have, grown to a size, and the run of it
// that is measured.
type shape struct {
	name   string
	source string
	grow   []any             // events that bring it to its size
	event  func(nth int) any // of the nth measured run
	repeat int               // how many runs are measured; the median counts
}

// measuredRuns is how often a run is made that leaves the charm as it is.
const measuredRuns = 5

func shapes() []shape {
	return []shape{
		feed(100), feed(1000), feed(5000),
		{
			name: "import_1000_mails", source: mailRecipe, repeat: 1,
			event: func(int) any { return map[string]any{"mails": list(0, 1000, mail)} },
		},
		oneChange(10_000),
	}
}

// feed has known items. It brings its last hundred each time, all of them known.
func feed(known int) shape {
	return shape{
		name: fmt.Sprintf("feed_%d", known), source: feedRecipe, grow: batches(known, 500, feedItem), repeat: measuredRuns,
		event: func(int) any { return map[string]any{"items": list(known-100, known, feedItem)} },
	}
}

// oneChange has n rows, one of which changes.
func oneChange(n int) shape {
	return shape{
		name: fmt.Sprintf("list_%d_one_change", n), source: listRecipe, grow: batches(n, 500, row), repeat: measuredRuns,
		event: func(nth int) any {
			return map[string]any{"at": n/2 + nth, "text": fmt.Sprintf("changed %d times", nth+1)}
		},
	}
}

func list(from, to int, make func(i int) any) []any {
	items := []any{}
	for i := from; i < to; i++ {
		items = append(items, make(i))
	}
	return items
}

// batches are events that add items up to n, most of them at a time.
func batches(n, most int, make func(i int) any) []any {
	var events []any
	for from := 0; from < n; from += most {
		events = append(events, map[string]any{"items": list(from, min(n, from+most), make), "first": true})
	}
	return events
}

// benchRecipes says what runs of charms of some size cost: in the VM, which loads
// documents from a store and hands back those that changed, and in the commit.
func benchRecipes(settings) (r report, err error) {
	for _, s := range shapes() {
		figures, err := s.measure()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		r = append(r, figures...)
	}
	return r, nil
}

func (s shape) measure() (r report, err error) {
	dir, err := os.MkdirTemp("", "charmd-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	c, err := openShape(s, filepath.Join(dir, "charmd.db"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.machine.Close(), c.db.Close()) }()
	for _, event := range s.grow {
		if _, err := c.run(wire.ModeEvent, event); err != nil {
			return nil, fmt.Errorf("growing: %w", err)
		}
	}
	var costs []cost
	for n := range s.repeat {
		one, err := c.run(wire.ModeEvent, s.event(n))
		if err != nil {
			return nil, err
		}
		costs = append(costs, one)
	}
	slices.SortFunc(costs, func(a, b cost) int { return int(a.cpu - b.cpu) })
	return costs[len(costs)/2].figures(s.name), nil
}

// cost is what one run took.
type cost struct {
	vm, commit, cpu           time.Duration // cpu of the VM
	loaded, asked             int           // documents; questions for them
	committed, bytes, vmBytes int           // documents; bytes of them; bytes of memory at most
}

func (c cost) figures(name string) report {
	ms := func(d time.Duration) float64 { return round(float64(d) / float64(time.Millisecond)) }
	return report{
		{name + "_ms", ms(c.vm + c.commit)},
		{name + "_vm_cpu_ms", ms(c.cpu)},
		{name + "_commit_ms", ms(c.commit)},
		{name + "_documents_loaded", c.loaded},
		{name + "_questions", c.asked},
		{name + "_documents_committed", c.committed},
		{name + "_bytes_committed", c.bytes},
		{name + "_vm_mb", round(float64(c.vmBytes) / (1 << 20))},
	}
}

// live is a charm in a store of its own, and the VM that runs it. It is the host
// of its runs.
type live struct {
	still   // no network
	db      *sqlite.DB
	memory  *memory.Memory
	space   charm.Space
	machine *inside.Machine
	task    wire.Task
	ahead   []string // what the last run read
	served  map[string]memory.Version
	asked   int
}

func openShape(s shape, path string) (_ *live, err error) {
	compiled := recipe.Compile(wire.CompileRequest{Entry: "recipe.tsx", Files: map[string]string{"recipe.tsx": s.source}})
	if len(compiled.Errors) > 0 {
		return nil, fmt.Errorf("compiling: %s", compiled.Errors[0].Text)
	}
	ctx := context.Background()
	c := &live{still: still{program: compiled.Program}}
	if c.db, err = sqlite.Open(ctx, path, sqlite.Options{Logger: slog.New(slog.DiscardHandler)}); err != nil {
		return nil, err
	}
	c.memory = memory.New(c.db, "did:key:zOperator", time.Now)
	c.space = charm.Space{DID: "did:key:z6Mkj5HyygpAVo2baUcx7kwTRoUbbBmk5egUQPHnV8arQ3SY", Name: "home", CreatedAt: time.Now(), Since: -1}
	err = c.db.Update(ctx, func(tx store.Tx) (err error) {
		c.space.Row, err = tx.PutSpace(c.space)
		return err
	})
	if err == nil {
		c.machine, err = inside.New(inside.Options{Prelude: prelude.Source, Host: c})
	}
	if err != nil {
		return nil, errors.Join(err, c.db.Close())
	}
	id := merkle.EntityID(nil, s.name)
	c.task = wire.Task{
		Charm: id.Link(), Process: merkle.ProcessID(id).Link(), Space: c.space.DID, Recipe: recipe.ID(compiled.Source),
		RecipeFile: "recipe.tsx", Now: time.Now().UnixMilli(), APIURL: "http://127.0.0.1:8000", Timeout: 10 * time.Minute,
		Stream: []string{"bgUpdater"},
	}
	if _, err = c.run(wire.ModeCast, nil); err != nil {
		err = errors.Join(err, c.machine.Close(), c.db.Close())
	}
	return c, err
}

// Documents serves documents as they are in the store.
func (c *live) Documents(ids []string) ([]wire.Document, error) {
	c.asked++
	return c.read(ids)
}

func (c *live) read(ids []string) (docs []wire.Document, err error) {
	size := 0
	err = c.db.View(context.Background(), func(r store.Reader) error {
		for _, id := range ids {
			of := memory.Of(id)
			head, err := r.Head(c.space.Row, memory.JSON, of)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if size += len(head.Is); size > charm.MaxReplyBytes && len(docs) > 0 {
				break
			}
			docs = append(docs, wire.Document{ID: id, Text: head.Is})
			c.served[id] = memory.Version{The: memory.JSON, Of: of, Ref: merkle.Ref(head.Ref)}
		}
		return nil
	})
	return docs, err
}

// run makes one run and commits what it changed.
func (c *live) run(mode string, event any) (cost, error) {
	c.served, c.asked = map[string]memory.Version{}, 0
	c.task.Mode, c.task.Event = mode, nil
	if event != nil {
		text, err := json.Marshal(event)
		if err != nil {
			return cost{}, err
		}
		c.task.Event = text
	}
	c.task.Seed++
	c.task.Run = strconv.FormatUint(c.task.Seed, 10)
	began := time.Now()
	var err error
	if c.task.Documents, err = c.read(append([]string{c.task.Charm, c.task.Process}, c.ahead...)); err != nil {
		return cost{}, err
	}
	result := c.machine.Run(&c.task)
	one := cost{vm: time.Since(began), cpu: result.CPU, loaded: len(result.Read), asked: c.asked, committed: len(result.Changed), vmBytes: int(result.PeakBytes)}
	if result.Ended != wire.Finished || len(result.Report.Failures) > 0 {
		return cost{}, fmt.Errorf("the run ended as %s: %+v %v", result.Ended, result.Reason, result.Report.Failures)
	}
	c.ahead = result.Read[:min(len(result.Read), predicted)]
	if result.Report.Memo != nil {
		c.task.Memo = result.Report.Memo
	}
	for _, doc := range result.Changed {
		one.bytes += len(doc.Text)
	}
	began = time.Now()
	err = c.commit(result)
	one.commit = time.Since(began)
	return one, err
}

// predicted is how many documents the service sends ahead of a run.
const predicted = 8192

func (c *live) commit(result *wire.Result) error {
	if len(result.Changed) == 0 {
		return nil
	}
	var changes []memory.Change
	for _, doc := range result.Changed {
		v, err := jsontext.Parse(doc.Text, jsontext.DefaultLimits)
		if err != nil {
			return err
		}
		version := c.served[doc.ID]
		changes = append(changes, memory.Assert(version.Of, version.Cause(), v))
	}
	draft, err := memory.NewDraft(c.space, c.memory.Issuer(), changes, nil, time.Now())
	if err != nil {
		return err
	}
	_, err = c.memory.Transact(context.Background(), draft)
	return err
}
