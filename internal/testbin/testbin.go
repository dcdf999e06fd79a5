// Package testbin builds the charmd executable for tests that need real processes.
// It is built without the race detector even when the test has it: the VM is many
// times slower under it, and is not what such a test is about.
package testbin

import (
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// Path is the path of an executable of the sources as they are, built once per
// test process. It fails the test when they do not build.
func Path(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var build = sync.OnceValues(func() (string, error) {
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		return "", fmt.Errorf("testbin: the sources cannot be found")
	}
	// One file for all test processes of this user and checkout: nobody is there to
	// remove it after the last one. A build replaces it in one step.
	checkout := fnv.New32a()
	_, _ = checkout.Write([]byte(here))
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("charmd-testbin-%d-%08x", os.Getuid(), checkout.Sum32()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return "", fmt.Errorf("testbin: %s is not a folder of this user alone; remove it", dir)
	}
	fresh := filepath.Join(dir, fmt.Sprintf("charmd-%d", os.Getpid()))
	cmd := exec.Command("go", "build", "-race=false", "-buildvcs=false", "-o", fresh, "charmd/cmd/charmd")
	cmd.Dir = filepath.Dir(here)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("testbin: go build: %w\n%s", err, out)
	}
	path := filepath.Join(dir, "charmd")
	if err := os.Rename(fresh, path); err != nil {
		return "", err
	}
	return path, nil
})
