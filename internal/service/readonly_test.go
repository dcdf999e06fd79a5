//go:build unix

package service_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/testbin"
)

// TestReadOnlyDataDirectory starts charmd as a user who may not write its data
// directory: nobody, when the test runs as root, to whom nothing is read-only.
func TestReadOnlyDataDirectory(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "charmd-readonly-") // t.TempDir is for this user alone
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	program := filepath.Join(dir, "charmd")
	text, err := os.ReadFile(testbin.Path(t))
	if err != nil {
		t.Fatal(err)
	}
	testbin.WriteExecutable(t, program, text)
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o555); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "start", "--data-dir", data, "--listen", "127.0.0.1:0")
	if os.Getuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err = cmd.Run()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != charm.ExitData {
		t.Fatalf("it ended with %v, want exit code %d:\n%s", err, charm.ExitData, stderr.String())
	}
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "charmd: the data directory "+data+" cannot be used: ") || !strings.HasPrefix(lines[1], "hint: ") {
		t.Errorf("it says:\n%s", stderr.String())
	}
}
