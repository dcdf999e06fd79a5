package service_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
)

// asking asks for two things at once, of which one comes when it has asked for a
// third, and for one that never comes; it keeps what it got, and tells the time
// and random numbers.
const asking = `import { handler, recipe } from "@commontools/builder";
const load = handler({}, { type: "object", properties: {
  url: { type: "string" }, got: { type: "array", items: { type: "string" }, default: [], asCell: true },
} }, async (_event, state) => {
  const get = async (path) => (await fetch(state.url + path, { headers: { Authorization: "Bearer sesame" } })).text();
  const slow = get("/slow?api_key=sesame"), quick = get("/quick");
  const first = await Promise.race([slow, quick]);
  await get("/release");
  await new Promise((done) => setTimeout(done, 5));
  const rest = [await slow, await get("/last")];
  const given = await fetch(state.url + "/hangs", { signal: AbortSignal.timeout(20) }).then(() => "", (e) => e.name);
  console.log(Math.random(), Date.now(), crypto.randomUUID());
  state.got.set([first, ...rest, given]);
});
export default recipe({ type: "object", properties: { url: { type: "string" }, got: { type: "array", items: { type: "string" }, default: [] } } },
  ({ url, got }) => ({ url, got, bgUpdater: load({ url, got }) }));
`

func (d *daemon) replay(run string, change ...func(*api.ReplayRequest)) api.Replayed {
	d.t.Helper()
	var req api.ReplayRequest
	for _, fn := range change {
		fn(&req)
	}
	r, err := d.Client.Replay(d.t.Context(), run, req)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

func with(name, source string) func(*api.ReplayRequest) {
	return func(r *api.ReplayRequest) { r.Entry, r.Files = name, map[string]string{name: source} }
}

// A run that asked others is made again while nobody answers, also after what it
// read and wrote has changed many times, and after a restart.
func TestARunIsMadeAgainWithoutANetwork(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	releases := make(chan struct{}, 10)
	url, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		switch r.URL.Path {
		case "/slow":
			<-releases
		case "/release":
			releases <- struct{}{}
		case "/hangs":
			<-r.Context().Done()
		}
		fmt.Fprint(w, r.URL.Path, n)
	})
	dir := t.TempDir()
	d := startDaemon(t, dir)
	ref := d.add(asking, "home", "feed", notRegistered, allow(host), argument(`{"url":%q}`, url))
	first := d.runOK(ref)
	for range 3 {
		d.runOK(ref)
	}
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	d = startDaemon(t, dir)
	before := asked.Load()
	for range 3 {
		r := d.replay(first.ID)
		if !r.Same || r.Outcome != charm.OK || r.Log != first.Log || len(r.Requests) != 5 || len(r.Documents) != 1 {
			t.Fatalf("%+v", r)
		}
		if text, _ := json.Marshal(r); strings.Contains(string(text), "sesame") {
			t.Errorf("it tells secrets: %s", text)
		}
	}
	if n := asked.Load(); n != before {
		t.Errorf("the network was asked %d times", n-before)
	}

	// Code that asks for something else gets an error that says so.
	r := d.replay(first.ID, with("feed.tsx", strings.Replace(asking, `get("/last")`, `get("/other")`, 1)))
	if r.Same || r.Outcome != charm.Errored || !strings.Contains(r.Error, "/other was not recorded") || r.Handler != "bgUpdater" || !strings.HasPrefix(r.Position, "feed.tsx:5:") {
		t.Errorf("%+v", r)
	}

	// Nothing of the secrets that were sent is in what is kept.
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "charmd.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "select r.body from recording r join charm c on c.row = r.charm where c.name = 'feed'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			t.Fatal(err)
		}
		if n++; strings.Contains(string(body), "sesame") || !strings.Contains(string(body), "/slow") {
			t.Errorf("%s", body)
		}
	}
	if err := rows.Err(); err != nil || n == 0 {
		t.Errorf("%d recordings, %v", n, err)
	}
}

// What retention has taken, a run cannot be made again of, and it says so. A charm
// that is removed takes its recordings along.
func TestRecordingsEnd(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	ref := d.add(counter, "home", "counter", notRegistered)
	run := d.runOK(ref)
	d.runOK(ref)
	d = d.edit("delete from fact where row not in (select head from memory)")
	if _, err := d.Client.Replay(t.Context(), run.ID, api.ReplayRequest{}); charm.CodeOf(err) != charm.CodeInvalid || !strings.Contains(err.Error(), "not kept any more as it was then") {
		t.Errorf("without the documents: %v", err)
	}
	d = d.edit("delete from run where id = '" + run.ID + "'")
	if _, err := d.Client.Maintenance(t.Context(), charm.Cleanup, true); err != nil {
		t.Fatal(err)
	}
	if n := d.rows("recording where run = '" + run.ID + "'"); n != 0 {
		t.Errorf("the recording of a run without a record is kept")
	}
	if err := d.Client.Remove(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	if n := d.rows("recording where run not in (select id from run) or charm not in (select row from charm)"); n != 0 {
		t.Errorf("%d recordings are of nothing", n)
	}
}

// rows counts the rows of a table of a running daemon.
func (d *daemon) rows(what string) (n int) {
	d.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(d.Dir, "charmd.db")+"?mode=ro")
	if err != nil {
		d.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(d.t.Context(), "select count(*) from "+what).Scan(&n); err != nil {
		d.t.Fatal(err)
	}
	return n
}

// Nothing is kept where nothing is to be.
func TestNoReplaysWhereNoneAreWanted(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir(), "--keep-replays", "0")
	ref := d.add(counter, "home", "counter", notRegistered)
	run := d.runOK(ref)
	_, err := d.Client.Replay(t.Context(), run.ID, api.ReplayRequest{})
	if charm.CodeOf(err) != charm.CodeInvalid || d.rows("recording") != 0 {
		t.Errorf("%v, %d recordings", err, d.rows("recording"))
	}
}

// An update while a run is in flight: the run does not write what the recipe
// before would have, but is made again with the new one.
func TestAnUpdateOvertakesARun(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}, 10), make(chan struct{})
	url, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	d := startDaemon(t, t.TempDir())
	ref := d.add(slow, "s", "slow", allow(host), notRegistered, argument(`{"url":%q}`, url))
	ran := make(chan api.RunReply, 1)
	go func() {
		reply, err := d.Client.Run(t.Context(), ref, true)
		if err != nil {
			t.Error(err)
		}
		ran <- reply
	}()
	<-asked
	before := d.show(ref)
	done, err := d.Client.Update(t.Context(), ref, api.UpdateRequest{Entry: "c.tsx", Files: map[string]string{"c.tsx": counter}})
	if err != nil || done.Before != before.Recipe || done.Commit == 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	close(release)
	reply := <-ran
	if reply.Run == nil || reply.Run.Outcome != charm.OK || reply.Run.Conflicts != 1 {
		t.Errorf("%+v", reply.Run)
	}
	after := d.show(ref)
	if after.Recipe != done.After || result[counted](t, after).Value != 1 {
		t.Errorf("recipe %s, result %s", after.Recipe, after.Result)
	}
	d.runOK(ref)
	if _, err := d.Client.Update(t.Context(), ref, api.UpdateRequest{Back: true, From: "ba4jcother"}); charm.CodeOf(err) != charm.CodeConflict {
		t.Errorf("from another recipe: %v", err)
	}
	back, err := d.Client.Update(t.Context(), ref, api.UpdateRequest{Back: true})
	if err != nil || back.After != before.Recipe || back.Runs != 2 {
		t.Errorf("%+v, %v", back, err)
	}
	if c := d.show(ref); c.Recipe != before.Recipe || string(c.Result) != string(before.Result) {
		t.Errorf("recipe %s, result %s, and it was %s", c.Recipe, c.Result, before.Result)
	}
}

// A charm that cannot run as it is gets one try when it gets another recipe.
func TestFault13_PermanentIsTriedOnceAfterAnUpdate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := startDaemon(t, dir)
	ref := d.add(counter, "s", "counter", rarely)
	d.await(ref, "first run", 10*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses > 0 })
	d = d.edit("update recipe set source = 'export default = ;', compiler = 'an older one' where name = 'counter.tsx'")
	if _, err := d.Client.Run(t.Context(), ref, true); err != nil {
		t.Fatal(err)
	}
	c := d.await(ref, "disabled", 10*time.Second, func(c api.Charm) bool { return c.State.Disabled })
	if c.State.DisabledBy != charm.ByPermanent {
		t.Fatalf("it stands as %+v", c.State)
	}
	ran := c.State.TotalExecutions
	// The recipe before cannot be asked for its cells, and they stay.
	update := func(source string) {
		t.Helper()
		if _, err := d.Client.Update(t.Context(), ref, api.UpdateRequest{Entry: "counter.tsx", Files: map[string]string{"counter.tsx": source}}); err != nil {
			t.Fatal(err)
		}
	}
	update(strings.Replace(counter, "+ 1)", "+ 10)", 1))
	c = d.await(ref, "enabled", 10*time.Second, func(c api.Charm) bool { return !c.State.Disabled })
	if c.State.TotalExecutions != ran+1 || result[counted](t, c).Value != 11 {
		t.Errorf("after the update it stands as %+v, %s", c.State, c.Result)
	}
}

// A run that asked others and wrote nothing says so, in its log and in its record.
func TestARunThatWroteNothingSaysSo(t *testing.T) {
	t.Parallel()
	url, host := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "[]") })
	d := startDaemon(t, t.TempDir())
	const asks = `import { handler, recipe } from "@commontools/builder";
const load = handler({}, { type: "object", properties: { url: { type: "string" } } }, async (_e, s) => { await (await fetch(s.url)).json(); });
export default recipe({ type: "object", properties: { url: { type: "string" } } }, ({ url }) => ({ url, bgUpdater: load({ url }) }));
`
	ref := d.add(asks, "home", "asks", rarely, allow(host), argument(`{"url":%q}`, url))
	d.await(ref, "first run", 10*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses > 0 })
	run := d.runOK(ref)
	if !strings.HasSuffix(run.Log, " info  the run made 1 request and wrote nothing\n") || run.Note != "it made requests and wrote nothing" {
		t.Errorf("log %q, note %q", run.Log, run.Note)
	}
	why, err := d.Client.Why(t.Context(), client.Ref{Space: "home", Charm: "asks"})
	if err != nil || !strings.Contains(why.Because, "made 1 request and wrote nothing") {
		t.Errorf("%+v, %v", why, err)
	}
}
