package service_test

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/identity"
	"charmd/internal/process"
	"charmd/internal/testbin"
)

func TestFirstStartMakesAHeartbeat(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := startDaemon(t, dir)
	ref := client.Ref{Space: "home", Charm: "heartbeat"}
	c := d.await(ref, "the first beat", 5*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses > 0 })
	got := result[struct {
		Beats    int
		LastBeat string
	}](t, c)
	if at, err := time.Parse(time.RFC3339, got.LastBeat); got.Beats < 1 || err != nil || time.Since(at) > time.Minute {
		t.Errorf("the heartbeat holds %+v", got)
	}
	if err := d.Client.Remove(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	d = startDaemon(t, dir)
	if list, err := d.Client.Charms(t.Context(), ""); err != nil || len(list) != 0 {
		t.Errorf("a heartbeat that was removed is back: %+v, %v", list, err)
	}
}

func TestAdminCharmListsWhatIsRegistered(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	added, err := d.Client.AddAdminCharm(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if added.Space != identity.SystemSpaceDID || len(added.CharmID) != 59 || !strings.HasSuffix(added.URL, added.CharmID) {
		t.Errorf("added %+v", added)
	}
	if again, err := d.Client.AddAdminCharm(t.Context()); err != nil || again != added {
		t.Errorf("added again it is %+v, %v", again, err)
	}
	counted := d.add(counter, "s", "counter", every(time.Second))
	admin := client.Ref{Space: added.Space, Charm: added.CharmID}
	type entry struct {
		Space, CharmID, Integration, Status string
		CreatedAt, LastRun, DisabledAt      float64
	}
	listed := func(c api.Charm) map[string]entry {
		by := map[string]entry{}
		for _, e := range result[struct{ Charms []entry }](t, c).Charms {
			by[e.CharmID] = e
		}
		return by
	}
	c := d.await(admin, "runs show in the registry", 10*time.Second, func(c api.Charm) bool {
		return listed(c)[counted.Charm].Status == "Success"
	})
	by := listed(c)
	if e := by[counted.Charm]; len(by) != 2 || e.Space != counted.Space || e.CreatedAt == 0 || e.LastRun == 0 || e.DisabledAt != 0 {
		t.Errorf("the admin charm lists %+v", by)
	}

	// What a person changes in the cell is done.
	index := 0
	for i, e := range result[struct{ Charms []entry }](t, c).Charms {
		if e.CharmID == counted.Charm {
			index = i
		}
	}
	path := []string{"charms", string(rune('0' + index)), "disabledAt"}
	if err := d.Client.SetCell(t.Context(), admin, path, json.RawMessage("1700000000000")); err != nil {
		t.Fatal(err)
	}
	off := d.await(counted, "disabled through the registry", 5*time.Second, func(c api.Charm) bool { return c.State.Disabled })
	if off.State.DisabledBy != charm.ByPerson {
		t.Errorf("it was disabled by %s", off.State.DisabledBy)
	}
	if err := d.Client.SetCell(t.Context(), admin, path, json.RawMessage("0")); err != nil {
		t.Fatal(err)
	}
	d.await(counted, "enabled through the registry", 5*time.Second, func(c api.Charm) bool { return c.Enabled && c.NextRun != nil })
}

func TestRegistrationEndpoint(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	ref := d.add(counter, "s", "counter", notRegistered)
	post := func(body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+"/api/integrations/bg", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+d.token())
		req.Header.Set("Content-Type", "text/plain")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var reply json.RawMessage
		if err := json.NewDecoder(res.Body).Decode(&reply); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(reply)
	}
	good := `{"charmId":"` + ref.Charm + `","space":"` + ref.Space + `","integration":"rss"}`
	for range 2 {
		if code, reply := post(good); code != 200 || reply != `{"success":true,"message":"success"}` {
			t.Errorf("registering gave %d %s", code, reply)
		}
	}
	c := d.await(ref, "runs after it was registered", 5*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses > 0 })
	if !c.Registered || c.Integration != "rss" {
		t.Errorf("it stands as %+v", c)
	}
	for _, bad := range []string{`{`, `{}`, `{"charmId":"x","space":"y"}`, `{"charmId":"` + ref.Charm + `","space":"` + identity.AnonymousDID + `"}`, `[]`} {
		if code, reply := post(bad); code != 400 || !strings.Contains(reply, "Failed to process background integration request") {
			t.Errorf("%s gave %d %s", bad, code, reply)
		}
	}
}

func TestStoredRecipeThatNoLongerCompiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := startDaemon(t, dir, "--max-retries", "3")
	ref := d.add(counter, "s", "counter", every(time.Second))
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "charmd.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "update recipe set source = 'export default = ;', compiler = 'an older one' where name = 'counter.tsx'"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	d = startDaemon(t, dir, "--max-retries", "3")
	c := d.await(ref, "disabled", 10*time.Second, func(c api.Charm) bool { return c.State.Disabled })
	if c.State.DisabledBy != charm.ByPermanent || c.State.NextTry != nil || !strings.Contains(c.State.LastError, "counter.tsx:1:16") {
		t.Errorf("it stands as %+v", c.State)
	}
	runs, err := d.Client.RunsOf(t.Context(), ref, client.Query{Limit: 1})
	if err != nil || runs[0].Outcome != charm.Errored || runs[0].Code != charm.CodeCompile {
		t.Errorf("the last run is %+v, %v", runs, err)
	}
}

func TestStopWaitsForRunsAndHandsTheOthersBack(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var asked = make(chan struct{}, 10)
	url, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() {
		select {
		case <-release:
		default:
			close(release)
		}
	})
	dir := t.TempDir()
	hook, notifyURL := newReceiver(t)
	d := startDaemon(t, dir, "--grace", "2s", "--notify-url", notifyURL)
	ref := d.add(slow, "s", "slow", allow(host), rarely, argument(`{"url":%q}`, url))
	<-asked
	workers := process.Children(d.PID)
	if err := d.Stop(); err != nil {
		t.Fatalf("stopping: %v", err)
	}
	awaitGone(t, workers)
	if told := hook.notices(); len(told) > 0 || untold(t, dir) > 0 { // it was looked every second how it stands
		t.Errorf("a stop that took its time was told as %+v, %d more wait", told, untold(t, dir))
	}
	close(release)
	d = startDaemon(t, dir)
	c := d.await(ref, "runs again after the restart", 10*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses > 0 })
	if c.State.TotalFailures != 0 || c.State.ConsecutiveFailures != 0 {
		t.Errorf("handing back was counted: %+v", c.State)
	}
	runs, err := d.Client.RunsOf(t.Context(), ref, client.Query{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if last := runs[len(runs)-1]; last.Outcome != charm.Cancelled || last.Code != charm.CodeHandedBack {
		t.Errorf("the first run is recorded as %s (%s)", last.Outcome, last.Code)
	}
}

func TestRemovedWhileRunning(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}, 1), make(chan struct{})
	url, host := serve(t, func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-release
	})
	d := startDaemon(t, t.TempDir())
	ref := d.add(slow, "s", "slow", notRegistered, allow(host), argument(`{"url":%q}`, url))
	ended := d.begin(ref)
	<-asked
	if err := d.Client.Remove(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	close(release)
	if r := <-ended; r.Outcome != charm.Cancelled {
		t.Errorf("the run of a removed charm ended as %s", r.Outcome)
	}
	if _, err := d.Client.Charm(t.Context(), ref); charm.CodeOf(err) != charm.CodeNotFound {
		t.Errorf("the charm is still there: %v", err)
	}
}

// paging imports a page a run and asks for the next one at once.
const paging = `import { getRecipeEnvironment, handler, recipe } from "@commontools/builder";

const load = handler({}, {
  type: "object",
  properties: { pages: { type: "array", items: { type: "string" }, default: [], asCell: true } },
}, (_event, state) => {
  const pages = state.pages.get();
  state.pages.set([...pages, getRecipeEnvironment().occasion]);
  if (pages.length < 4) getRecipeEnvironment().again();
});

export default recipe(
  { type: "object", properties: { pages: { type: "array", items: { type: "string" }, default: [] } } },
  ({ pages }) => ({ pages, bgUpdater: load({ pages }) }),
);
`

func TestAgainRunsPageAfterPage(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	ref := d.add(paging, "s", "paging", rarely)
	c := d.await(ref, "all pages at once", 10*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses == 5 })
	pages := result[struct{ Pages []string }](t, c).Pages
	seen := map[string]bool{}
	for _, occasion := range pages {
		seen[occasion] = true
	}
	if len(pages) != 5 || len(seen) != 5 {
		t.Errorf("five pages, each on an occasion of its own, are %v", pages)
	}
	if c := d.await(ref, "the last page ends it", 5*time.Second, func(c api.Charm) bool { return c.NextRun != nil }); time.Until(*c.NextRun) < 0 {
		t.Errorf("the next run is due at %v", c.NextRun)
	}
}

// TestThePortMayBeLeftToTheSystem: with port 0 the service says where it is, and
// charms' requests to it are answered in process.
func TestThePortMayBeLeftToTheSystem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), testbin.Path(t), "start", "--data-dir", dir, "--listen", "127.0.0.1:0", "--log-level", "warn")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "listens on http://127.0.0.1:") {
	}
	if _, port, _ := strings.Cut(lines.Text(), "127.0.0.1:"); port == "" || port == "0" {
		t.Errorf("it says %q", lines.Text())
	}
	_ = cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
