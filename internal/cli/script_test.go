package cli

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"charmd/internal/api"
	"charmd/internal/client"
	"charmd/internal/process"
	"charmd/internal/testbin"
)

// transcripts runs the transcripts of a folder with the real program. $FREE is an
// address that nobody answers at.
func transcripts(t *testing.T, dir string, setup func(*testscript.Env) error) {
	program := testbin.Path(t)
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(e *testscript.Env) error {
			bin := filepath.Join(e.WorkDir, ".bin")
			e.Setenv("PATH", bin+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("XDG_RUNTIME_DIR", filepath.Join(e.WorkDir, "run"))
			e.Setenv("TZ", "UTC")
			e.Setenv("FREE", freeAddress(t))
			return errors.Join(os.MkdirAll(bin, 0o755), os.Symlink(program, filepath.Join(bin, "charmd")), setup(e))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"answers": answers, "asked": asked, "clean": clean, "damage": damage, "empty": empty, "eventually": eventually, "exits": exits, "lastrun": lastRun, "runtime": writeRuntimeFile,
		},
	})
}

// TestTranscripts runs against a daemon that is a fake, at $DAEMON.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	transcripts(t, "testdata", func(e *testscript.Env) error {
		daemon := newFakeDaemon()
		server := httptest.NewServer(daemon)
		e.Defer(server.Close)
		e.Values[daemonKey] = daemon
		e.Setenv("DAEMON", server.URL)
		e.Setenv("DAEMON_HOST", server.Listener.Addr().String())
		e.Setenv("CHARMD_URL", server.URL)
		e.Setenv("CHARMD_TOKEN", fakeToken)
		return nil
	})
}

// TestServiceTranscripts runs against the real service. $BERLIN, $APIA and $UTC are the
// hours that it is there in twelve: what is to run then does not run meanwhile.
func TestServiceTranscripts(t *testing.T) {
	t.Parallel()
	transcripts(t, filepath.Join("testdata", "service"), func(e *testscript.Env) error {
		e.Setenv("CHARMD_LISTEN", e.Getenv("FREE"))
		for name, zone := range map[string]string{"BERLIN": "Europe/Berlin", "APIA": "Pacific/Apia", "UTC": "UTC"} {
			in, err := time.LoadLocation(zone)
			if err != nil {
				return err
			}
			e.Setenv(name, time.Now().In(in).Add(12*time.Hour).Format("15"))
		}
		return nil
	})
}

type key string

const daemonKey key = "daemon"

// answers checks the status of a page: answers CODE URL.
func answers(ts *testscript.TestScript, neg bool, args []string) {
	res, err := http.Get(args[1])
	ts.Check(err)
	ts.Check(res.Body.Close())
	if (strconv.Itoa(res.StatusCode) == args[0]) == neg {
		ts.Fatalf("%s answered %s", args[1], res.Status)
	}
}

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

// damage copies a file with the first occurrence of a text replaced: damage FROM TO OLD NEW.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[2]) {
		ts.Fatalf("%s has no %q", args[0], args[2])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Replace(text, args[2], args[3], 1)), 0o600))
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

// eventually repeats a command until it succeeds: eventually COMMAND ARG...
func eventually(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(2 * time.Minute)
	for ts.Exec(args[0], args[1:]...) != nil {
		if time.Now().After(deadline) {
			ts.Fatalf("%v still fails:\n%s", args, ts.ReadFile("stderr"))
		}
		time.Sleep(20 * time.Millisecond) // between two processes there is nothing to wait on
	}
}

// lastRun puts the id of a charm's last run into $RUN: lastrun CHARM.
func lastRun(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("charmd", "runs", args[0], "--json"))
	var runs []api.Run
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &runs))
	if len(runs) == 0 {
		ts.Fatalf("%s has not run", args[0])
	}
	ts.Setenv("RUN", runs[0].ID)
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
	address, release, err := process.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return address
}
