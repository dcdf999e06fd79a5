package service_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/client"
	"charmd/internal/process"
	"charmd/internal/testbin"
)

// daemon is the real binary on a data directory of the test's.
type daemon struct {
	*process.Daemon
	t *testing.T
}

func startDaemon(t *testing.T, dir string, args ...string) *daemon {
	t.Helper()
	d, err := launch(t, process.Options{Dir: dir, Args: args})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// again starts a daemon that has ended on its data directory, in an environment.
func (d *daemon) again(t *testing.T, env ...string) (*daemon, error) {
	return launch(t, process.Options{Dir: d.Dir, Env: env})
}

func launch(t *testing.T, o process.Options) (*daemon, error) {
	o.Command = []string{testbin.Path(t)}
	d, err := process.Start(o)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		d.Kill()
		if t.Failed() {
			t.Logf("the daemon's log ends with:\n%s", tail(d.Log(), 6000))
		}
	})
	return &daemon{d, t}, nil
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// add adds a charm and returns how to name it.
func (d *daemon) add(source, space, name string, change ...func(*api.AddRequest)) client.Ref {
	d.t.Helper()
	req := api.AddRequest{Entry: name + ".tsx", Files: map[string]string{name + ".tsx": source}, Space: space, Name: name}
	for _, fn := range change {
		fn(&req)
	}
	added, err := d.Client.Add(d.t.Context(), req)
	if err != nil {
		d.t.Fatalf("adding %s/%s: %v", space, name, err)
	}
	return client.Ref{Space: added.Space, Charm: added.CharmID}
}

func argument(format string, args ...any) func(*api.AddRequest) {
	return func(r *api.AddRequest) { r.Argument = json.RawMessage(fmt.Sprintf(format, args...)) }
}

func every(d time.Duration) func(*api.AddRequest) {
	return func(r *api.AddRequest) { r.Every = d.String() }
}

func timeout(d time.Duration) func(*api.AddRequest) {
	return func(r *api.AddRequest) { r.Timeout = d.String() }
}

func notRegistered(r *api.AddRequest) { r.NoRegister = true }

func (d *daemon) show(ref client.Ref) api.Charm {
	d.t.Helper()
	c, err := d.Client.Charm(d.t.Context(), ref)
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// run runs the charm once and returns how that went.
func (d *daemon) run(ref client.Ref) api.Run {
	d.t.Helper()
	reply, err := d.Client.Run(d.t.Context(), ref, true)
	if err != nil {
		d.t.Fatal(err)
	}
	return *reply.Run
}

// runOK runs the charm once and wants it to end well.
func (d *daemon) runOK(ref client.Ref) api.Run {
	d.t.Helper()
	r := d.run(ref)
	if r.Outcome != "ok" {
		d.t.Fatalf("the run ended as %s: %s (%s)\n%s", r.Outcome, r.Error, r.Position, r.Log)
	}
	return r
}

// patience is how much slower than an idle machine one with much to do may be.
const patience = 10

// await waits until the charm is as wanted, which on an idle machine it is within a time.
func (d *daemon) await(ref client.Ref, what string, within time.Duration, is func(api.Charm) bool) api.Charm {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), patience*within)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		c := d.show(ref)
		if is(c) {
			return c
		}
		select {
		case <-ctx.Done():
			d.t.Fatalf("%s: not within %v; it stands as %s, state %+v", what, patience*within, c.Status, c.State)
		case <-tick.C:
		}
	}
}

// awaitMore waits for more successful runs of the charm.
func (d *daemon) awaitMore(ref client.Ref, what string, more int64) {
	d.t.Helper()
	from := d.show(ref).State.TotalSuccesses
	d.await(ref, what, 30*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses >= from+more })
}

// result decodes the charm's result.
func result[T any](t *testing.T, c api.Charm) (v T) {
	t.Helper()
	if err := json.Unmarshal(c.Result, &v); err != nil {
		t.Fatalf("result %s: %v", c.Result, err)
	}
	return v
}

// serve answers on a loopback address, which --allow-host has to open.
func serve(t *testing.T, h http.HandlerFunc) (url, host string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL, s.Listener.Addr().String()
}

// notes are what a server of the test writes down; its requests may be under way when
// the test reads them.
type notes struct {
	mu   sync.Mutex
	list []string
}

func (n *notes) add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, line)
}

// take returns what was written down since the last time.
func (n *notes) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.list
	n.list = nil
	return list
}

// reserve is a loopback address that nobody answers at but who is told to listen there.
func reserve(t *testing.T) string {
	t.Helper()
	address, release, err := process.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return address
}

// serveAt answers on a reserved address.
func serveAt(t *testing.T, address string, h http.Handler) *httptest.Server {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	_ = s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func allow(host string) func(*api.AddRequest) {
	return func(r *api.AddRequest) { r.AllowHosts = []string{host} }
}

// counter adds one to its value, or to the cell its argument links to.
const counter = `import { handler, recipe } from "@commontools/builder";

const add = handler({}, {
  type: "object",
  properties: { value: { type: "number", default: 0, asCell: true } },
}, (_event, state) => {
  state.value.set(state.value.get() + 1);
});

export default recipe(
  { type: "object", properties: { value: { type: "number", default: 0 } } },
  ({ value }) => ({ value, bgUpdater: add({ value }) }),
);
`

type counted struct{ Value int64 }

func refOf(c api.Charm) client.Ref { return client.Ref{Space: c.Space, Charm: c.CharmID} }

// token is the daemon's bearer token.
func (d *daemon) token() string {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.Dir, "admin.token"))
	if err != nil {
		d.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// ready is what /readyz answers: its status and, when not ready, why.
func (d *daemon) ready() (code int, reasons string) {
	d.t.Helper()
	res, err := http.Get(d.URL + "/readyz")
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	var answer struct{ Reasons []string }
	if err := json.Unmarshal(body, &answer); err != nil {
		d.t.Fatalf("%s: %v", body, err)
	}
	return res.StatusCode, strings.Join(answer.Reasons, "; ")
}

// awaitReady waits until /readyz answers so, and says why not.
func (d *daemon) awaitReady(want bool, because string) {
	d.t.Helper()
	deadline := time.After(patience * 30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		code, reasons := d.ready()
		if (code == http.StatusOK) == want && strings.Contains(reasons, because) {
			return
		}
		select {
		case <-deadline:
			d.t.Fatalf("/readyz still answers %d: %s; want ready %v: %s", code, reasons, want, because)
		case <-tick.C:
		}
	}
}
