package pool

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"charmd/internal/sandbox"
	"charmd/internal/wire"
)

// environment is all that a worker gets of it. Go would otherwise hold two files
// open to follow the number of processors.
var environment = []string{"GODEBUG=containermaxprocs=0,updatemaxprocs=0"}

// arguments are the worker's command line.
func arguments(o Options) []string {
	return []string{workerMode, "-arena", strconv.Itoa(o.ArenaBytes), "-rebuild=" + strconv.FormatBool(o.Rebuild), ownerArgument + o.Owner}
}

// The words of a worker's command line by which it is known.
const (
	workerMode    = "worker"
	ownerArgument = "-owner="
)

// executable is the program to start, exactly the one that is running unless
// another is named, even after it has been replaced on disk.
func executable(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	exe, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this executable, to start workers: %w", err)
	}
	return exe, nil
}

// restock starts the next worker when one is missing, with p.mu held. One starts
// at a time, so that the first is ready soonest.
func (p *Pool) restock() {
	if p.closing || p.starting || len(p.workers) >= p.o.Workers {
		return
	}
	p.starting = true
	if p.failures == 0 {
		go p.start()
		return
	}
	wait := min(firstRestartWait<<min(p.failures-1, 16), maxRestartWait)
	p.restart = time.AfterFunc(wait, p.start)
}

// start launches one worker and, until it dies, reads what it sends.
func (p *Pool) start() {
	began := time.Now()
	proc, err := p.launch()
	if err != nil {
		p.o.Ended(NotStarted)
		p.mu.Lock()
		p.starting = false
		p.useless(fmt.Sprintf("starting a process: %v", err))
		p.restock()
		p.finish()
		p.mu.Unlock()
		return
	}
	w := newWorker(p, proc, began)
	p.mu.Lock()
	p.workers[w] = struct{}{}
	if p.closing {
		w.retire(EndedStopping, p.o.Grace)
	}
	p.mu.Unlock()
	w.serve()
}

// greeted makes a worker that said hello available.
func (p *Pool) greeted(w *worker, h *wire.Hello) {
	p.mu.Lock()
	p.starting = false
	before := p.know(w.walls)
	p.restock()
	p.finish()
	p.mu.Unlock()
	w.mu.Lock()
	w.ready = true
	w.mu.Unlock()
	took := time.Since(w.born)
	p.o.Started(took)
	if w.walls != before {
		p.tellWalls(w.walls)
	}
	p.o.Logger.Debug("worker ready", "pid", w.proc.pid(), "start", took)
	p.offer(w)
}

// know takes note of the walls around a new worker, with p.mu held, and returns
// those of the one before.
func (p *Pool) know(r sandbox.Report) (before sandbox.Report) {
	before, p.walls = p.walls, r
	p.tell()
	return before
}

// tell lets Require go on, with p.mu held.
func (p *Pool) tell() {
	select {
	case <-p.told:
	default:
		close(p.told)
	}
}

// lacking says which walls are down and why.
func lacking(down []sandbox.Named) string {
	parts := make([]string, len(down))
	for i, l := range down {
		parts[i] = fmt.Sprintf("%s (%s)", l.Name, l.Reason)
	}
	return "walls around worker processes are down: " + strings.Join(parts, ", ")
}

// tellWalls logs which walls around workers are down that this version could raise.
func (p *Pool) tellWalls(r sandbox.Report) {
	if r.Cgroup.State == sandbox.Unavailable { // as on most machines
		p.o.Logger.Info("workers have no cgroups of their own", "reason", r.Cgroup.Reason)
	}
	for _, l := range r.Down() {
		if l.State == sandbox.Unavailable {
			p.o.Logger.Warn("a wall around worker processes is down", "layer", l.Name, "reason", l.Reason)
		}
	}
}

// lost takes a dead worker off the books. used tells whether it was ever given a
// task; one that was not is a sign that no worker can work.
func (p *Pool) lost(w *worker, greeted, used bool, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.workers, w)
	p.returned(w)
	for i, other := range p.idle {
		if other == w {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			break
		}
	}
	if !greeted {
		p.starting = false
	}
	switch {
	case p.closing || w.retired():
	case used:
		p.failures = 0
	default:
		p.useless(why)
	}
	p.restock()
	p.finish()
}

// useless counts a worker that was never of use, with p.mu held. From a number of
// them on, the tasks that wait now are refused; a later one waits for the next
// attempt.
func (p *Pool) useless(why string) {
	p.failures++
	p.o.Logger.Error("a worker process was of no use", "reason", why, "inARow", p.failures)
	if p.failures >= mostFailures {
		p.tell()
		p.refuse(fmt.Errorf("workers do not start: %s", why))
	}
}

// useful notes that a worker did a task.
func (p *Pool) useful() {
	p.mu.Lock()
	p.failures = 0
	p.mu.Unlock()
}
