//go:build linux

package service_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/doctor"
	"charmd/internal/testbin"
)

// nothingIsLost requires that the counter has counted each run that is recorded
// as ok, and no other.
func (d *daemon) nothingIsLost(ref client.Ref) {
	d.t.Helper()
	if _, err := d.Client.Disable(d.t.Context(), ref, "it is counted"); err != nil {
		d.t.Fatal(err)
	}
	c := d.await(ref, "at rest", 30*time.Second, func(c api.Charm) bool { return c.Status != string(charm.Running) })
	if got := result[counted](d.t, c).Value; got != c.State.TotalSuccesses || c.State.TotalFailures != 0 {
		d.t.Errorf("it counted %d in %d runs that ended well, %d failed", got, c.State.TotalSuccesses, c.State.TotalFailures)
	}
}

// small mounts a file system of so many bytes.
func small(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=0700")
	if errors.Is(err, unix.EPERM) && !strings.Contains(os.Getenv("CHARMD_REQUIRE"), "mount") {
		t.Skip("this user may not mount a small file system")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Detached, since a worker whose daemon was killed may have its log open for a moment.
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// remount changes the flags of a small file system, once nothing on it is open.
func remount(t *testing.T, dir string, flags uintptr) {
	t.Helper()
	awaitTrue(t, "nothing on it is open", func() bool {
		err := unix.Mount("", dir, "", unix.MS_REMOUNT|flags, "")
		if err != nil && !errors.Is(err, unix.EBUSY) {
			t.Fatal(err)
		}
		return err == nil
	})
}

// fill writes a file that leaves so many bytes free, and returns its name.
func fill(t *testing.T, dir string, leave int64) string {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "ballast")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	chunk := make([]byte, 64<<10)
	for left := int64(st.Bavail)*st.Bsize - leave; left > 0; left -= int64(len(chunk)) {
		if _, err := f.Write(chunk[:min(left, int64(len(chunk)))]); err != nil {
			if errors.Is(err, unix.ENOSPC) {
				break
			}
			t.Fatal(err)
		}
	}
	return name
}

// TestFault18_DiskAlmostFull: runs stop while there is still room, it is told, and
// they go on by themselves when somebody has made some.
func TestFault18_DiskAlmostFull(t *testing.T) {
	t.Parallel()
	dir := small(t, "64m")
	d := startDaemon(t, dir, "--min-free", "16MiB")
	ref := d.add(counter, "s", "counter", every(time.Second))
	d.awaitMore(ref, "runs", 1)
	ballast := fill(t, dir, 8<<20)
	d.awaitReady(false, "less than --min-free (16.8 MB)")
	if _, err := d.Client.Run(t.Context(), ref, true); charm.CodeOf(err) != charm.CodeUnavailable || !strings.Contains(err.Error(), "are free in") {
		t.Errorf("a run that is to be waited for: %v", err)
	}
	stopped := d.await(ref, "at rest", 10*time.Second, func(c api.Charm) bool { return c.Status != string(charm.Running) })
	status, err := d.Client.Status(t.Context())
	if err != nil || status.Ready || !strings.Contains(strings.Join(status.NotReady, " "), "are free in "+dir) {
		t.Errorf("status says %v, %v", status.NotReady, err)
	}
	if found, err := d.Client.Doctor(t.Context()); err != nil || len(found.Problems) != 1 || found.Problems[0].Code != string(doctor.Disk) {
		t.Errorf("doctor says %+v, %v", found.Problems, err)
	}
	// The schedule comes around more than once and nothing begins. People and
	// charms may still write what is small.
	other := d.add(counter, "s", "other", every(time.Second))
	d.await(other, "due and not running", 10*time.Second, func(c api.Charm) bool {
		return c.NextRun != nil && time.Since(*c.NextRun) > 2500*time.Millisecond
	})
	if now := d.show(ref); now.State.TotalExecutions != stopped.State.TotalExecutions {
		t.Errorf("it ran %d times, and then %d", stopped.State.TotalExecutions, now.State.TotalExecutions)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	d.awaitReady(true, "")
	d.awaitMore(ref, "runs go on", 2)
	d.awaitMore(other, "the other one runs, too", 1)
	for text, want := range map[string]int{"no run begins": 1, "runs begin again": 1} {
		if n := strings.Count(d.Log(), text); n != want {
			t.Errorf("the log says %q %d times", text, n)
		}
	}
	d.nothingIsLost(ref)
}

// TestFault18_DiskFull: also without a margin no run is lost or done by halves.
func TestFault18_DiskFull(t *testing.T) {
	t.Parallel()
	dir := small(t, "48m")
	d := startDaemon(t, dir, "--min-free", "0")
	ref := d.add(counter, "s", "counter", every(time.Second))
	d.awaitMore(ref, "runs", 2)
	ballast := fill(t, dir, 0)
	d.awaitReady(false, "the store cannot write")
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	d.awaitReady(true, "")
	d.awaitMore(ref, "runs go on", 2)
	d.nothingIsLost(ref)
}

// TestFault18_WritesFail has the system refuse what goes beyond a size of the
// files, as a broken disk does, with runs under way; and then allow it.
func TestFault18_WritesFail(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir(), "--min-free", "0")
	refs := []client.Ref{}
	for _, name := range []string{"a", "b", "c", "d"} {
		refs = append(refs, d.add(counter, "s", name, every(time.Second)))
	}
	for range 2 {
		d.awaitMore(refs[0], "runs", 2)
		d.limitFiles(16 << 10)
		d.awaitReady(false, "the store cannot write")
		d.limitFiles(unix.RLIM_INFINITY)
		d.awaitReady(true, "")
	}
	for _, ref := range refs {
		d.awaitMore(ref, "runs go on", 1)
		d.nothingIsLost(ref)
	}
}

// limitFiles limits how large files of the daemon may grow.
func (d *daemon) limitFiles(size uint64) {
	d.t.Helper()
	var limit unix.Rlimit
	if err := unix.Prlimit(d.PID, unix.RLIMIT_FSIZE, nil, &limit); err != nil {
		d.t.Fatal(err)
	}
	limit.Cur = size
	if err := unix.Prlimit(d.PID, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		d.t.Fatal(err)
	}
}

// TestFault18_Budget: a database that grows beyond its budget stops the runs, is
// cleaned up at once, and the runs go on.
func TestFault18_Budget(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir(), "--min-free", "0", "--disk-budget", "16MiB")
	ref := d.add(counter, "s", "counter", every(time.Second))
	d.awaitMore(ref, "runs", 1)
	// What is stored stands in the log and in the database until the log is emptied.
	large := d.add(counter, "s", "large", notRegistered)
	if err := d.Client.SetCell(t.Context(), large, []string{"value"}, json.RawMessage(`"`+strings.Repeat("x", 5<<20)+`"`)); err != nil {
		t.Fatal(err)
	}
	awaitTrue(t, "runs begin again", func() bool { return strings.Contains(d.Log(), "runs begin again") })
	if !strings.Contains(d.Log(), "of a disk budget of 16.8 MB") {
		t.Error("the log does not say why they stopped")
	}
	d.awaitMore(ref, "runs go on", 1)
	d.nothingIsLost(ref)
}

// TestFault18_ReadOnlyFileSystem: on one charmd does not start, and says why.
func TestFault18_ReadOnlyFileSystem(t *testing.T) {
	t.Parallel()
	dir := small(t, "32m")
	d := startDaemon(t, dir, "--min-free", "0")
	ref := d.add(counter, "s", "counter", notRegistered)
	d.runOK(ref)
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	remount(t, dir, unix.MS_RDONLY)
	out, err := exec.CommandContext(t.Context(), testbin.Path(t), "start", "--data-dir", dir, "--listen", "127.0.0.1:0").CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != charm.ExitData || !strings.Contains(string(out), "read-only") || !strings.Contains(string(out), "hint: ") {
		t.Errorf("it ended with %v:\n%s", err, out)
	}
	remount(t, dir, 0)
	again := startDaemon(t, dir)
	again.nothingIsLost(ref)
}
