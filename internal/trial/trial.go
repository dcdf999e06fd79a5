// Package trial runs a recipe that is no charm yet: it is compiled, made a charm
// of and sent events in real worker processes, in a store that is thrown away. It
// exists so that people can try code without a daemon, and see what it would do.
package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"charmd/internal/api"
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/manager"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/pool"
	"charmd/internal/runcharm"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/wire"
)

// Options say what to try.
type Options struct {
	Entry      string            // a key of Files
	Files      map[string]string // text by path
	Argument   json.RawMessage   // may be nil
	Stream     []string          // path from the result; nil: bgUpdater, when there is one
	Events     []json.RawMessage // sent one after another; nil: one {}
	Replies    []egress.Recorded // answer requests in place of the network
	Offline    bool              // only Replies do
	AllowHosts []string          // private hosts that may be reached
	Proxy      *egress.Proxy     // by which requests go outside; nil for none
	Timeout    time.Duration     // of each run
	WorkerExe  string            // program to start workers with; "" is this one
	Logger     *slog.Logger
	Now        func() time.Time
}

// Report is what a trial came to, and the replies that it got.
type Report struct {
	api.Tried
	Recorded []egress.Recorded
}

// updater is the stream the service sends to.
var updater = []string{"bgUpdater"}

// apiURL is what the recipe is told of the service; nothing answers there.
const apiURL = "http://127.0.0.1:8000"

// Run tries a recipe. An error is one of trying; what the recipe does wrong is in
// the report, but for source that does not compile (CodeCompile). Run, clock and
// random numbers follow from the options alone.
func Run(ctx context.Context, o Options) (_ Report, err error) {
	dir, err := os.MkdirTemp("", "charmd-test-")
	if err != nil {
		return Report{}, fmt.Errorf("a folder for the trial: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := sqlite.Open(ctx, filepath.Join(dir, "trial.db"), sqlite.Options{})
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	workers, err := pool.New(pool.Options{Exe: o.WorkerExe, Workers: 1, Logger: o.Logger})
	if err == nil {
		err = workers.Start(ctx)
	}
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, workers.Close(context.WithoutCancel(ctx))) }()
	door, err := egress.New(egress.Options{Limits: egress.DefaultLimits(), AllowHosts: o.AllowHosts, Proxy: o.Proxy})
	if err != nil {
		return Report{}, err
	}
	defer door.Close()
	key := identity.FromPassphrase("trial")
	mem := memory.New(db, key.DID(), o.Now)
	t := &trial{o: o, store: db, memory: mem, charm: charm.Charm{
		Space: key.Derive("trial").DID(), SpaceName: "trial", ID: merkle.EntityID(nil, "trial").Link(), AllowHosts: o.AllowHosts,
	}}
	t.runner = runcharm.New(runcharm.Options{
		Store: db, Memory: mem, Pool: workers, Egress: door, APIURL: func() string { return apiURL }, Logger: o.Logger, Now: o.Now,
	})
	if o.Offline {
		t.tape = egress.NewTape(o.Replies)
	}
	return t.report, t.run(ctx)
}

// trial is one recipe being tried.
type trial struct {
	o      Options
	store  store.Store
	memory *memory.Memory
	runner *runcharm.Runner
	tape   *egress.Tape
	charm  charm.Charm
	recipe charm.Recipe
	steps  int
	report Report
}

func (t *trial) run(ctx context.Context) (err error) {
	if t.recipe, err = t.runner.Compile(ctx, t.o.Entry, t.o.Files); err != nil {
		return err
	}
	t.charm.Recipe = t.recipe.ID
	err = t.store.Update(ctx, func(tx store.Tx) error {
		_, err := tx.PutSpace(charm.Space{DID: t.charm.Space, Name: t.charm.SpaceName, CreatedAt: t.o.Now(), Since: -1})
		return err
	})
	if err != nil {
		return err
	}
	t.report.File, t.report.Events = t.recipe.Name, []api.TriedRun{}
	made, report, err := t.step(ctx, runcharm.Work{Mode: wire.ModeCast, Argument: t.o.Argument})
	t.report.Made, t.report.Updater = made, report.Updater
	if err != nil || made.Outcome != charm.OK {
		return err
	}
	if err := t.send(ctx); err != nil {
		return err
	}
	return t.readResult(ctx)
}

// send sends the events until one fails.
func (t *trial) send(ctx context.Context) error {
	stream, events := t.o.Stream, t.o.Events
	if stream == nil {
		stream = updater
		if !t.report.Updater && events == nil {
			return nil
		}
	}
	if events == nil {
		events = []json.RawMessage{json.RawMessage("{}")}
	}
	for _, event := range events {
		run, _, err := t.step(ctx, runcharm.Work{Mode: wire.ModeEvent, Stream: stream, Event: event})
		if err != nil {
			return err
		}
		run.Event = event
		t.report.Events = append(t.report.Events, run)
		if run.Outcome != charm.OK {
			return nil
		}
	}
	return nil
}

// step makes one run and keeps what it changed for the next one.
func (t *trial) step(ctx context.Context, w runcharm.Work) (run api.TriedRun, report wire.Report, err error) {
	t.steps++
	w.Run, w.Occasion = fmt.Sprintf("test-%d", t.steps), fmt.Sprintf("test-%d", t.steps)
	w.Charm, w.Recipe, w.Timeout, w.Replies = t.charm, &t.recipe, t.o.Timeout, t.tape
	session, err := t.runner.Open(ctx, w)
	if err != nil {
		return run, report, err
	}
	r := session.Attempt(ctx)
	if r.Outcome == charm.Lost || r.Outcome == charm.Cancelled {
		return run, report, charm.Errorf(charm.CodeUnavailable, "%s could not be run: %s", t.recipe.Name, r.Error)
	}
	if r.Recording != nil {
		t.report.Recorded = append(t.report.Recorded, r.Recording.Requests...)
	}
	run = api.TriedRun{
		Outcome: r.Outcome, Code: r.Code, Error: r.Error, Position: r.Position, Handler: r.Handler, DurationMs: float64(r.Ended.Sub(r.Started).Microseconds()) / 1000,
		Again: r.Report.Again, WroteNothing: r.WroteNothing(), Documents: []api.ChangedDocument{}, Requests: manager.AskedJSON(r.Asked), Log: r.Log,
	}
	if r.Draft != nil {
		err = t.store.Update(ctx, func(tx store.Tx) error { return t.keep(tx, r.Draft, &run) })
	}
	return run, r.Report, err
}

// keep commits what a run changed, and tells what that is.
func (t *trial) keep(tx store.Tx, draft *memory.Draft, run *api.TriedRun) error {
	before := map[string]any{}
	for _, c := range draft.Changes {
		before[c.Of] = jsontext.NewObject()
		head, err := tx.Head(draft.Space.Row, c.The, c.Of)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err == nil {
			before[c.Of], err = jsontext.Parse(head.Is, jsontext.DefaultLimits)
		}
		if err != nil {
			return err
		}
	}
	if _, err := t.memory.Commit(tx, draft, nil); err != nil {
		return err
	}
	space, err := tx.Space(t.charm.Space)
	if err != nil {
		return err
	}
	names, err := manager.DocumentNames(cell.NewSnapshot(tx, space), t.charm.ID)
	if err != nil {
		return err
	}
	for _, c := range draft.Changes {
		id := strings.TrimPrefix(c.Of, memory.Of(""))
		doc := manager.DocumentChange(id, names[id], before[c.Of], c.Is)
		doc.Created = before[c.Of].(*jsontext.Object).Len() == 0
		run.Documents = append(run.Documents, doc)
	}
	return nil
}

// readResult reads what the charm's cells hold in the end.
func (t *trial) readResult(ctx context.Context) error {
	return t.store.View(ctx, func(r store.Reader) error {
		space, err := r.Space(t.charm.Space)
		if err != nil {
			return err
		}
		v, exists, err := cell.Export(cell.NewSnapshot(r, space), cell.Location{ID: t.charm.ID})
		if exists {
			t.report.Result = jsontext.Append(nil, v)
		}
		return err
	})
}
