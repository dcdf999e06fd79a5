package service_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/notify"
)

// receiver is a webhook that keeps what it is told while it is up.
type receiver struct {
	mu    sync.Mutex
	down  bool
	told  []notify.Notice
	asked chan struct{} // has one when somebody asked while it was down
}

func newReceiver(t *testing.T) (r *receiver, url string) {
	r = &receiver{asked: make(chan struct{}, 1)}
	url, _ = serve(t, func(w http.ResponseWriter, req *http.Request) {
		var n notify.Notice
		if err := json.NewDecoder(req.Body).Decode(&n); err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.down {
			w.WriteHeader(http.StatusServiceUnavailable)
			select {
			case r.asked <- struct{}{}:
			default:
			}
			return
		}
		r.told = append(r.told, n)
	})
	return r, url
}

func (r *receiver) set(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

func (r *receiver) notices() []notify.Notice {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]notify.Notice(nil), r.told...)
}

// kinds are the kinds of the notices told, with the charm's name.
func (r *receiver) kinds() string {
	var kinds []string
	for _, n := range r.notices() {
		kinds = append(kinds, string(n.Kind)+" "+n.Charm.Name)
	}
	return strings.Join(kinds, ", ")
}

// awaitTold waits until the hook was told so many notices.
func (r *receiver) awaitTold(t *testing.T, n int) {
	t.Helper()
	awaitTrue(t, fmt.Sprintf("%d notices", n), func() bool { return len(r.notices()) >= n })
}

// untold is how many notices still wait in the data directory of a daemon that
// has stopped.
func untold(t *testing.T, dir string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "charmd.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "select count(*) from notice").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFault13_DisabledWithANextTryAndToldOnce has a charm fail until it is
// disabled, work again, fail again, and be disabled by a person.
func TestFault13_DisabledWithANextTryAndToldOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hook, url := newReceiver(t)
	start := func() *daemon {
		return startDaemon(t, dir, "--max-retries", "0", "--failures", "3", "--notify-url", url)
	}
	d := start()
	ref := d.add(failing(`if (state.n.get() === 1) throw new Error("no item " + Math.random());`), "s", "broken", every(time.Second))
	isDisabled := func(c api.Charm) bool { return c.State.Disabled }
	c := d.await(ref, "disabled", 30*time.Second, isDisabled)
	if c.State.DisabledBy != charm.ByFailures || c.State.ConsecutiveFailures != 3 || c.NextRun != nil || c.State.NextTry == nil ||
		c.State.NextTry.Sub(*c.State.DisabledAt) != charm.FirstProbe {
		t.Errorf("it stands as %+v", c)
	}
	if len(c.Problems) != 1 || c.Problems[0].Times != 3 || c.Problems[0].LastRun != c.LastRun || !strings.HasPrefix(c.Problems[0].Position, "broken.tsx:4:") ||
		!c.Problems[0].LastSeen.After(c.Problems[0].FirstSeen) || c.State.Timings == nil {
		t.Errorf("its errors are %+v, its timings %+v", c.Problems, c.State.Timings)
	}
	all, err := d.Client.Problems(t.Context())
	if err != nil || len(all) != 1 || all[0].Charm != "s/broken" {
		t.Errorf("all errors are %+v, %v", all, err)
	}

	// A person enables it, the count begins again, and so does what is told.
	if again, err := d.Client.Enable(t.Context(), ref); err != nil || !again.Enabled || again.NextRun == nil || again.State.ConsecutiveFailures != 0 {
		t.Errorf("enabled it stands as %+v, %v", again, err)
	}
	c = d.await(ref, "disabled again", 30*time.Second, isDisabled)

	// It runs at a person's wish, and works again.
	if err := d.Client.SetCell(t.Context(), ref, []string{"n"}, json.RawMessage("2")); err != nil {
		t.Fatal(err)
	}
	d.runOK(ref)
	if c := d.show(ref); !c.Enabled || c.State.ConsecutiveFailures != 0 || c.NextRun == nil && c.Status != "running" {
		t.Errorf("after a success it stands as %+v", c)
	}
	if _, err := d.Client.Disable(t.Context(), ref, "tired of it"); err != nil {
		t.Fatal(err)
	}
	if c := d.show(ref); c.State.NextTry != nil || c.NextRun != nil || c.State.DisabledBy != charm.ByPerson {
		t.Errorf("disabled by a person it stands as %+v", c)
	}
	hook.awaitTold(t, 3)
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(d.Log(), `"msg":"charm disabled"`); n != 2 {
		t.Errorf("the log tells of it %d times, want 2", n)
	}
	d = start()
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := hook.kinds(); got != "disabled broken, disabled broken, enabled broken" || untold(t, dir) != 0 {
		t.Errorf("the hook was told: %s", got)
	}
	n := hook.notices()[0]
	if n.Charm.SpaceName != "s" || n.Charm.CharmID != ref.Charm || n.Charm.Space != ref.Space || n.DisabledBy != charm.ByFailures || n.ConsecutiveFailures != 3 ||
		!strings.HasPrefix(n.Reason, "failed 3 times in a row, last: no item ") || !strings.HasPrefix(n.Error, "no item ") ||
		!strings.HasPrefix(n.Position, "broken.tsx:4:") || n.NextTry == nil || !strings.HasSuffix(n.URL, "/s/"+ref.Charm) {
		t.Errorf("the notice is %+v", n)
	}
}

// TestFault13_PermanentIsTriedOnceAfterAChange has a recipe that does not load,
// and changes of the charm's argument before and after that is mended.
func TestFault13_PermanentIsTriedOnceAfterAChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hook, url := newReceiver(t)
	start := func() *daemon { return startDaemon(t, dir, "--max-retries", "3", "--notify-url", url) }
	rewrite := func(source string) {
		db, err := sql.Open("sqlite", filepath.Join(dir, "charmd.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ExecContext(t.Context(), "update recipe set source = ?, compiler = 'an older one' where name = 'counter.tsx'", source); err != nil {
			t.Fatal(err)
		}
	}
	d := start()
	ref := d.add(counter, "s", "counter", every(time.Second))
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	rewrite("export default = ;")
	d = start()
	c := d.await(ref, "disabled", 10*time.Second, func(c api.Charm) bool { return c.State.Disabled })
	if c.State.DisabledBy != charm.ByPermanent || c.State.NextTry != nil || c.NextRun != nil {
		t.Errorf("it stands as %+v", c.State)
	}
	set := func(value string) {
		t.Helper()
		if err := d.Client.SetCell(t.Context(), ref, []string{"value"}, json.RawMessage(value)); err != nil {
			t.Fatal(err)
		}
	}
	ran := c.State.TotalExecutions
	set("100")
	c = d.await(ref, "tried after the change", 10*time.Second, func(c api.Charm) bool { return c.State.TotalExecutions > ran && c.Status == "disabled" })
	if c.State.TotalExecutions != ran+1 || !c.State.Disabled || c.State.DisabledBy != charm.ByPermanent {
		t.Errorf("tried with nothing mended it stands as %+v", c.State)
	}
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	rewrite(counter)
	d = start()
	set("200")
	d.await(ref, "works after the recipe was mended", 10*time.Second, func(c api.Charm) bool { return c.Enabled && c.State.LastOutcome == charm.OK })
	hook.awaitTold(t, 2)
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := hook.kinds(); got != "disabled counter, enabled counter" || untold(t, dir) != 0 {
		t.Errorf("the hook was told: %s", got)
	}
	if n := hook.notices()[0]; n.DisabledBy != charm.ByPermanent || n.NextTry != nil || !strings.Contains(n.Error, "counter.tsx:1:16") {
		t.Errorf("the notice is %+v", n)
	}
}

// TestNoticesSurviveKill kills the daemon while the hook is down.
func TestNoticesSurviveKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hook, url := newReceiver(t)
	hook.set(true)
	d := startDaemon(t, dir, "--max-retries", "0", "--failures", "1", "--notify-url", url)
	d.add(failing(`throw new Error("always");`), "s", "broken", every(time.Second))
	<-hook.asked
	d.Kill()
	hook.set(false)
	d = startDaemon(t, dir, "--max-retries", "0", "--failures", "1", "--notify-url", url)
	hook.awaitTold(t, 1)
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := hook.kinds(); got != "disabled broken" || untold(t, dir) != 0 {
		t.Errorf("the hook was told: %s", got)
	}
}

// TestDisabledAtTheStartIsTold has a charm take the service down, again and again.
func TestDisabledAtTheStartIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hook, url := newReceiver(t)
	asked := make(chan struct{}, 10)
	slowly, host := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then is it noticed that the client is gone
		asked <- struct{}{}
		<-r.Context().Done()
	})
	d := startDaemon(t, dir, "--notify-url", url)
	ref := d.add(slow, "s", "slow", allow(host), every(time.Second), argument(`{"url":%q}`, slowly))
	for range charm.MaxUncleanStops {
		<-asked
		d.Kill()
		d = startDaemon(t, dir, "--notify-url", url)
	}
	c := d.await(ref, "disabled", 10*time.Second, func(c api.Charm) bool { return c.State.Disabled })
	hook.awaitTold(t, 1)
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := hook.kinds(); got != "disabled slow" || untold(t, dir) != 0 {
		t.Fatalf("the hook was told: %s", got)
	}
	if n := hook.notices()[0]; n.Reason != "was running when the service died, 3 times" || n.NextTry == nil || !n.NextTry.Equal(*c.State.NextTry) {
		t.Errorf("the notice is %+v", n)
	}
}
