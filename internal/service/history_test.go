package service_test

import (
	"database/sql"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/identity"
)

// edit stops the daemon, changes its database by hand and starts it again.
func (d *daemon) edit(statements ...string) *daemon {
	d.t.Helper()
	if err := d.Stop(); err != nil {
		d.t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(d.Dir, "charmd.db"))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			d.t.Fatalf("%s: %v", s, err)
		}
	}
	if err := db.Close(); err != nil {
		d.t.Fatal(err)
	}
	return startDaemon(d.t, d.Dir)
}

// What retention has taken is said, and keeps a run from being undone.
func TestChangesBeyondRetention(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	ref := d.add(counter, "home", "counter", notRegistered)
	first := d.runOK(ref)
	for range charm.KeepVersions + 2 {
		d.runOK(ref)
	}
	last := d.runOK(ref)
	if _, err := d.Client.Maintenance(t.Context(), charm.Cleanup, true); err != nil {
		t.Fatal(err)
	}
	c, err := d.Client.Changes(t.Context(), first.ID)
	if err != nil || len(c.Documents) != 0 || c.Forgotten != 1 {
		t.Errorf("the first run: %+v, %v", c, err)
	}
	if _, err := d.Client.Undo(t.Context(), first.ID); charm.CodeOf(err) != charm.CodeConflict || !strings.Contains(err.Error(), "1 whose states are not kept any more") {
		t.Errorf("undoing the first run: %v", err)
	}

	// What the last run wrote is current, and what was before is gone.
	d = d.edit("delete from fact where row not in (select head from memory)")
	c, err = d.Client.Changes(t.Context(), last.ID)
	if err != nil || c.Forgotten != 0 || len(c.Documents) != 1 || !c.Documents[0].Forgotten || c.Documents[0].Changed || len(c.Documents[0].Changes) != 0 {
		t.Errorf("the last run: %+v, %v", c, err)
	}
	_, err = d.Client.Undo(t.Context(), last.ID)
	if charm.CodeOf(err) != charm.CodeConflict || !strings.Contains(err.Error(), "what was before is not kept any more of process") {
		t.Errorf("undoing the last run: %v", err)
	}

	// Records of a version that did not write down the commit.
	d = d.edit("update run set since = 0")
	if _, err := d.Client.Changes(t.Context(), last.ID); charm.CodeOf(err) != charm.CodeInvalid || !strings.Contains(err.Error(), "an older charmd") {
		t.Errorf("a run of an older version: %v", err)
	}
}

// An undo is in the space's log with the run it undoes, and the charm goes on from
// there.
func TestUndoIsOneTransactionInTheLog(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	ref := d.add(counter, "home", "counter", notRegistered)
	d.runOK(ref)
	run := d.runOK(ref)
	done, err := d.Client.Undo(t.Context(), run.ID)
	if err != nil || len(done.Documents) != 1 || done.Charm != "home/counter" {
		t.Fatalf("%+v, %v", done, err)
	}
	if got := result[counted](t, d.show(ref)); got.Value != 1 {
		t.Errorf("the value is %d", got.Value)
	}
	after := d.runOK(ref)
	c, err := d.Client.Changes(t.Context(), after.ID)
	if err != nil || len(c.Documents) != 1 || len(c.Documents[0].Changes) != 1 || string(c.Documents[0].Changes[0].After) != "2" || c.Commit != done.Commit+1 {
		t.Errorf("the run after it: %+v, %v", c, err)
	}
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(d.Dir, "charmd.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var body []byte
	err = db.QueryRow("select body from payload p join space s on s.row = p.space where s.did = ? and p.since = ?", ref.Space, done.Commit).Scan(&body)
	if err != nil || !strings.Contains(string(body), `"meta":{"undo":"`+run.ID+`"}`) || strings.Contains(string(body), identity.SystemSpaceDID) {
		t.Errorf("the log has %s: %v", body, err)
	}
}

// A registered charm whose recipe is not here waits for it, and runs as soon as a
// client stores it.
func TestRecipeFromBlobs(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	ref := d.add(counter, "home", "counter", notRegistered)
	recipe := d.show(ref).Recipe
	spell := d.URL + "/api/storage/blobby/spell-" + recipe
	res, err := http.Get(spell) // without the token: its id says what is in it
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || res.Body.Close() != nil {
		t.Fatalf("%s, %v", res.Status, err)
	}

	d = d.edit("delete from charm where id = '"+ref.Charm+"'", "delete from recipe where id = '"+recipe+"'")
	post := func(path, body string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+d.token())
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.Status
	}
	if status := post("/api/integrations/bg", `{"space":"`+ref.Space+`","charmId":"`+ref.Charm+`","integration":"counter"}`); status != "200 OK" {
		t.Fatalf("registering it: %s", status)
	}
	if c := d.show(ref); c.State.Waiting != "its recipe is not stored here" || c.NextRun != nil {
		t.Errorf("without the recipe: %+v", c)
	}
	if status := post("/api/storage/blobby/spell-"+recipe, `{"src":"export default 1"}`); status != "400 Bad Request" {
		t.Errorf("another recipe under its id: %s", status)
	}
	if status := post("/api/storage/blobby/spell-"+recipe, string(body)); status != "200 OK" {
		t.Fatalf("storing the recipe: %s", status)
	}
	d.await(ref, "it runs", 20*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses > 0 })
	if got := result[counted](t, d.show(ref)); got.Value < 1 {
		t.Errorf("the value is %d", got.Value)
	}
}
