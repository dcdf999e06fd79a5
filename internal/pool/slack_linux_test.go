package pool

import (
	"io"
	"testing"
)

// A worker cannot ask for it itself: the runtime's watcher sleeps before any code of
// ours is run, and later the filter of system calls forbids it.
func TestProcessesAreWokenWithSlackFromTheirStart(t *testing.T) {
	t.Parallel()
	s := newSpawner(Options{})
	defer s.end()
	proc, err := s.launch("/bin/sh", []string{"-c", "/bin/cat /proc/self/timerslack_ns"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(proc.frames)
	if err != nil || string(said) != "1000000\n" {
		t.Errorf("%q, %v; want a millisecond", said, err)
	}
	if state, err := proc.os.Wait(); err != nil || !state.Success() {
		t.Errorf("%v, %v", state, err)
	}
	_, _, _ = proc.tasks.Close(), proc.frames.Close(), proc.errors.Close()
}
