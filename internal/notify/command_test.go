//go:build unix

package notify

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/process"
	"charmd/internal/testbin"
)

// script makes an executable of the lines and returns its path.
func script(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hook")
	testbin.WriteExecutable(t, path, []byte("#!/bin/sh\n"+strings.Join(lines, "\n")+"\n"))
	return path
}

func TestCommands(t *testing.T) {
	t.Setenv("CHARMD_TOKEN", "secret of the service")
	dir := t.TempDir()
	got := filepath.Join(dir, "got")
	for name, c := range map[string]struct {
		lines []string
		want  string // the error; "" for none
	}{
		"takes it":             {[]string{"cat > " + got}, ""},
		"says something":       {[]string{"cat", "echo fine >&2"}, ""},
		"reads nothing":        {[]string{"exit 0"}, ""},
		"leaves a child":       {[]string{"sleep 1000 &", "echo $! > " + filepath.Join(dir, "left")}, ""},
		"fails":                {[]string{"echo no such mailbox; exit 3"}, "exit status 3: no such mailbox"},
		"has no secrets":       {[]string{`test -z "$CHARMD_TOKEN"`}, ""},
		"fails without a word": {[]string{"exit 1"}, "exit status 1"},
	} {
		err := command{script(t, c.lines...)}.deliver(t.Context(), "id", []byte(`{"kind":"test"}`))
		if (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if text, err := os.ReadFile(got); string(text) != `{"kind":"test"}` {
		t.Errorf("the command was given %q, %v", text, err)
	}
	kill(t, filepath.Join(dir, "left"))
}

// kill ends the process whose id the file holds.
func kill(t *testing.T, file string) {
	t.Helper()
	if p, err := os.FindProcess(pidIn(t, file)); err != nil || p.Kill() != nil {
		t.Errorf("the child that was left cannot be ended: %v", err)
	}
}

func pidIn(t *testing.T, file string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestMuchOutputIsCut(t *testing.T) {
	t.Parallel()
	err := command{script(t, "yes 0123456789 | head -c 1000000", "exit 1")}.deliver(t.Context(), "id", nil)
	if err == nil || len(err.Error()) > mostOutput+20 || !strings.Contains(err.Error(), "0123456789") {
		t.Errorf("the error has %d bytes", len(err.Error()))
	}
}

// TestACommandThatHangsIsKilled wants nothing left of it.
func TestACommandThatHangsIsKilled(t *testing.T) {
	t.Parallel()
	pids := filepath.Join(t.TempDir(), "pid")
	path := script(t, "sleep 1000 &", "echo $! > "+pids+".new; mv "+pids+".new "+pids, "wait")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- command{path}.deliver(ctx, "id", nil) }()
	until(t, "it has started", func() bool { _, err := os.Stat(pids); return err == nil })
	cancel()
	if err := <-ended; err == nil || err.Error() != "signal: killed" {
		t.Errorf("it ended as %v", err)
	}
	child := pidIn(t, pids)
	until(t, "its child is gone", func() bool { return !process.Alive(child) })
}

// until waits for what another process does.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// TestATimeLimitIsTold gives a command no time at all.
func TestATimeLimitIsTold(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := command{script(t, "sleep 1000")}.deliver(ctx, "id", nil)
	if err == nil || !strings.HasPrefix(err.Error(), "still running after 10s") {
		t.Errorf("it ended as %v", err)
	}
}

func TestACommandThatCannotBeRun(t *testing.T) {
	t.Parallel()
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{plain: "permission denied", filepath.Join(t.TempDir(), "none"): "no such file"} {
		_, err := New(Options{Command: path})
		if charm.CodeOf(err) != charm.CodeUsage || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s gave %v", path, err)
		}
	}
}
