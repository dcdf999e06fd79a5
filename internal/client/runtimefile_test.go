package client

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// deadPID is the id of a process that has ended.
func deadPID(t *testing.T) int {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

func TestRuntimeFileLife(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "run", "charmd")
	data := dataDir(t, "")
	f := RuntimeFile{URL: "http://127.0.0.1:8000", DataDir: data, PID: os.Getpid()}
	if err := f.write(dir); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "8000.json"): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
	files, err := runtimeFiles(dir)
	if err != nil || len(files) != 1 || !cmp.Equal(files[0], f) {
		t.Fatalf("runtimeFiles: %v, %v", files, err)
	}
	if err := f.remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := f.remove(dir); err != nil {
		t.Errorf("removing what is gone: %v", err)
	}
	if files, err := runtimeFiles(dir); err != nil || len(files) != 0 {
		t.Errorf("after removing: %v, %v", files, err)
	}
}

func TestRemoveLeavesTheFileOfAnotherDaemon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mine := RuntimeFile{URL: "http://127.0.0.1:8000", DataDir: dir, PID: os.Getpid()}
	theirs := mine
	theirs.PID = os.Getppid()
	if err := theirs.write(dir); err != nil {
		t.Fatal(err)
	}
	if err := mine.remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "8000.json")); err != nil {
		t.Error(err)
	}
}

func TestStaleAndForeignFilesAreRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := (RuntimeFile{URL: "http://127.0.0.1:1", DataDir: dir, PID: deadPID(t)}).write(dir); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"2.json": "not json", "3.json": `{"url":"gopher://x:1","pid":1}`, "4.json": strings.Repeat(" ", maxRuntimeFileBytes) + "{}",
		"notes.txt": "stays",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if files, err := runtimeFiles(dir); err != nil || len(files) != 0 {
		t.Errorf("got %v, %v", files, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "notes.txt" {
		t.Errorf("left are %v, %v", left, err)
	}
}

func TestRuntimeFileNeedsAPort(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"http://localhost", "http://%zz", ""} {
		if err := (RuntimeFile{URL: bad}).write(t.TempDir()); err == nil {
			t.Errorf("%q was written", bad)
		}
	}
}

func TestRuntimeDir(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"XDG_RUNTIME_DIR": "/run/user/7", "TMPDIR": "/t"}, "/run/user/7/charmd"},
		{map[string]string{"XDG_RUNTIME_DIR": "relative", "TMPDIR": "/t"}, "/t/charmd-"},
		{nil, filepath.Join(os.TempDir(), "charmd-")},
	} {
		if got := RuntimeDir(func(name string) string { return tc.env[name] }); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%v: %s", tc.env, got)
		}
	}
}

func FuzzParseRuntimeFile(f *testing.F) {
	f.Add([]byte(`{"url":"http://127.0.0.1:8000","dataDir":"/d","pid":7}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseRuntimeFile(text)
		if err != nil {
			return
		}
		if name, err := got.name(); err != nil || got.PID <= 0 || strings.ContainsAny(name, `/\`) {
			t.Fatalf("took %+v (%s, %v)", got, name, err)
		}
	})
}
