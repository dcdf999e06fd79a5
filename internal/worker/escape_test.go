//go:build linux

package worker_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/merkle"
	"charmd/internal/process"
	"charmd/internal/sandbox/escape"
	"charmd/internal/testbin"
)

// prison is the real service, whose workers are taken over.
type prison struct {
	*process.Daemon
	t         *testing.T
	ask       string // where intruders ask what to try
	hostile   client.Ref
	bystander client.Ref // a charm of another space
	secrets   []string
	plan      atomic.Value // string: what the intruder is told to try
}

func newPrison(t *testing.T) *prison {
	t.Helper()
	p := &prison{t: t}
	ask := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, p.plan.Load()) }))
	t.Cleanup(ask.Close)
	address, release, err := process.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	dir := t.TempDir()
	for _, name := range []string{"charmd.db", "charmd.db-wal", "operator.key", "admin.token", "process.log"} {
		p.secrets = append(p.secrets, filepath.Join(dir, name))
	}
	told, err := json.Marshal(briefing{
		Ask: ask.URL, Secrets: p.secrets,
		Targets: escape.Targets{
			File: p.secrets[0], Dir: dir, TCP: address, UDP: address, Unix: filepath.Join(dir, "socket"), Abstract: "@charmd", Service: os.Getpid(),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "worker.sh")
	testbin.WriteExecutable(t, script, fmt.Appendf(nil, "#!/bin/sh\nexec '%s' %s '%s' \"$@\"\n", self, takenOver, told))
	p.Daemon, err = process.Start(process.Options{
		Command: []string{testbin.Path(t)}, Dir: dir, Listen: address,
		Env:  []string{"CHARMD_WORKER_EXE=" + script, "OPERATOR_PASS=a word that nobody may see"},
		Args: []string{"--max-retries", "0", "--max-concurrent", "2", "--failures", "1000", "--require-sandbox=" + fmt.Sprint(strings.Contains(os.Getenv("CHARMD_REQUIRE"), "sandbox"))},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	p.ask = ask.Listener.Addr().String()
	p.hostile = p.add("hostile", hostile, p.ask, "2m")
	p.bystander = p.add("beside", "bystander.tsx", "", "2m")
	return p
}

// beside counts its runs.
const beside = `import { handler, recipe } from "@commontools/builder";

const tick = handler({}, { type: "object", properties: { n: { type: "number", default: 0, asCell: true } } }, (_event, state) => {
  state.n.set(state.n.get() + 1);
});

export default recipe({ type: "object", properties: { n: { type: "number", default: 0 } } }, ({ n }) => ({ n, bgUpdater: tick({ n }) }));
`

func (p *prison) add(space, file, host, timeout string) client.Ref {
	p.t.Helper()
	req := api.AddRequest{Entry: file, Files: map[string]string{file: beside + "// " + file}, Space: space, Name: strings.TrimSuffix(file, ".tsx"), NoRegister: true, Timeout: timeout}
	if host != "" {
		req.AllowHosts = []string{host}
	}
	added, err := p.Client.Add(p.t.Context(), req)
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.Log())
	}
	return client.Ref{Space: added.Space, Charm: added.CharmID}
}

// try has the intruder carry a plan out in a run, and returns the run's record.
func (p *prison) try(plan string) api.Run {
	p.t.Helper()
	p.plan.Store(plan)
	return p.run(p.hostile)
}

func (p *prison) run(ref client.Ref) api.Run {
	p.t.Helper()
	reply, err := p.Client.Run(p.t.Context(), ref, true)
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.Log())
	}
	return *reply.Run
}

// stands wants that the hostile run left the service, and the other space, as they
// were.
func (p *prison) stands() {
	p.t.Helper()
	before := p.show(p.bystander)
	if r := p.run(p.bystander); r.Outcome != charm.OK {
		p.t.Errorf("a charm beside it ended as %s: %s", r.Outcome, r.Error)
	}
	if after := p.show(p.bystander); bytes.Equal(after, before) {
		p.t.Errorf("the charm beside it stays at %s", after)
	}
	if n := p.show(p.hostile); !bytes.Contains(n, []byte(`"n":0`)) {
		p.t.Errorf("the hostile charm has %s", n)
	}
}

func (p *prison) show(ref client.Ref) []byte {
	p.t.Helper()
	c, err := p.Client.Charm(p.t.Context(), ref)
	if err != nil {
		p.t.Fatal(err)
	}
	return c.Result
}

// sealed wants that every attempt fails, and that the run's record says how.
func (p *prison) sealed(attempts []escape.Attempt) {
	p.t.Helper()
	for _, a := range attempts {
		r := p.try(a.Name)
		standing := strings.Fields(r.Walls)
		stands := func(l string) bool { return slices.Contains(standing, l) }
		switch {
		case a.Fatal && stands("seccomp"):
			if r.Outcome != charm.Crashed || r.Code != charm.CodeCrashed || !strings.Contains(r.Error, "SIGSYS") {
				p.t.Errorf("%s: the run ended as %s (%s): %s", a.Name, r.Outcome, r.Code, r.Error)
			}
		case a.ClosedBy == "" || slices.ContainsFunc(strings.Fields(a.ClosedBy), stands):
			if r.Outcome != charm.Errored || !strings.Contains(r.Error, "it failed: ") {
				p.t.Errorf("%s: the run ended as %s (%s): %s", a.Name, r.Outcome, r.Code, r.Error)
			}
		}
	}
	p.stands()
}

func TestFault08_FilesAndOtherProcesses(t *testing.T) {
	t.Parallel()
	p := newPrison(t)
	for _, path := range p.secrets {
		if r := p.try("read " + path); r.Outcome != charm.Errored || !strings.Contains(r.Error, "it failed: open ") {
			t.Errorf("%s: the run ended as %s: %s", filepath.Base(path), r.Outcome, r.Error)
		}
	}
	p.sealed(slices.Concat(escape.Files, escape.Powers))
	ids := "\n" + p.bystander.Charm + " " + merkle.EntityID(nil, "guessed").Link() + " " + p.bystander.Space
	if r := p.try("read documents of another space" + ids); r.Outcome != charm.Errored || !strings.Contains(r.Error, "there is nothing under those ids") {
		t.Errorf("reading documents of another space ended as %s: %s", r.Outcome, r.Error)
	}
	if r := p.try("change documents of another space" + ids); r.Outcome != charm.Crashed || r.Code != charm.CodeProtocol {
		t.Errorf("changing documents of another space ended as %s: %s", r.Outcome, r.Error)
	}
	p.stands()
}

func TestFault09_SocketsAndTheKernel(t *testing.T) {
	t.Parallel()
	newPrison(t).sealed(slices.Concat(escape.Network, escape.Kernel, escape.Detours))
}

func TestFault06_BombsOfCodeThatBrokeOut(t *testing.T) {
	t.Parallel()
	p := newPrison(t)
	for _, bomb := range []struct {
		plan    string
		outcome charm.Outcome
		code    charm.ErrorCode
		says    string
	}{
		{"hold a gigabyte", charm.OutOfMemory, charm.CodeMemory, ""},
		{"start a thousand threads", charm.Crashed, charm.CodeCrashed, ""},
		{"hold a hundred descriptors", charm.Errored, charm.CodeThrown, "too many open files"},
		{"write memory that is a file", charm.Errored, charm.CodeThrown, "not permitted"},
		{"fork", charm.Crashed, charm.CodeCrashed, "SIGSYS"},
		{"print without end", charm.Errored, charm.CodeThrown, "nobody keeps it"},
		{"log without end", charm.Crashed, charm.CodeProtocol, ""},
		{"end another run", charm.Crashed, charm.CodeProtocol, ""},
		{"send half a frame", charm.Crashed, charm.CodeProtocol, ""},
	} {
		r := p.try(bomb.plan)
		if r.Outcome != bomb.outcome || r.Code != bomb.code || !strings.Contains(r.Error, bomb.says) {
			t.Errorf("%s: the run ended as %s (%s): %s", bomb.plan, r.Outcome, r.Code, r.Error)
		}
		if len(r.Log) > charm.MaxLogBytes {
			t.Errorf("%s: %d bytes are kept of its log", bomb.plan, len(r.Log))
		}
	}
	p.stands()
	p.plan.Store("never end")
	if r := p.run(p.add("endless", hostile, p.ask, "2s")); r.Outcome != charm.TimedOut || r.Code != charm.CodeTimeout {
		t.Errorf("never end: the run ended as %s (%s): %s", r.Outcome, r.Code, r.Error)
	}
	p.stands()
	if log := p.Log(); len(log) > 1<<20 {
		t.Errorf("the service's log has %d bytes", len(log))
	}
}
