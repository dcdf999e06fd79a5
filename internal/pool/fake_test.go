//go:build linux

package pool

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"charmd/internal/wire"
)

// The workers of these tests are this test binary in a role of its own: a worker
// that does, word by word, what the path of the task's stream says.
const fakeRole = "POOL_TEST_WORKER"

func TestMain(m *testing.M) {
	switch role := os.Getenv(fakeRole); role {
	case "":
		os.Exit(m.Run())
	case "parent":
		playParent()
	case "orphan":
		fmt.Println("here")
		hang()
	default:
		playWorker(role)
	}
}

type fakeWorker struct {
	in     *wire.Reader
	out    *wire.Writer
	task   *wire.Task
	result wire.Result
	op     uint64
	need   uint64 // of the task's questions
}

func playWorker(role string) {
	f := &fakeWorker{in: wire.NewReader(os.Stdin, wire.Parent), out: wire.NewWriter(os.Stdout)}
	switch role {
	case "unlucky":
		fmt.Fprintln(os.Stderr, "fatal error: no luck today")
		os.Exit(2)
	case "rude":
		f.send(&wire.Need{IDs: []string{"a"}})
	}
	on := `{"state":"on"}`
	f.send(&wire.Hello{Version: wire.Version, PID: os.Getpid(), Sandbox: []byte(
		`{"namespaces":` + on + `,"landlock":` + on + `,"seccomp":` + on + `,"rlimits":` + on + `}`)})
	if role == "faint" {
		os.Exit(1)
	}
	for {
		switch m := f.next().(type) {
		case *wire.Task:
			f.need = 0
			f.task, f.result = m, wire.Result{Run: m.Run, Ended: wire.Finished}
			for _, d := range m.Documents {
				f.result.Read = append(f.result.Read, d.ID)
			}
			for _, words := range m.Stream {
				f.do(strings.Fields(words))
			}
			f.send(&f.result)
		case *wire.CompileRequest:
			f.task = &wire.Task{}
			for _, words := range strings.Split(m.Files[m.Entry], "\n") {
				f.do(strings.Fields(words))
			}
			f.send(&wire.Compiled{Compiler: "fake", Program: "p", Source: m.Files[m.Entry]})
		}
	}
}

// next is the next message; at the end of the pipe the worker exits.
func (f *fakeWorker) next() wire.Message {
	m, err := f.in.Next()
	if err != nil {
		os.Exit(0)
	}
	return m
}

func (f *fakeWorker) send(m wire.Message) {
	if err := f.out.Send(m); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (f *fakeWorker) log(text string) {
	f.send(&wire.Log{Lines: []wire.LogLine{{Level: "log", Text: text}}})
}

func (f *fakeWorker) do(words []string) {
	if len(words) == 0 {
		return
	}
	args := words[1:]
	switch words[0] {
	case "need":
		f.need++
		f.send(&wire.Need{Seq: f.need, IDs: args})
		answer := f.next().(*wire.Documents)
		if answer.Error != "" {
			f.result.Ended, f.result.Reason = wire.EndedEarly, &wire.Failure{Kind: wire.ReasonHost, Message: answer.Error}
		}
		for _, d := range answer.Documents {
			f.result.Read = append(f.result.Read, d.ID)
			f.log(fmt.Sprintf("%s=%.100s", d.ID, d.Text))
		}
	case "needs": // so many documents
		most, _ := strconv.Atoi(args[0])
		for n := 0; n < most; {
			ids := make([]string, 0, 1000)
			for range min(cap(ids), most-n) {
				n++
				ids = append(ids, fmt.Sprint("doc", n))
			}
			f.need++
			f.send(&wire.Need{Seq: f.need, IDs: ids})
			f.next()
		}
	case "skip":
		f.need++
	case "again":
		f.need--
	case "change":
		f.result.Changed = append(f.result.Changed, wire.Document{ID: args[0], Text: []byte(`{"value":1}`)})
	case "read":
		f.result.Read = append(f.result.Read, args[0])
	case "code":
		f.send(&wire.NeedCode{Recipe: args[0]})
		answer := f.next().(*wire.Code)
		f.log(answer.Program + answer.Error)
	case "fetch":
		f.op++
		f.send(&wire.Fetch{Op: f.op, Method: "GET", URL: args[0]})
	case "reply":
		r := f.next().(*wire.Reply)
		f.log(fmt.Sprintf("%d %d %s%s", r.Op, r.Status, r.Body, r.Error))
	case "cancel":
		f.send(&wire.Cancel{Op: f.op})
	case "log":
		f.log(strings.Join(args, " "))
	case "flood":
		for range 1 << 10 {
			fmt.Fprintln(os.Stderr, strings.Repeat("noise ", 200))
		}
	case "look":
		f.log("environment " + strings.Join(os.Environ(), " "))
		fds, _ := os.ReadDir("/proc/self/fd")
		for _, fd := range fds {
			to, _ := os.Readlink("/proc/self/fd/" + fd.Name())
			f.log("descriptor " + fd.Name() + " " + to)
		}
	case "ended":
		f.result.Ended = wire.Ended(args[0])
		if f.result.Ended == wire.EndedEarly {
			f.result.Reason = &wire.Failure{Kind: args[1]}
		}
	case "run":
		f.result.Run = args[0]
	case "twice":
		f.send(&f.result)
	case "raw":
		bytes, _ := hex.DecodeString(args[0])
		os.Stdout.Write(bytes)
	case "hello":
		f.send(&wire.Hello{Version: wire.Version})
	case "compiled":
		f.send(&wire.Compiled{})
	case "biglog":
		for range 10 {
			f.log(strings.Repeat("x", 100<<10))
		}
	case "hang":
		hang()
	case "exit":
		os.Exit(0)
	case "die":
		fmt.Fprintln(os.Stderr, strings.Join(args, " "))
		os.Exit(2)
	case "signal":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSEGV)
		hang()
	case "panic":
		panic("something broke")
	}
}

// hang never returns. Go would call it a deadlock if no signal could come.
func hang() {
	never := make(chan os.Signal, 1)
	signal.Notify(never, syscall.SIGUSR1)
	<-never
}

// amply is the time of what ends by itself, however busy the machine is.
const amply = 2 * time.Minute

// fakePool is a started pool of fake workers in a role, closed at the end of the
// test.
func fakePool(t *testing.T, role string, o Options) *Pool {
	t.Helper()
	return poolOf(t, o, func(p *Pool) (*process, error) { return launchFake(p, role) })
}

func launchFake(p *Pool, role string) (*process, error) {
	return p.spawner.launch("/proc/self/exe", []string{"worker"}, []string{fakeRole + "=" + role, noRaceWait})
}

// noRaceWait keeps processes under the race detector from lingering at their end.
const noRaceWait = "GORACE=atexit_sleep_ms=0"

// poolOf is a started pool with a launch of its own, nil for that of the options.
func poolOf(t *testing.T, o Options, launch func(*Pool) (*process, error)) *Pool {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if launch != nil {
		p.launch = func() (*process, error) { return launch(p) }
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), amply)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return p
}

// fakeHost answers from maps and remembers what was logged.
type fakeHost struct {
	documents func(ctx context.Context, ids []string) ([]wire.Document, error)
	fetch     func(ctx context.Context, f wire.Fetch) wire.Reply
	program   func(recipe string) (string, error)

	mu         sync.Mutex
	lines      []string
	dispatched int
}

func (h *fakeHost) Documents(ctx context.Context, ids []string) ([]wire.Document, error) {
	if h.documents != nil {
		return h.documents(ctx, ids)
	}
	docs := make([]wire.Document, len(ids))
	for i, id := range ids {
		docs[i] = wire.Document{ID: id, Text: []byte(`{"value":"` + id + `"}`)}
	}
	return docs, nil
}

func (h *fakeHost) Fetch(ctx context.Context, f wire.Fetch) (wire.Reply, func()) {
	return h.fetch(ctx, f), func() {}
}

func (h *fakeHost) Program(_ context.Context, recipe string) (string, error) {
	return h.program(recipe)
}

func (h *fakeHost) Dispatched() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dispatched++
}

func (h *fakeHost) Log(lines []wire.LogLine) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range lines {
		h.lines = append(h.lines, l.Text)
	}
}

func (h *fakeHost) logged() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.lines)
}

// script is a task that makes a fake worker do these things.
func script(words ...string) wire.Task {
	return wire.Task{Run: "run-1", Mode: wire.ModeEvent, Charm: "c", Recipe: "ba4jc", Stream: words}
}

// works fails the test unless the pool can do a run.
func works(t *testing.T, p *Pool) {
	t.Helper()
	if _, e := p.Run(t.Context(), script(), amply, &fakeHost{}); e.Kind != Done {
		t.Errorf("the next run ended %s: %s", e.Kind, e.Detail)
	}
}
