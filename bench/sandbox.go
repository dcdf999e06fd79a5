package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync/atomic"
	"time"

	"charmd/internal/engine"
	"charmd/internal/recipe"
	"charmd/internal/sandbox"
	"charmd/internal/wire"
)

// behind makes this program a process behind walls, or none: the word is followed
// by noWalls or what the worker's Enter is told of its namespaces, and by what the
// process is to do.
const behind = "behind"

const (
	noWalls  = "none"
	workHi   = "greet" // say that it is ready
	workRuns = "run"   // and then run counters, and pass bytes through a pipe
)

// greeting is the first thing that such a process says.
type greeting struct{ Standing string }

// work is what its runs cost, in microseconds.
type work struct{ Run, Pipe float64 }

// runBehind is the process.
func runBehind(namespaces, what string) error {
	back, forth, err := os.Pipe() // afterwards there are none to be had
	if err != nil {
		return err
	}
	var r sandbox.Report
	if namespaces != noWalls {
		r = sandbox.Enter(sandbox.Limits{ArenaBytes: engine.DefaultArenaBytes}, namespaces)
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(greeting{r.Standing()}); err != nil || what != workRuns {
		return err
	}
	compiled := recipe.Compile(wire.CompileRequest{Entry: "counter.tsx", Files: map[string]string{"counter.tsx": calm}})
	var runs atomic.Int64
	const window = time.Second
	if err := loopRuns(compiled, time.Now().Add(window), &runs); err != nil {
		return err
	}
	w := work{Run: float64(window.Microseconds()) / float64(runs.Load())}
	const passes = 50_000
	frame := make([]byte, 512)
	began := time.Now()
	for range passes {
		if _, err := forth.Write(frame); err != nil {
			return err
		}
		if _, err := back.Read(frame); err != nil {
			return err
		}
	}
	w.Pipe = float64(time.Since(began).Nanoseconds()) / 1000 / passes
	return out.Encode(w)
}

// wall is one way to start such a process.
type wall struct {
	name       string // in the figures
	namespaces string
	own        bool
}

// spawned is what a start took: until the greeting, and of the processor in all, in
// this process and in the other one.
type spawned struct{ took, cpu time.Duration }

// start starts the process and returns what that took, the greeting, and its end.
func (w wall) start(what string) (s spawned, g greeting, done work, err error) {
	exe := "/proc/self/exe" // which whoever may not reach the file can start too
	if _, err := os.Stat(exe); err != nil {
		if exe, err = os.Executable(); err != nil {
			return s, g, done, err
		}
	}
	cmd := exec.Command(exe, behind, w.namespaces, what)
	cmd.Env, cmd.Stderr = []string{"GODEBUG=containermaxprocs=0,updatemaxprocs=0"}, os.Stderr
	if w.own {
		cmd.SysProcAttr = sandbox.Attributes(true, sandbox.Users()[0])
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return s, g, done, err
	}
	began, before := time.Now(), ownCPU()
	if err := cmd.Start(); err != nil {
		return s, g, done, err
	}
	said := json.NewDecoder(stdout)
	err = said.Decode(&g)
	s.took = time.Since(began)
	if what == workRuns {
		err = errors.Join(err, said.Decode(&done))
	}
	err = errors.Join(err, cmd.Wait())
	s.cpu = ownCPU() - before + cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return s, g, done, err
}

// benchSandbox measures the walls around a worker, in turns with none so that a
// machine that drifts does so for all.
func benchSandbox(settings) (report, error) {
	ways := []wall{{name: "without", namespaces: noWalls}, {name: "without_namespaces", namespaces: "not asked for"}, {name: "with", namespaces: sandbox.Own, own: true}}
	if len(sandbox.Users()) == 0 {
		return nil, errors.New("there are no walls on this system")
	}
	var r report
	const spawns, rounds = 100, 3
	took, cpu, standing := map[string][]time.Duration{}, map[string][]time.Duration{}, ""
	for range spawns {
		for _, w := range ways {
			s, g, _, err := w.start(workHi)
			if err != nil {
				return nil, fmt.Errorf("%s walls: %w", w.name, err)
			}
			took[w.name], cpu[w.name], standing = append(took[w.name], s.took), append(cpu[w.name], s.cpu), g.Standing
		}
	}
	ms := func(d time.Duration) float64 { return round(float64(d.Microseconds()) / 1000) }
	for _, w := range ways {
		slices.Sort(took[w.name])
		slices.Sort(cpu[w.name])
		r = append(r, figure{"spawn_" + w.name + "_ms", ms(took[w.name][spawns/2])}, figure{"spawn_" + w.name + "_quickest_ms", ms(took[w.name][0])},
			figure{"spawn_" + w.name + "_cpu_ms", ms(cpu[w.name][spawns/2])})
	}
	cost := func(of map[string][]time.Duration, n int) float64 { return ms(of["with"][n] - of["without"][n]) }
	r = append(r, figure{"spawn_cost_ms", cost(took, spawns/2)}, figure{"spawn_cost_quickest_ms", cost(took, 0)},
		figure{"spawn_cost_cpu_ms", cost(cpu, spawns/2)}, figure{"spawn_cost_quickest_cpu_ms", cost(cpu, 0)}, figure{"walls", standing})

	best := map[string]work{}
	for range rounds {
		for _, w := range []wall{ways[0], ways[2]} {
			_, _, done, err := w.start(workRuns)
			if err != nil {
				return nil, fmt.Errorf("runs %s walls: %w", w.name, err)
			}
			if b, found := best[w.name]; found {
				done = work{min(b.Run, done.Run), min(b.Pipe, done.Pipe)}
			}
			best[w.name] = done
		}
	}
	for _, w := range []string{"without", "with"} {
		r = append(r, figure{"run_" + w + "_us", round(best[w].Run)}, figure{"pipe_" + w + "_us", round(best[w].Pipe)})
	}
	return r, nil
}
