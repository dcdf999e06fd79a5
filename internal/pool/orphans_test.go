//go:build linux

package pool

import (
	"os"
	"os/exec"
	"testing"
)

// orphan is a worker that nobody watches and that does not leave by itself.
func orphan(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = []string{fakeRole + "=orphan", noRaceWait}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if _, err := out.Read(make([]byte, 1)); err != nil { // it has become what it is to be
		t.Fatal(err)
	}
	return cmd
}

func TestFault03_OrphansAreSweptAtTheStart(t *testing.T) {
	t.Parallel()
	owner := t.TempDir()
	mine := orphan(t, workerMode, "-arena", "1", ownerArgument+owner)
	others := []*exec.Cmd{
		orphan(t, workerMode, ownerArgument+owner+"x"),
		orphan(t, workerMode, ownerArgument),
		orphan(t, "start", ownerArgument+owner),
		orphan(t, workerMode, "about", "charms/"+owner),
	}
	var gone []<-chan struct{}
	for _, o := range others {
		gone = append(gone, whenDead(t, o.Process.Pid))
	}
	dead := whenDead(t, mine.Process.Pid)
	p := fakePool(t, "good", Options{Workers: 1, Owner: owner})
	awaits(t, "death of the orphan", dead)
	works(t, p)
	for i, g := range gone {
		select {
		case <-g:
			t.Errorf("%q was killed too", others[i].Args)
		default:
		}
	}
	if killed := sweep(""); killed != nil {
		t.Errorf("without an owner %v were killed", killed)
	}
}

func TestWorkersCarryTheirOwner(t *testing.T) {
	t.Parallel()
	args := append([]string{"charmd"}, arguments(Options{Owner: "me"})...)
	place := t.TempDir() + "/cmdline"
	text := ""
	for _, a := range args {
		text += a + "\x00"
	}
	if err := os.WriteFile(place, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if !isWorkerOf("me", place) || isWorkerOf("m", place) || isWorkerOf("me", place+"x") {
		t.Errorf("%q", args)
	}
}
