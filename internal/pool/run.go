package pool

import (
	"context"
	"fmt"
	"sync"
	"time"

	"charmd/internal/charm"
	"charmd/internal/wire"
)

// politeness is how much longer than its timeout a run may take: the worker ends
// it by itself in most cases, and can say so, and lives on.
const politeness = 300 * time.Millisecond

// handovers is how many workers may die before they have taken a task whole.
const handovers = 3

// Run gives a task to the next free worker and answers its requests until it
// ends. timeout is wall time from then on; afterwards the worker is killed. A
// task whose ctx is done is taken from the queue, or its worker is killed. The
// result is of use only when Exit.Kind is Done. All calls of host have returned.
func (p *Pool) Run(ctx context.Context, task wire.Task, timeout time.Duration, host Host) (wire.Result, Exit) {
	task.Timeout = timeout
	task.Documents = upTo(task.Documents, charm.MaxReplyBytes, 0)
	var err error
	for range handovers {
		var w *worker
		if w, err = p.acquire(ctx, task.Space); err != nil {
			kind := NotDispatched
			if ctx.Err() != nil {
				kind = Cancelled
			}
			return wire.Result{}, Exit{Kind: kind, Detail: err.Error(), Ended: p.o.Now()}
		}
		r := newRun(ctx, w, &task, host)
		if err = r.dispatch(ctx, timeout); err == nil {
			host.Dispatched()
			return r.wait()
		}
		if wire.IsViolation(err) {
			break
		}
	}
	return wire.Result{}, Exit{Kind: NotDispatched, Detail: fmt.Sprintf("handing the task over: %v", err), Ended: p.o.Now()}
}

// run is the conversation about one task of Pool.Run. Its fields belong to the
// worker's reader until ended is called.
type run struct {
	worker *worker
	task   *wire.Task
	host   Host
	ctx    context.Context // done when the run has ended
	cancel context.CancelFunc
	calls  sync.WaitGroup // fetches in flight

	served   map[string]bool // ids of documents the worker was given
	needs    uint64          // questions for documents so far
	fetches  fetches
	logBytes int
	gotCode  bool
	result   wire.Result

	started time.Time
	disarm  func()    // takes back what would kill the worker
	end     chan Exit // capacity 1
}

func newRun(ctx context.Context, w *worker, task *wire.Task, host Host) *run {
	r := &run{worker: w, task: task, host: host, served: make(map[string]bool, len(task.Documents)), end: make(chan Exit, 1)}
	r.ctx, r.cancel = context.WithCancel(ctx)
	for _, d := range task.Documents {
		r.served[d.ID] = true
	}
	return r
}

// dispatch hands the task over and sets its end.
func (r *run) dispatch(ctx context.Context, timeout time.Duration) error {
	r.started = r.worker.pool.o.Now()
	began := time.Now()
	late := time.AfterFunc(timeout+politeness, func() {
		if time.Since(began) > timeout+2*politeness {
			// The service itself was stopped for a while, and has not read yet what
			// the worker may have said in time.
			select {
			case <-r.ctx.Done():
			case <-time.After(politeness):
			}
		}
		r.worker.killDuring(r, Exit{Kind: TimedOut, Detail: fmt.Sprintf("still running after %s", charm.ShortDuration(timeout))})
		r.cancel()
	})
	unwanted := context.AfterFunc(ctx, func() {
		r.worker.killDuring(r, Exit{Kind: Cancelled, Detail: "cancelled"})
	})
	r.disarm = func() { late.Stop(); unwanted(); r.cancel() }
	err := r.worker.begin(r, r.task)
	if err != nil {
		r.disarm()
	}
	return err
}

// wait is the end of the run.
func (r *run) wait() (wire.Result, Exit) {
	e := <-r.end
	r.disarm()
	r.calls.Wait()
	e.Dispatched, e.Walls = r.started, r.worker.walls.Standing()
	return r.result, e
}

func (r *run) name() string { return r.task.Run }

func (r *run) ended(e Exit) {
	if e.Kind == Done {
		switch {
		case r.result.Ended == wire.OutOfMemory:
			e.Kind, e.Detail = OutOfMemory, "the VM's memory is used up"
		case r.result.Ended == wire.EndedEarly && r.result.Reason.Kind == wire.ReasonTimeout:
			e.Kind, e.Detail = TimedOut, fmt.Sprintf("still running after %s", r.task.Timeout)
		}
	}
	r.end <- e
}

// take answers one message of the worker.
func (r *run) take(m wire.Message) (done bool, err error) {
	switch m := m.(type) {
	case *wire.Need:
		return false, r.need(m)
	case *wire.NeedCode:
		return false, r.needCode(m)
	case *wire.Fetch:
		return false, r.fetch(m)
	case *wire.Cancel:
		return false, r.fetches.cancel(m.Op)
	case *wire.Log:
		return false, r.log(m)
	case *wire.Result:
		if err := r.check(m); err != nil {
			return false, err
		}
		r.result = *m
		return true, nil
	}
	return false, wire.Violationf("%T during a run", m)
}

func (r *run) need(m *wire.Need) error {
	if r.needs++; m.Seq != r.needs {
		return wire.Violationf("question %d for documents where number %d is due", m.Seq, r.needs)
	}
	answer := wire.Documents{Seq: m.Seq}
	docs, err := r.host.Documents(r.ctx, m.IDs)
	if err == nil {
		docs, err = served(docs, m.IDs[0])
	}
	if err != nil {
		answer.Error = err.Error()
	} else {
		answer.Documents = docs
	}
	for _, d := range answer.Documents {
		r.served[d.ID] = true
	}
	if len(r.served) > charm.MaxDocumentsPerRun {
		return wire.Violationf("more than %d documents", charm.MaxDocumentsPerRun)
	}
	r.send(&answer)
	return nil
}

// served puts the document that is waited for first and cuts the answer to the
// size of one reply.
func served(docs []wire.Document, first string) ([]wire.Document, error) {
	for i, d := range docs {
		if d.ID == first {
			docs[0], docs[i] = docs[i], docs[0]
			return upTo(docs, charm.MaxReplyBytes, 1), nil
		}
	}
	return nil, fmt.Errorf("document %s was not served", first)
}

// upTo is the documents from the start whose texts are together at most limit
// bytes, but at least the first least.
func upTo(docs []wire.Document, limit, least int) []wire.Document {
	for i, d := range docs {
		if limit -= len(d.Text); limit < 0 && i >= least {
			return docs[:i]
		}
	}
	return docs
}

func (r *run) needCode(m *wire.NeedCode) error {
	if m.Recipe != r.task.Recipe || r.gotCode {
		return wire.Violationf("asks for the program of %q", printable(m.Recipe))
	}
	r.gotCode = true
	answer := wire.Code{Recipe: m.Recipe}
	program, err := r.host.Program(r.ctx, m.Recipe)
	if err != nil {
		answer.Error = err.Error()
	} else {
		answer.Program = program
	}
	r.send(&answer)
	return nil
}

// log passes console lines on. The worker caps them itself; one that does not is
// not believed any more.
func (r *run) log(m *wire.Log) error {
	for _, l := range m.Lines {
		r.logBytes += len(l.Text)
	}
	if r.logBytes > 2*charm.MaxLogBytes {
		return wire.Violationf("%d bytes of log", r.logBytes)
	}
	r.host.Log(m.Lines)
	return nil
}

// check judges a result by what was served.
func (r *run) check(m *wire.Result) error {
	if m.Run != r.task.Run {
		return wire.Violationf("result of run %q, which it was not given", printable(m.Run))
	}
	for _, id := range m.Read {
		if !r.served[id] {
			return wire.Violationf("says it read document %q, which it was not given", printable(id))
		}
	}
	for _, d := range m.Changed {
		if !r.served[d.ID] {
			return wire.Violationf("sent document %q, which it was not given", printable(d.ID))
		}
	}
	return nil
}

// send answers the worker. When the pipe fails the reader will find out why; an
// answer that is too large becomes an error.
func (r *run) send(m wire.Message) {
	err := r.worker.out.Send(m)
	if !wire.IsViolation(err) {
		return
	}
	switch m := m.(type) {
	case *wire.Documents:
		m.Documents, m.Error = nil, err.Error()
	case *wire.Code:
		m.Program, m.Error = "", err.Error()
	case *wire.Reply:
		*m = wire.Reply{Op: m.Op, Error: err.Error(), Code: string(charm.CodeTooLarge), Elapsed: m.Elapsed}
	}
	if err := r.worker.out.Send(m); wire.IsViolation(err) {
		r.worker.killDuring(r, Exit{Kind: Crashed, Detail: printable("answering: " + err.Error())})
	}
}
