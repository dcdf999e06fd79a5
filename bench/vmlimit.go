package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"charmd/internal/merkle"
	"charmd/internal/prelude"
	"charmd/internal/recipe"
	"charmd/internal/wire"
	"charmd/internal/worker/inside"
)

// still answers a run from documents that never change.
type still struct {
	program string
	docs    map[string][]byte
}

func (s *still) Documents(ids []string) ([]wire.Document, error) {
	docs := make([]wire.Document, len(ids))
	for i, id := range ids {
		docs[i] = wire.Document{ID: id, Text: s.docs[id]}
	}
	return docs, nil
}

func (s *still) Program(string) (string, error) { return s.program, nil }
func (s *still) Fetch(*wire.Fetch) error        { return errors.New("there is no network here") }
func (s *still) Cancel(uint64)                  {}
func (s *still) Replies() <-chan *wire.Reply    { return nil }
func (s *still) Log([]wire.LogLine)             {}

// vmLimit is how many counter runs a second the VM alone can make on all cores:
// heap put back, charm instantiated, event handled, changeset written, and then
// thrown away. Nothing is stored and no process is talked to.
func vmLimit(window time.Duration) (float64, error) {
	compiled := recipe.Compile(wire.CompileRequest{Entry: "counter.tsx", Files: map[string]string{"counter.tsx": counting}})
	if len(compiled.Errors) > 0 {
		return 0, fmt.Errorf("compiling the counter: %s", compiled.Errors[0].Text)
	}
	var runs atomic.Int64
	var all sync.WaitGroup
	failed := make(chan error, cores())
	started := time.Now()
	for range cores() {
		all.Go(func() { failed <- loopRuns(compiled, started.Add(window), &runs) })
	}
	all.Wait()
	elapsed := time.Since(started)
	close(failed)
	for err := range failed {
		if err != nil {
			return 0, err
		}
	}
	return float64(runs.Load()) / elapsed.Seconds(), nil
}

func loopRuns(compiled wire.Compiled, until time.Time, runs *atomic.Int64) (err error) {
	host := &still{program: compiled.Program, docs: map[string][]byte{}}
	machine, err := inside.New(inside.Options{Prelude: prelude.Source, Host: host})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, machine.Close()) }()
	id := merkle.EntityID(nil, "bench")
	task := wire.Task{
		Run: "0", Mode: wire.ModeCast, Charm: id.Link(), Process: merkle.ProcessID(id).Link(), Space: "did:key:zBench",
		Recipe: recipe.ID(compiled.Source), RecipeFile: "counter.tsx", Now: time.Now().UnixMilli(), Seed: 1,
		APIURL: "http://127.0.0.1:8000", Timeout: time.Minute,
	}
	cast := machine.Run(&task)
	if cast.Ended != wire.Finished {
		return fmt.Errorf("making the counter ended as %s: %+v", cast.Ended, cast.Load)
	}
	for _, doc := range cast.Changed {
		host.docs[doc.ID] = doc.Text
		task.Documents = append(task.Documents, doc)
	}
	task.Mode, task.Stream, task.Event = wire.ModeEvent, []string{"bgUpdater"}, json.RawMessage("{}")
	for n := uint64(1); time.Now().Before(until); n++ {
		task.Run, task.Seed = strconv.FormatUint(n, 10), n
		result := machine.Run(&task)
		if result.Ended != wire.Finished || len(result.Changed) != 1 {
			return fmt.Errorf("a run of the counter ended as %s with %d changes", result.Ended, len(result.Changed))
		}
		runs.Add(1)
	}
	return nil
}
