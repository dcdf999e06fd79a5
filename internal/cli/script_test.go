package cli

import (
	"encoding/json"
	"errors"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"charmd/internal/client"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"charmd": func() { os.Exit(Main(os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestTranscripts runs the transcripts of testdata against a daemon that is a
// fake. $DAEMON is its address, $FREE one that nobody answers at.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			daemon := newFakeDaemon()
			server := httptest.NewServer(daemon)
			e.Defer(server.Close)
			e.Values[daemonKey] = daemon
			e.Setenv("DAEMON", server.URL)
			e.Setenv("FREE", freeAddress(t))
			e.Setenv("CHARMD_URL", server.URL)
			e.Setenv("CHARMD_TOKEN", fakeToken)
			e.Setenv("XDG_RUNTIME_DIR", filepath.Join(e.WorkDir, "run"))
			e.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"asked": asked, "clean": clean, "empty": empty, "exits": exits, "runtime": writeRuntimeFile,
		},
	})
}

type key string

const daemonKey key = "daemon"

// asked checks the last request that was to change something: asked REGEXP.
func asked(ts *testscript.TestScript, neg bool, args []string) {
	daemon := ts.Value(daemonKey).(*fakeDaemon)
	daemon.mu.Lock()
	defer daemon.mu.Unlock()
	if regexp.MustCompile(args[0]).MatchString(daemon.last) == neg {
		ts.Fatalf("the daemon was asked: %s", daemon.last)
	}
}

// clean checks that no control characters have been printed: clean stdout.
func clean(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		text := strings.ReplaceAll(ts.ReadFile(name), "\n", "")
		if strings.ContainsAny(text, "\x1b\u009b\u202e\x07\r") != neg {
			ts.Fatalf("%s is %q", name, text)
		}
	}
}

// empty checks that nothing was printed: empty stdout.
func empty(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		if (ts.ReadFile(name) == "") == neg {
			ts.Fatalf("%s is %q", name, ts.ReadFile(name))
		}
	}
}

// exits checks the exit code of a command: exits CODE COMMAND ARG...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if (strconv.Itoa(code) == args[0]) == neg {
		ts.Fatalf("exit code %d", code)
	}
}

// writeRuntimeFile does as a daemon that has started does: runtime DATADIR.
func writeRuntimeFile(ts *testscript.TestScript, _ bool, args []string) {
	dir := filepath.Join(ts.Getenv("XDG_RUNTIME_DIR"), "charmd")
	ts.Check(os.MkdirAll(dir, 0o700))
	text, err := json.Marshal(client.RuntimeFile{URL: ts.Getenv("DAEMON"), DataDir: args[0], PID: os.Getpid()})
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(dir, "1.json"), text, 0o600))
}

// freeAddress is an address of this machine that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
