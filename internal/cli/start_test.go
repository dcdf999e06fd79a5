package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/config"
)

// fakeService is a service whose API is the fake daemon's, and whose Drain takes
// as long as the test wants.
type fakeService struct {
	daemon   *fakeDaemon
	config   config.Config
	started  chan struct{}
	startErr error
	draining chan struct{}
	drained  chan struct{}
	mu       sync.Mutex
	killed   bool
	closed   bool
}

func newFakeService() *fakeService {
	return &fakeService{
		daemon: newFakeDaemon(), started: make(chan struct{}), draining: make(chan struct{}), drained: make(chan struct{}),
	}
}

func (s *fakeService) open(_ context.Context, cfg config.Config, _ *slog.Logger) (background, error) {
	s.config = cfg
	return s, nil
}

func (s *fakeService) Start(context.Context) error { close(s.started); return s.startErr }
func (s *fakeService) Handler() http.Handler       { return s.daemon }
func (s *fakeService) Token() string               { return fakeToken }

func (s *fakeService) Drain(context.Context) error {
	close(s.draining)
	<-s.drained
	return nil
}

func (s *fakeService) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.killed = true
}

func (s *fakeService) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// text is a buffer that one goroutine may read while another writes.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// commandLine is a command line in this process.
type commandLine struct {
	*app
	stdout, stderr text
	signals        chan os.Signal
	code           chan int
}

func newCommandLine(svc *fakeService, env ...string) *commandLine {
	c := &commandLine{signals: make(chan os.Signal, 2), code: make(chan int, 1)}
	c.app = newApp(env, strings.NewReader(""), &c.stdout, &c.stderr)
	c.notify = func() (<-chan os.Signal, func()) { return c.signals, func() {} }
	if svc != nil {
		c.open = svc.open
	}
	return c
}

func (c *commandLine) start(args ...string) { go func() { c.code <- c.main(args) }() }

func contains(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in %s:\n%s", part, what, text)
		}
	}
}

func TestStartGreetsAndDrains(t *testing.T) {
	t.Parallel()
	svc := newFakeService()
	c := newCommandLine(svc, "CHARMD_DATA_DIR=/d", "MAX_RETRIES=1")
	c.start("start", "--listen", "127.0.0.1:8001", "--grace", "3s")
	<-svc.started
	c.signals <- syscall.SIGTERM
	<-svc.draining
	close(svc.drained)
	if code := <-c.code; code != charm.ExitOK {
		t.Errorf("exit code %d: %s", code, c.stderr.String())
	}
	contains(t, "stdout", c.stdout.String(), "charmd 1.2.3 listens on http://127.0.0.1:8000\n", "data directory: /srv/charmd-data\n", "charms: 2 (")
	contains(t, "stderr", c.stderr.String(), "stopping: running charms have 3s to end; another signal stops at once\n", "stopped\n")
	if svc.config.DataDir != "/d" || svc.config.Listen != "127.0.0.1:8001" || svc.config.MaxRetries != 1 || svc.config.Version == "" {
		t.Errorf("the service was told %+v", svc.config)
	}
}

func TestGreetingOfNewcomers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name         string
		charms       []api.Charm
		want, unlike string
	}{
		{"first start", []api.Charm{{SpaceName: "home", Name: "heartbeat", Registered: true}},
			"A first charm is running, home/heartbeat. See it count:\n  charmd show home/heartbeat\n", "charms:"},
		{"an admin charm was there before", []api.Charm{{SpaceName: "home", Name: "heartbeat", Registered: true}, {Name: "bgAdmin"}},
			"  charmd new news --template rss\n", "charms:"},
		{"nothing runs", nil, "  charmd new news --template rss\n", "A first charm"},
		{"a charm of their own", []api.Charm{{SpaceName: "home", Name: "news", Registered: true}}, "charms: 2 (", "charmd new"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			daemon := newFakeDaemon()
			daemon.charms = tc.charms
			c := newCommandLine(nil)
			if err := c.greet(t.Context(), client.New("http://127.0.0.1", fakeToken, client.InProcess(daemon))); err != nil {
				t.Fatal(err)
			}
			contains(t, "stdout", c.stdout.String(), tc.want)
			if strings.Contains(c.stdout.String(), tc.unlike) {
				t.Errorf("%q in:\n%s", tc.unlike, c.stdout.String())
			}
		})
	}
}

func TestStartPrintsOneJSONValue(t *testing.T) {
	t.Parallel()
	svc := newFakeService()
	close(svc.drained)
	c := newCommandLine(svc)
	c.start("start", "--json")
	<-svc.started
	c.signals <- os.Interrupt
	if code := <-c.code; code != charm.ExitOK {
		t.Errorf("exit code %d", code)
	}
	var s api.Status
	if err := json.Unmarshal([]byte(c.stdout.String()), &s); err != nil || s.URL == "" {
		t.Errorf("stdout is %s (%v)", c.stdout.String(), err)
	}
}

func TestSecondSignalStopsAtOnce(t *testing.T) {
	t.Parallel()
	svc := newFakeService()
	defer close(svc.drained)
	c := newCommandLine(svc)
	c.start("start")
	<-svc.started
	c.signals <- os.Interrupt
	<-svc.draining
	c.signals <- os.Interrupt
	if code := <-c.code; code != charm.ExitFailure || !svc.killed {
		t.Errorf("exit code %d, killed %v", code, svc.killed)
	}
	contains(t, "stderr", c.stderr.String(), "charmd: stopped at once\n")
}

func TestStartThatFailsClosesTheService(t *testing.T) {
	t.Parallel()
	svc := newFakeService()
	svc.startErr = charm.Errorf(charm.CodeAddressTaken, "taken")
	c := newCommandLine(svc)
	c.start("start")
	if code := <-c.code; code != charm.ExitAddress || !svc.closed {
		t.Errorf("exit code %d, closed %v", code, svc.closed)
	}
	c = newCommandLine(nil)
	c.open = func(context.Context, config.Config, *slog.Logger) (background, error) {
		return nil, charm.Errorf(charm.CodeDataLocked, "another charmd (pid 7) uses /d")
	}
	c.start("start")
	if code := <-c.code; code != charm.ExitLocked {
		t.Errorf("exit code %d", code)
	}
	contains(t, "stderr", c.stderr.String(), "charmd: another charmd (pid 7) uses /d\n")
}

// offline is an environment in which no daemon is to be found.
func offline(t *testing.T) []string {
	return []string{"XDG_RUNTIME_DIR=" + t.TempDir(), "CHARMD_DATA_DIR=" + filepath.Join(t.TempDir(), "data"), "CHARMD_LISTEN=" + freeAddress(t)}
}

func TestAddWithoutDaemon(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "counter.tsx")
	if err := os.WriteFile(file, []byte("export default 1;"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"add", file, "--timeout", "5s", "--json"}, {"add-admin-charm", "--json"}} {
		svc := newFakeService()
		c := newCommandLine(svc, append(offline(t), "CHARM_EXECUTION_TIMEOUT_MS=7000")...)
		c.start(args...)
		if code := <-c.code; code != charm.ExitOK {
			t.Fatalf("exit code %d: %s", code, c.stderr.String())
		}
		contains(t, "stdout", c.stdout.String(), `"charmId"`)
		contains(t, "stderr", c.stderr.String(), "no daemon is running; wrote to "+svc.config.DataDir+" directly\n")
		if !svc.closed {
			t.Error("the service was left open")
		}
		// The charm's own --timeout is not the service's.
		if got := svc.config.Timeout.Seconds(); got != 7 {
			t.Errorf("the service's timeout is %v s", got)
		}
	}
}

func TestOnlyAddWorksWithoutDaemon(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"list"}, {"show", "a/b"}, {"run", "a/b"}, {"status"}, {"jobs"}, {"logs"}, {"runs"}, {"remove", "a/b"}, {"maintenance", "cleanup"}} {
		c := newCommandLine(newFakeService(), offline(t)...)
		c.start(args...)
		if code := <-c.code; code != charm.ExitUnavailable {
			t.Errorf("%v: exit code %d", args, code)
		}
		contains(t, "stderr", c.stderr.String(), "no charmd is running", "start one with: charmd start")
	}
}

func TestAddWithoutDaemonIsRefused(t *testing.T) {
	t.Parallel()
	t.Run("when CHARMD_URL names one", func(t *testing.T) {
		t.Parallel()
		c := newCommandLine(newFakeService(), append(offline(t), "CHARMD_URL=http://"+freeAddress(t))...)
		c.start("add-admin-charm")
		if code := <-c.code; code != charm.ExitUnavailable {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("when something else listens", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		env := offline(t)
		// Its runtime file leads to a daemon that is gone; the process lives on.
		data := strings.TrimPrefix(env[1], "CHARMD_DATA_DIR=")
		dir := filepath.Join(strings.TrimPrefix(env[0], "XDG_RUNTIME_DIR="), "charmd")
		text, err := json.Marshal(client.RuntimeFile{URL: "http://" + freeAddress(t), DataDir: data, PID: os.Getpid()})
		if err := errors.Join(err, os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "1.json"), text, 0o600)); err != nil {
			t.Fatal(err)
		}
		svc := newFakeService()
		c := newCommandLine(svc, env...)
		c.start("add-admin-charm", "--listen", l.Addr().String())
		if code := <-c.code; code != charm.ExitUnavailable || svc.config.DataDir != "" {
			t.Errorf("exit code %d, opened %q", code, svc.config.DataDir)
		}
		contains(t, "stderr", c.stderr.String(), "something answers at "+l.Addr().String())
	})
}

func TestFollow(t *testing.T) {
	t.Parallel()
	svc := newFakeService()
	older, newer := svc.daemon.runs[0], svc.daemon.runs[0]
	// A run that began earlier may end later.
	older.ID, older.Log = "01JP0000000000000000000000", "12:00:00.000 log   slow\n"
	newer.ID, newer.Log = "01JQ0000000000000000000003", "12:00:00.000 log   quick\n"
	looks := 0
	c := newCommandLine(svc, "CHARMD_URL=http://127.0.0.1:8000")
	c.poll = func(context.Context) error {
		svc.daemon.mu.Lock()
		defer svc.daemon.mu.Unlock()
		if looks++; looks == 1 {
			svc.daemon.follow = []api.Run{newer, older}
		}
		if looks == 4 {
			return io.EOF
		}
		return nil
	}
	daemon := client.New("http://127.0.0.1", fakeToken, client.InProcess(svc.daemon))
	printed := []api.Run{svc.daemon.runs[1], svc.daemon.runs[0]}
	if err := c.follow(t.Context(), daemon, nil, printed); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	got := c.stdout.String()
	for _, once := range []string{"slow", "quick"} {
		if n := strings.Count(got, once); n != 1 {
			t.Errorf("%q is printed %d times:\n%s", once, n, got)
		}
	}
	if strings.Contains(got, "fetching") || strings.Contains(got, "counted") {
		t.Errorf("runs that had been printed are printed again:\n%s", got)
	}
}

func TestSystemsThatTheServiceRunsOn(t *testing.T) {
	t.Parallel()
	for _, system := range []string{"linux", "darwin"} {
		if err := runsOn(system); err != nil {
			t.Errorf("%s: %v", system, err)
		}
	}
	err, ok := errors.AsType[*charm.Error](runsOn("windows"))
	if !ok || charm.ExitCode(err) != charm.ExitUnavailable || !strings.Contains(err.Hint, "WSL2") {
		t.Errorf("windows: %v", err)
	}
}
