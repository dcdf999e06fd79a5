//go:build linux

package service_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/process"
	"charmd/internal/testbin"
)

// withoutNamespaces is a program whose workers believe that they have none.
func withoutNamespaces(t *testing.T) string {
	t.Helper()
	script := filepath.Join(t.TempDir(), "worker.sh")
	testbin.WriteExecutable(t, script, fmt.Appendf(nil, `#!/bin/sh
for word; do
	shift
	case $word in -namespaces=*) word='-namespaces=taken away by a test' ;; esac
	set -- "$@" "$word"
done
exec '%s' "$@"
`, testbin.Path(t)))
	return script
}

func TestRequireSandbox(t *testing.T) {
	t.Parallel()
	exe := "CHARMD_WORKER_EXE=" + withoutNamespaces(t)
	_, err := launch(t, process.Options{Dir: t.TempDir(), Env: []string{exe}, Args: []string{"--require-sandbox"}})
	for _, said := range []string{fmt.Sprintf("exit status %d", charm.ExitSandbox), "\ncharmd: walls around worker processes are down: namespaces (taken away by a test)", "\nhint: "} {
		if !strings.Contains(fmt.Sprint(err), said) {
			t.Errorf("with a wall down it does not say %q: %v", said, err)
		}
	}

	// Without the option it runs, and says so.
	d, err := launch(t, process.Options{Dir: t.TempDir(), Env: []string{exe}})
	if err != nil {
		t.Fatal(err)
	}
	if r := d.runOK(d.add(counter, "s", "counter", notRegistered)); strings.Contains(r.Walls, "namespaces") || !strings.Contains(r.Walls, "rlimits") {
		t.Errorf("the run's walls are %q", r.Walls)
	}
	if l := d.walls()["namespaces"]; l != "unavailable: taken away by a test" {
		t.Errorf("namespaces are %s", l)
	}
}

// walls are those that the status names.
func (d *daemon) walls() map[string]string {
	d.t.Helper()
	status, err := d.Client.Status(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	all := map[string]string{}
	for name, l := range status.Sandbox {
		all[name] = strings.TrimSuffix(l.State+": "+l.Reason, ": ")
	}
	return all
}

// Where all walls can stand, the service starts behind them: its first status says
// so, and the last one too, when no worker is alive.
func TestAllWallsStand(t *testing.T) {
	t.Parallel()
	if !strings.Contains(os.Getenv("CHARMD_REQUIRE"), "sandbox") && !stands(t) {
		return // this machine lacks one of them, which TestRequireSandbox is about
	}
	d := startDaemon(t, t.TempDir(), "--require-sandbox")
	want := "namespaces landlock seccomp rlimits"
	for name, l := range d.walls() {
		switch {
		case name != "cgroup" && l != "on":
			t.Errorf("%s is %s", name, l)
		case name == "cgroup" && l == "on": // which few machines give unasked, and is not required
			want += " cgroup"
		case name == "cgroup" && !strings.HasPrefix(l, "unavailable: "):
			t.Errorf("of cgroups it says %q", l)
		}
	}
	if r := d.runOK(d.add(counter, "s", "counter", notRegistered)); r.Walls != want {
		t.Errorf("the run's walls are %q, want %q", r.Walls, want)
	}
}

// stands reports whether a service with --require-sandbox starts here.
func stands(t *testing.T) bool {
	t.Helper()
	d, err := process.Start(process.Options{Command: []string{testbin.Path(t)}, Dir: t.TempDir(), Args: []string{"--require-sandbox"}})
	if err == nil {
		d.Kill()
	}
	return err == nil
}
