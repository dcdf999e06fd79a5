package pages_test

import (
	"strings"
	"testing"

	"charmd/internal/process"
	"charmd/internal/testbin"
)

// start starts the real binary on a data directory of its own.
func start(t *testing.T, args ...string) *process.Daemon {
	t.Helper()
	return startIn(t, nil, args...)
}

// startIn is start with more in the environment.
func startIn(t *testing.T, env []string, args ...string) *process.Daemon {
	t.Helper()
	d, err := process.Start(process.Options{Command: []string{testbin.Path(t)}, Dir: t.TempDir(), Args: args, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Kill()
		if log := d.Log(); t.Failed() {
			t.Logf("the daemon's log ends with:\n%s", log[max(0, len(log)-6000):])
		}
	})
	return d
}

// again starts a daemon that has ended, where it was.
func again(t *testing.T, ended *process.Daemon) {
	t.Helper()
	d, err := process.Start(process.Options{Command: []string{testbin.Path(t)}, Dir: ended.Dir, Listen: strings.TrimPrefix(ended.URL, "http://")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Kill)
}
