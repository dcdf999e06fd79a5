//go:build linux

package service_test

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	"charmd/internal/charm"
)

// A run that ended in time while the service was stopped must not be told as one
// that took too long; one that did not end must.
func TestFault04_AServiceThatIsStoppedForAWhile(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	url, host := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	})
	d := startDaemon(t, t.TempDir(), "--max-retries", "0")
	// When the request is there, the run needs nothing of the service any more.
	ref := d.add(failing(`
		const given = new AbortController();
		fetch("`+url+`", { signal: given.signal }).catch(() => {});
		setTimeout(() => given.abort(), 500);`), "s", "patient", notRegistered, allow(host), timeout(2*time.Second))
	hung := d.begin(d.add(failing(endless), "s", "endless", notRegistered, timeout(2*time.Second)))
	end := d.begin(ref)
	<-asked
	if err := syscall.Kill(d.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	<-time.After(3 * time.Second)
	if err := syscall.Kill(d.PID, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if r := <-end; r.Outcome != charm.OK {
		t.Errorf("it ended as %s: %s", r.Outcome, r.Error)
	}
	if r := <-hung; r.Outcome != charm.TimedOut {
		t.Errorf("one that hangs ended as %s: %s", r.Outcome, r.Error)
	}
}
