//go:build linux

package worker_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"charmd/internal/charm"
	"charmd/internal/sandbox/escape"
	"charmd/internal/wire"
	"charmd/internal/worker"
)

// takenOver makes this binary a worker whose VM was broken: a real one, behind the
// walls that it raised, in which other code sits between it and the service. The
// word is followed by a briefing and the arguments of the worker.
const takenOver = "taken-over"

// briefing is what that code knows: where it asks what to try next, and what
// there is to be reached.
type briefing struct {
	Ask     string // answers with the name of a plan, and ids of documents of another space
	Targets escape.Targets
	Secrets []string // paths of files of the service
}

// hostile is the recipe whose runs it takes over.
const hostile = "hostile.tsx"

// intruder is the code in the worker.
type intruder struct {
	briefing
	in  *wire.Reader
	raw io.Writer // what out writes to
	out *wire.Writer
	op  uint64
	ids []string // of another space's documents
}

// playTakenOver is a worker in whose process an intruder has its hands on the
// pipes. It does not return.
func playTakenOver(told string, args []string) {
	var i intruder
	if err := json.Unmarshal([]byte(told), &i.briefing); err != nil {
		panic(err)
	}
	tasks, frames := moved(0), moved(1)
	down, up := pipeTo(0), pipeFrom(1)
	i.in, i.raw, i.out = wire.NewReader(tasks, wire.Parent), frames, wire.NewWriter(frames)
	go io.Copy(frames, up)
	go i.serve(wire.NewWriter(down), down)
	os.Args = append(os.Args[:1:1], args...)
	worker.Main()
}

// moved is a descriptor under another number.
func moved(fd int) *os.File {
	other, err := syscall.Dup(fd)
	if err != nil {
		panic(err)
	}
	return os.NewFile(uintptr(other), "moved")
}

// pipeTo is a pipe whose other end is the descriptor; pipeFrom likewise.
func pipeTo(fd int) *os.File {
	var ends [2]int
	if err := errors.Join(syscall.Pipe(ends[:]), syscall.Dup3(ends[0], fd, 0), syscall.Close(ends[0])); err != nil {
		panic(err)
	}
	return os.NewFile(uintptr(ends[1]), "down")
}

func pipeFrom(fd int) *os.File {
	var ends [2]int
	if err := errors.Join(syscall.Pipe(ends[:]), syscall.Dup3(ends[1], fd, 0), syscall.Close(ends[1])); err != nil {
		panic(err)
	}
	return os.NewFile(uintptr(ends[0]), "up")
}

// serve passes everything on to the worker, but for the events of the hostile
// recipe: those end as what was tried came to.
func (i *intruder) serve(down *wire.Writer, pipe io.Closer) {
	for {
		m, err := i.in.Next()
		if err != nil {
			_ = pipe.Close() // the worker leaves then
			return
		}
		if task, ok := m.(*wire.Task); ok && task.Mode == wire.ModeEvent && task.RecipeFile == hostile {
			result := wire.Result{Run: task.Run, Ended: wire.Finished, Report: wire.Report{Handled: true}}
			if err := i.act(task); err != nil {
				result.Report.Failures = []wire.Failure{{Kind: "handler", Name: "Error", Message: "it failed: " + err.Error()}}
			}
			_ = i.out.Send(&result)
			continue
		}
		_ = down.Send(m)
	}
}

// act asks what to try, and tries it.
func (i *intruder) act(task *wire.Task) error {
	i.op++
	if err := i.out.Send(&wire.Fetch{Op: i.op, Method: "GET", URL: i.Ask}); err != nil {
		return nil // which would look as if it had worked
	}
	m, err := i.in.Next()
	reply, ok := m.(*wire.Reply)
	if err != nil || !ok || reply.Status != 200 {
		return nil
	}
	name, ids, _ := strings.Cut(string(reply.Body), "\n")
	i.ids = strings.Fields(ids)
	if path, file := strings.CutPrefix(name, "read "); file && slices.Contains(i.Secrets, path) {
		_, err := os.ReadFile(path)
		return err
	}
	if plan, ok := plans[name]; ok {
		return plan(i, task)
	}
	all := escape.Attempts()
	n := slices.IndexFunc(all, func(a escape.Attempt) bool { return a.Name == name })
	if n < 0 {
		return nil
	}
	return all[n].Try(i.Targets)
}

// plans are what an intruder may do beside getting out. nil means that it worked.
var plans = map[string]func(*intruder, *wire.Task) error{
	"hold a gigabyte": func(*intruder, *wire.Task) error {
		var kept [][]byte
		for len(kept) < 1024 {
			kept = append(kept, make([]byte, 1<<20))
		}
		return nil
	},
	"start a thousand threads": func(*intruder, *wire.Task) error {
		started := make(chan bool)
		for range 1000 {
			go func() {
				runtime.LockOSThread()
				started <- true
				select {}
			}()
		}
		for range 1000 {
			<-started
		}
		return nil
	},
	"never end": func(*intruder, *wire.Task) error {
		for n := 0; ; n++ {
			if n < 0 {
				return nil
			}
		}
	},
	"print without end": func(*intruder, *wire.Task) error {
		line := strings.Repeat("x", 1<<20)
		for range 256 {
			fmt.Fprintln(os.Stderr, line)
		}
		return errors.New("nobody keeps it")
	},
	"log without end": func(i *intruder, _ *wire.Task) error {
		for range 1 << 10 {
			if err := i.out.Send(&wire.Log{Lines: []wire.LogLine{{Level: "log", Text: strings.Repeat("x", charm.MaxLogBytes)}}}); err != nil {
				return err
			}
		}
		return nil
	},
	"read documents of another space": func(i *intruder, _ *wire.Task) error {
		if err := i.out.Send(&wire.Need{Seq: 1, IDs: i.ids}); err != nil {
			return err
		}
		m, err := i.in.Next()
		if err != nil {
			return err
		}
		for _, d := range m.(*wire.Documents).Documents {
			if d.Text != nil {
				return nil
			}
		}
		return errors.New("there is nothing under those ids")
	},
	"change documents of another space": func(i *intruder, task *wire.Task) error {
		var changed []wire.Document
		for _, id := range i.ids {
			changed = append(changed, wire.Document{ID: id, Text: []byte(`{"value":{"n":1000}}`)})
		}
		return errors.Join(i.out.Send(&wire.Result{Run: task.Run, Ended: wire.Finished, Report: wire.Report{Handled: true}, Changed: changed}), errors.New("sent"))
	},
	"end another run": func(i *intruder, _ *wire.Task) error {
		return errors.Join(i.out.Send(&wire.Result{Run: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Ended: wire.Finished}), errors.New("sent"))
	},
	"send half a frame": func(i *intruder, _ *wire.Task) error {
		_, _ = i.raw.Write([]byte{0, 0, 255, 255, 'F'})
		os.Exit(0)
		return nil
	},
}
