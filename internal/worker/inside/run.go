package inside

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"charmd/internal/engine"
	"charmd/internal/wire"
)

// run is the state of one run on the Go side.
type run struct {
	m        *Machine
	task     *wire.Task
	began    time.Time
	deadline time.Time
	loading  bool // the recipe's own code is running, not yet a run
	env      string

	docs    *documents
	log     *logbook
	clock   clock
	random  entropy
	timers  timers
	fetches fetches
	thrown  []wire.Failure // errors that nobody handled

	mu      sync.Mutex
	over    bool
	expired chan struct{} // closed when the time is over
}

func newRun(m *Machine, task *wire.Task) *run {
	began := time.Now()
	return &run{
		m: m, task: task, began: began, deadline: began.Add(task.Timeout), env: environment(task.APIURL, task.Occasion),
		docs: newDocuments(task.Documents), log: newLogbook(m.host.Log), clock: clock{now: float64(task.Now)},
		random: newEntropy(task.Seed), expired: make(chan struct{}),
	}
}

func environment(apiURL, occasion string) string {
	text, _ := json.Marshal(map[string]string{"apiUrl": apiURL, "occasion": occasion}) // strings always marshal
	return string(text)
}

// errExpired is why a run ended whose time is over.
var errExpired = errors.New("the run's time is over")

// arm lets the run stop itself at its deadline, politely; the parent kills what
// does not. The stop must not reach the next run.
func (r *run) arm() (disarm func()) {
	late := time.AfterFunc(time.Until(r.deadline), func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if !r.over {
			close(r.expired)
			r.m.vm.Stop()
		}
	})
	return func() {
		late.Stop()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.over = true
	}
}

// restore puts an image back. That takes back a stop that came just before it, so
// the time is looked at again.
func (r *run) restore(img *engine.Image) error {
	if err := r.m.vm.Restore(img); err != nil && !errors.Is(err, engine.ErrStopped) {
		panic(fmt.Sprintf("restoring the VM: %v", err))
	}
	return r.inTime()
}

// play makes the run up to its report.
func (r *run) play() (wire.Report, error) {
	img, err := r.m.imageOf(r)
	if err != nil {
		return wire.Report{}, err
	}
	if err := r.restore(img.heap); err != nil {
		return wire.Report{}, err
	}
	r.log.again(img.lines)
	r.m.vm.Seed(r.task.Seed)
	task, err := startTask(r.task)
	if err != nil {
		return wire.Report{}, err
	}
	if _, err := r.m.vm.Call("start", task); err != nil {
		return wire.Report{}, err
	}
	if err := r.settle(); err != nil {
		return wire.Report{}, err
	}
	text, err := r.m.vm.Call("finish")
	if err != nil {
		return wire.Report{}, err
	}
	if err := r.docs.askForNew(r); err != nil {
		return wire.Report{}, err
	}
	if err := r.judge(); err != nil {
		return wire.Report{}, err
	}
	report, err := wire.DecodeReport(text)
	if err != nil {
		return wire.Report{}, fmt.Errorf("the runtime's report: %w", err)
	}
	return report, nil
}

// judge notes the rejections that are still unhandled. Describing them runs code
// of the recipe, which may be the end of the run.
func (r *run) judge() error {
	for _, err := range r.m.vm.Rejections() {
		r.thrown = append(r.thrown, *failure("rejection", err))
	}
	r.thrown = r.thrown[:min(len(r.thrown), mostFailures)]
	if r.m.vm.OutOfMemory() {
		return engine.ErrOutOfMemory
	}
	return r.inTime()
}

// startTask is the task as the runtime in the VM takes it.
func startTask(t *wire.Task) (string, error) {
	text, err := json.Marshal(struct {
		Mode     string          `json:"mode"`
		Charm    string          `json:"charm"`
		Process  string          `json:"process"`
		Space    string          `json:"space"`
		Recipe   string          `json:"recipe"`
		Argument json.RawMessage `json:"argument,omitempty"`
		Document string          `json:"document,omitempty"`
		Stream   []string        `json:"stream,omitempty"`
		Event    json.RawMessage `json:"event,omitempty"`
		Run      string          `json:"run"`
		Memo     json.RawMessage `json:"memo,omitempty"`
		Stale    []string        `json:"stale,omitempty"`
	}{t.Mode, t.Charm, t.Process, t.Space, cmp.Or(t.As, t.Recipe), t.Argument, t.Document, t.Stream, t.Event, t.Run, t.Memo, t.Stale})
	if err != nil {
		return "", fmt.Errorf("the task: %w", err)
	}
	return string(text), nil
}
