//go:build linux

package service_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/process"
	"charmd/internal/testbin"
	"charmd/internal/wire"
)

// hostileRole makes this binary a worker that has been taken over: the word is
// followed by the real program and the arguments of the worker.
const hostileRole = "hostile-worker"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == hostileRole {
		if err := playHostile(os.Args[2], os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// hostilities are what a worker sends instead of doing a task, by the name of the
// recipe it is of. In bytes a frame is length, type, length of the head, head.
var hostilities = map[string]func(out *wire.Writer, task *wire.Task) error{
	"oversized": func(*wire.Writer, *wire.Task) error { return raw("ffffffff4700000000") },
	"nested": func(*wire.Writer, *wire.Task) error {
		const depth = 400 << 10
		return errors.Join(raw(fmt.Sprintf("%08x46%08x", 5+2*depth, 2*depth)), raw(strings.Repeat("5b", depth)+strings.Repeat("5d", depth)))
	},
	"nonsense": func(*wire.Writer, *wire.Task) error { return raw("000000074600000002" + "5b5d") },
	"half": func(*wire.Writer, *wire.Task) error {
		defer os.Exit(0)
		return raw("0000ffff46")
	},
	"forged": func(out *wire.Writer, _ *wire.Task) error {
		return out.Send(&wire.Result{Run: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Ended: wire.Finished})
	},
	"foreign": func(out *wire.Writer, task *wire.Task) error {
		return out.Send(&wire.Result{Run: task.Run, Ended: wire.Finished, Changed: []wire.Document{{ID: "baedreiforeign", Text: []byte(`{"value":1}`)}}})
	},
	"out-of-order": func(out *wire.Writer, task *wire.Task) error {
		return errors.Join(out.Send(&wire.Need{Seq: 1, IDs: []string{task.Charm}}), out.Send(&wire.Need{Seq: 1, IDs: []string{task.Charm}}))
	},
	"too-many-at-once": func(*wire.Writer, *wire.Task) error {
		ids := strings.Repeat(hex.EncodeToString([]byte(`"x",`)), wire.MaxIDs+1)
		head := hex.EncodeToString([]byte(`{"Seq":1,"IDs":[`)) + ids[:len(ids)-2] + hex.EncodeToString([]byte(`]}`))
		return raw(fmt.Sprintf("%08x42%08x", 5+len(head)/2, len(head)/2) + head)
	},
	"requests-twice": func(out *wire.Writer, _ *wire.Task) error {
		again := &wire.Fetch{Op: 1 << 40, Method: "GET", URL: "http://127.0.0.1/"}
		return errors.Join(out.Send(again), out.Send(again))
	},
	"floods-log": func(out *wire.Writer, _ *wire.Task) error {
		for range 3 {
			if err := out.Send(&wire.Log{Lines: []wire.LogLine{{Level: "log", Text: strings.Repeat("x", charm.MaxLogBytes)}}}); err != nil {
				return nil
			}
		}
		return nil
	},
	"no-document": func(out *wire.Writer, task *wire.Task) error {
		return out.Send(&wire.Result{Run: task.Run, Ended: wire.Finished, Report: wire.Report{Handled: true}, Changed: []wire.Document{{ID: task.Process, Text: []byte(`{"value":1,"acl":{}}`)}}})
	},
	"unasked": func(out *wire.Writer, _ *wire.Task) error { return out.Send(&wire.Cancel{Op: 7}) },
	"again":   func(out *wire.Writer, _ *wire.Task) error { return out.Send(&wire.Hello{Version: wire.Version}) },
	"other":   func(out *wire.Writer, _ *wire.Task) error { return out.Send(&wire.Compiled{Compiler: "x"}) },
}

func raw(text string) error {
	bytes, err := hex.DecodeString(text)
	if err == nil {
		_, err = os.Stdout.Write(bytes)
	}
	return err
}

// playHostile passes everything on to a real worker and back, but for the events
// of recipes with a hostile name.
func playHostile(exe string, args []string) error {
	real := exec.Command(exe, args...)
	real.Stderr = os.Stderr
	tasks, err := real.StdinPipe()
	if err != nil {
		return err
	}
	frames, err := real.StdoutPipe()
	if err != nil {
		return err
	}
	if err := real.Start(); err != nil {
		return err
	}
	go io.Copy(os.Stdout, frames)
	in, out, down := wire.NewReader(os.Stdin, wire.Parent), wire.NewWriter(os.Stdout), wire.NewWriter(tasks)
	for {
		m, err := in.Next()
		if err != nil {
			return errors.Join(tasks.Close(), real.Wait())
		}
		if task, ok := m.(*wire.Task); ok && task.Mode == wire.ModeEvent {
			if attack, hostile := hostilities[strings.TrimSuffix(task.RecipeFile, ".tsx")]; hostile {
				err = attack(out, task)
				if err == nil {
					select {} // until it is killed
				}
			}
		}
		if err = errors.Join(err, down.Send(m)); err != nil {
			return err
		}
	}
}

func TestFault07_HostileBytesFromAWorker(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := filepath.Join(dir, "worker.sh")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("#!/bin/sh\nexec '%s' %s '%s' \"$@\"\n", self, hostileRole, testbin.Path(t))
	testbin.WriteExecutable(t, script, []byte(text))
	p, err := process.Start(process.Options{
		Command: []string{testbin.Path(t)}, Dir: t.TempDir(), Env: []string{"CHARMD_WORKER_EXE=" + script},
		Args: []string{"--max-retries", "0", "--max-concurrent", "2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	d := &daemon{p, t}
	bystander := d.add(counter, "beside", "counter", notRegistered)
	d.runOK(bystander)
	before := d.resident()
	for name := range hostilities {
		ref := d.add(counter+"// "+name, "hostile", name, notRegistered, timeout(5*time.Minute)) // a recipe of its own
		var workers []api.Worker                                                                 // all that may get the run: the one of the last attack is replaced a moment later
		d.await(ref, "both workers are there", 30*time.Second, func(api.Charm) bool {
			status, err := d.Client.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			workers = status.Workers
			return len(workers) == 2
		})
		r := d.run(ref)
		if r.Outcome != charm.Crashed || r.Code != charm.CodeProtocol || !strings.Contains(r.Error, "broke the protocol") {
			t.Errorf("%s: ended as %s (%s): %s", name, r.Outcome, r.Code, r.Error)
		}
		if n := result[counted](t, d.show(ref)).Value; n != 0 {
			t.Errorf("%s: it changed the cell to %d", name, n)
		}
		if !slices.ContainsFunc(workers, func(w api.Worker) bool { return !process.Alive(w.PID) }) {
			t.Errorf("%s: the worker lives", name)
		}
		d.runOK(bystander)
	}
	if grown := d.resident() - before; grown > 20<<20 {
		t.Errorf("the service grew by %d bytes", grown)
	}
}
