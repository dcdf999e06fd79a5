package pool

import (
	"cmp"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"charmd/internal/sandbox"
	"charmd/internal/wire"
)

// job is one task given to one worker, as the worker's reader sees it.
type job interface {
	// name is for people.
	name() string
	// take is called with each message; done says that it was the last. An error
	// is a violation of the protocol and the end of the worker.
	take(m wire.Message) (done bool, err error)
	// ended is called once, when the last message is in or the worker is dead.
	ended(e Exit)
}

// worker is one process. Its reader, serve, is the only one that reads from it.
type worker struct {
	pool   *Pool
	proc   *process
	out    *wire.Writer
	stderr *drain
	gauge  gauge
	born   time.Time
	walls  sandbox.Report // set by the reader before the worker is offered

	holder *string // the space whose task has it, nil when none has; guarded by the pool

	mu       sync.Mutex
	job      job // nil when idle
	since    time.Time
	done     int    // tasks
	resident int64  // bytes, after the last task
	used     bool   // it was given a task
	ready    bool   // it said hello
	leaving  string // why it was told to exit; "" when it was not
	doom     *Exit  // why it was killed
}

func newWorker(p *Pool, proc *process, born time.Time) *worker {
	return &worker{
		pool: p, proc: proc, out: wire.NewWriter(proc.tasks), stderr: newDrain(proc.errors),
		gauge: newGauge(proc.pid()), born: born,
	}
}

// serve reads what the worker sends until it is dead, and sees to its end.
func (w *worker) serve() {
	greeted, err := w.listen()
	if wire.IsViolation(err) {
		w.kill(Exit{Kind: Protocol, Detail: printable(err.Error())})
	}
	// A process that closes its pipe has nothing left to do.
	slow := time.AfterFunc(time.Second, func() { w.kill(wentOn) })
	state, _ := w.proc.os.Wait()
	slow.Stop()
	stderr := w.stderr.all()
	_ = w.proc.tasks.Close()
	_ = w.proc.frames.Close()
	_ = w.proc.errors.Close()
	w.gauge.close()

	w.mu.Lock()
	j, used := w.job, w.used
	w.job = nil
	var e Exit
	if w.doom != nil && w.doom.holds(state) {
		e = *w.doom
	} else if e = autopsy(state, stderr, w.proc.leaf.Killed()); errors.Is(err, io.ErrUnexpectedEOF) && state.Success() {
		e = Exit{Kind: Protocol, Detail: "exited in the middle of a message"}
	}
	w.doom = &e
	w.mu.Unlock()
	w.proc.leaf.Remove() // before the pool is told, with whose last worker the service may end
	e.Ended, e.PeakRSS = w.pool.o.Now(), peakMemory(state)
	if !w.retired() {
		w.pool.o.Logger.Warn("a worker process ended", "pid", w.proc.pid(), "kind", e.Kind, "detail", e.Detail, "stderr", stderr)
	}
	w.ended(e)
	w.pool.lost(w, greeted, used, e.Detail)
	if j != nil {
		j.ended(e)
	}
}

// listen handles messages until the pipe ends or the protocol is broken.
func (w *worker) listen() (greeted bool, err error) {
	frames := wire.NewReader(w.proc.frames, wire.Child)
	silent := time.AfterFunc(helloTimeout, func() {
		w.kill(Exit{Kind: Crashed, Detail: "did not say hello in time"})
	})
	m, err := frames.Next()
	silent.Stop()
	if err != nil {
		return false, err
	}
	hello, ok := m.(*wire.Hello)
	if !ok {
		return false, wire.Violationf("the first message is %T", m)
	}
	if w.walls, err = sandbox.Parse(hello.Sandbox); err != nil {
		return false, wire.Violationf("%v", err)
	}
	w.walls.Cgroup = w.proc.cgroup
	if down := w.walls.Down(); w.pool.o.RequireSandbox && len(down) > 0 {
		w.pool.mu.Lock()
		w.pool.know(w.walls)
		w.pool.mu.Unlock()
		w.kill(Exit{Kind: Crashed, Detail: lacking(down)})
		return false, nil
	}
	w.pool.greeted(w, hello)
	for {
		m, err := frames.Next()
		if err != nil {
			return true, err
		}
		if err := w.take(m); err != nil {
			return true, err
		}
	}
}

// take gives a message to the job, and the worker back when it was the last.
func (w *worker) take(m wire.Message) error {
	w.mu.Lock()
	j := w.job
	w.mu.Unlock()
	if j == nil {
		return wire.Violationf("%T without a task", m)
	}
	done, err := j.take(m)
	if err != nil || !done {
		return err
	}
	now := w.pool.o.Now()
	resident := w.gauge.resident()
	w.mu.Lock()
	if w.doom != nil { // killed a moment ago: the result came too late
		w.mu.Unlock()
		return nil
	}
	w.job, w.since = nil, time.Time{}
	w.done++
	w.resident = resident
	worn := ""
	switch {
	case w.done >= w.pool.o.RunsPerWorker:
		worn = EndedWorn
	case resident > largeWorker:
		worn = EndedLarge
	}
	w.mu.Unlock()
	w.pool.useful()
	if worn != "" {
		w.retire(worn, w.pool.o.Grace)
	} else {
		w.pool.offer(w)
	}
	j.ended(Exit{Kind: Done, Ended: now, PeakRSS: resident})
	return nil
}

// begin hands a task over. After an error that is no violation the worker is
// dead or dying and has not begun: a task begins when all of it is there. After
// a violation nothing was sent and the worker is free.
func (w *worker) begin(j job, m wire.Message) error {
	w.mu.Lock()
	if w.doom != nil {
		w.mu.Unlock()
		return io.ErrClosedPipe
	}
	w.job, w.since = j, time.Now()
	w.used = true
	w.mu.Unlock()
	w.stderr.forget()
	err := w.out.Send(m)
	if err == nil {
		return nil
	}
	w.mu.Lock()
	if w.job == j {
		w.job = nil
	}
	w.mu.Unlock()
	if wire.IsViolation(err) {
		w.pool.offer(w)
	} else {
		w.kill(Exit{Kind: Crashed, Detail: "does not take tasks"})
	}
	return err
}

// kill ends the process at once; the first reason counts.
func (w *worker) kill(why Exit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.killLocked(why)
}

// killDuring ends the process unless j has ended already.
func (w *worker) killDuring(j job, why Exit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.job == j {
		w.killLocked(why)
	}
}

func (w *worker) killLocked(why Exit) {
	if w.doom == nil {
		w.doom = &why
		_ = w.proc.os.Kill()
	}
}

// retire tells an idle worker to exit, by the end of its pipe, and kills it when
// it does not; why is for Options.Ended.
func (w *worker) retire(why string, grace time.Duration) {
	w.mu.Lock()
	w.leaving = why
	w.mu.Unlock()
	_ = w.proc.tasks.Close()
	time.AfterFunc(grace, func() { w.kill(Exit{Kind: Cancelled, Detail: "did not exit when told to"}) })
}

func (w *worker) retired() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.leaving != ""
}

// statuses are the workers as people see them, oldest first.
func statuses(workers []*worker) []WorkerStatus {
	slices.SortFunc(workers, func(a, b *worker) int {
		return cmp.Or(a.born.Compare(b.born), cmp.Compare(a.proc.pid(), b.proc.pid()))
	})
	out := make([]WorkerStatus, len(workers))
	for i, w := range workers {
		w.mu.Lock()
		out[i] = WorkerStatus{PID: w.proc.pid(), Since: w.since, Started: w.born, Runs: w.done, MemoryBytes: w.resident}
		if w.job != nil {
			out[i].Task = w.job.name()
		}
		w.mu.Unlock()
	}
	return out
}
