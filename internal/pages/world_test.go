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

// again starts a daemon that has ended, where it was. It is killed where the first one
// is, after the windows were closed: a page would complain that it is gone.
func again(t *testing.T, d *process.Daemon) {
	t.Helper()
	next, err := process.Start(process.Options{Command: []string{testbin.Path(t)}, Dir: d.Dir, Listen: strings.TrimPrefix(d.URL, "http://")})
	if err != nil {
		t.Fatal(err)
	}
	*d = *next
}
