package service_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"charmd/internal/process"
	"charmd/internal/testbin"
)

// watcher is the real command charmd watch.
type watcher struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string // of standard output and standard error
}

func (d *daemon) watch(args ...string) *watcher {
	d.t.Helper()
	w := &watcher{t: d.t, cmd: exec.Command(testbin.Path(d.t), append([]string{"watch", "--data-dir", d.Dir}, args...)...), lines: make(chan string)}
	w.cmd.Env = append(os.Environ(), "CHARMD_URL="+d.URL, "XDG_RUNTIME_DIR="+filepath.Join(d.Dir, "runtime"))
	r, pipe := io.Pipe()
	w.cmd.Stdout, w.cmd.Stderr = pipe, pipe
	if err := w.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	go func() {
		defer close(w.lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			w.lines <- s.Text()
		}
	}()
	d.t.Cleanup(func() {
		_ = w.cmd.Process.Kill()
		_ = w.cmd.Wait()
		_ = pipe.Close()
		for range w.lines {
		}
	})
	return w
}

// prints waits for a line and returns those before it.
func (w *watcher) prints(pattern string) (before []string) {
	w.t.Helper()
	for line := range w.lines {
		if regexp.MustCompile(pattern).MatchString(line) {
			return before
		}
		before = append(before, line)
	}
	w.t.Fatalf("it ended before it printed %s, after:\n%s", pattern, strings.Join(before, "\n"))
	return nil
}

// People who watch a charm or a space see what runs and other people write there,
// a restart of the daemon included.
func TestWatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	listen := reserve(t)
	d, err := launch(t, process.Options{Dir: dir, Listen: listen})
	if err != nil {
		t.Fatal(err)
	}
	ref := d.add(counter, "home", "counter", notRegistered)
	charm, space := d.watch("home/counter", "--json"), d.watch("home")
	did, id := ref.Space, ref.Charm
	space.prints(`^watching the documents of ` + did + `$`)
	charm.prints(`^\{"at":"[^"]+Z","space":"` + did + `","charmId":"` + id + `","result":\{"value":0\}\}$`)
	d.runOK(ref)
	if more := charm.prints(`"result":\{"value":1\}`); len(more) > 0 {
		t.Errorf("between two results it printed %q", more)
	}
	if err := d.Client.SetCell(t.Context(), ref, []string{"value"}, []byte(`40`)); err != nil {
		t.Fatal(err)
	}
	charm.prints(`"result":\{"value":40\}`)
	space.prints(`^\d\d:\d\d:\d\d  of:baedrei\S+  \{"value":.*40`)

	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	charm.prints(`^(the connection to )?the toolshed at ` + regexp.QuoteMeta(d.URL) + ` (was lost|is going away).*; trying again$`)
	if d, err = launch(t, process.Options{Dir: dir, Listen: listen}); err != nil {
		t.Fatal(err)
	}
	charm.prints(`^connected to ` + regexp.QuoteMeta(d.URL) + ` again$`)
	d.runOK(ref)
	charm.prints(`"result":\{"value":41\}`)
	space.prints(`\{"value":.*41`)

	for _, w := range []*watcher{charm, space} {
		if err := w.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range []*watcher{charm, space} {
		if state, err := w.cmd.Process.Wait(); err != nil || !state.Success() {
			t.Errorf("after SIGINT it ended with %v, %v", state, err)
		}
	}
}
