package service_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"charmd/charms"
	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/fakegoogle"
)

// ids of the mails that the charm has, in their order; the test ends when one is there twice.
func (d *daemon) mailIDs(ref client.Ref) (ids []string) {
	d.t.Helper()
	for _, m := range result[mailbox](d.t, d.show(ref)).Mails {
		if slices.Contains(ids, m.ID) {
			d.t.Fatalf("%s is there twice", m.ID)
		}
		ids = append(ids, m.ID)
	}
	return ids
}

// addGmailAtRest adds the shipped charm, which then runs when it is asked to alone, and
// waits until it has what there is.
func (d *daemon) addGmailAtRest(g *fakegoogle.Google, name, settings string, want int, change ...func(*api.AddRequest)) client.Ref {
	d.t.Helper()
	change = append(change, notRegistered, rarely, allow(g.Host), argument(`{"settings":{"api":%q,%s}}`, g.URL, settings))
	ref := d.add(charms.Source("gmail.tsx"), "home", name, change...)
	d.connect(g, ref)
	d.atRest(ref, want)
	return ref
}

// atRest waits until the charm has so many mails and no run is to follow at once.
func (d *daemon) atRest(ref client.Ref, want int) api.Charm {
	d.t.Helper()
	return d.await(ref, fmt.Sprintf("%d mails", want), time.Minute, func(c api.Charm) bool {
		return c.State.TotalExecutions > 0 && c.Status != "running" && c.NextRun != nil && time.Until(*c.NextRun) > time.Minute && len(result[mailbox](d.t, c).Mails) == want
	})
}

// A Gmail that does not answer ends the run by whichever limit comes first, holds nothing
// up, and the next run goes on where the last one was.
func TestFault12_GmailThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	g := fakegoogle.Start(t, time.Now)
	m := g.Gmail()
	m.Change(func(r *fakegoogle.MailRules) { r.Units = 10_000 })
	conf := filepath.Join(t.TempDir(), "charmd.conf")
	if err := os.WriteFile(conf, []byte("CHARMD_EGRESS_TIMEOUT=5s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := googleDaemon(t, g, t.TempDir(), "--config", conf, "--max-retries", "0")
	list := inbox(50)
	m.Receive(list[:10]...)
	patient := d.addGmailAtRest(g, "patient", `"perSecond":1900`, 10, timeout(2*time.Minute))
	hurried := d.addGmailAtRest(g, "hurried", `"perSecond":1900`, 10, timeout(2*time.Minute))
	within := func(limit string) { // on a full machine what comes in well takes longer than one that is too short
		t.Helper()
		if _, err := d.Client.Configure(t.Context(), hurried, api.ConfigureRequest{Timeout: limit}); err != nil {
			t.Fatal(err)
		}
	}
	m.Fetched()

	m.Receive(list[10:]...)
	hold := make(chan struct{})
	m.Change(func(r *fakegoogle.MailRules) { r.Hold = hold })
	within("3s")
	if r := d.run(hurried); r.Outcome != charm.TimedOut || r.Code != charm.CodeTimeout || r.Changed != 0 {
		t.Errorf("longer than a run may take: %s (%s) %s", r.Outcome, r.Code, r.Error)
	}
	if r := d.run(patient); r.Outcome != charm.Errored || r.Code != charm.CodeEgressLimit || !strings.Contains(r.Error, "5s") || r.Changed != 0 {
		t.Errorf("longer than a request may take: %s (%s) %s", r.Outcome, r.Code, r.Error)
	}
	m.Change(func(r *fakegoogle.MailRules) { r.Hold = nil })
	close(hold)
	within("2m")
	for _, ref := range []client.Ref{patient, hurried} {
		d.runOK(ref)
		d.atRest(ref, 50)
		if n := len(d.mailIDs(ref)); n != 50 {
			t.Errorf("there are %d mails", n)
		}
		if r := d.runOK(ref); r.Requests != 1 {
			t.Errorf("with nothing new there were %d requests", r.Requests)
		}
	}
	if got := m.Fetched(); got["full"] != 80 {
		t.Errorf("the 40 new ones were given as %v to the two of them", got)
	}
}

// Batches and parts of them that fail are fetched later; a quota that is used up is
// nobody's failure, and is not run against.
func TestGmailBatchesThatBreak(t *testing.T) {
	t.Parallel()
	g := fakegoogle.Start(t, time.Now)
	m := g.Gmail()
	m.Change(func(r *fakegoogle.MailRules) { r.Units = 10_000 })
	d := googleDaemon(t, g, t.TempDir(), "--max-retries", "0")
	list := inbox(120)
	ref := d.addGmailAtRest(g, "mail", `"perSecond":1900`, 0)
	others := map[string]client.Ref{"fast": d.addGmailAtRest(g, "fast", `"limit":5`, 0), "day": d.addGmailAtRest(g, "day", `"limit":5`, 0)}
	m.Receive(list[:90]...)
	m.Change(func(r *fakegoogle.MailRules) { r.Broken = 1 })
	if r := d.run(ref); r.Outcome != charm.Remote || r.Changed != 0 || !strings.Contains(r.Error, "answered 500") {
		t.Errorf("a batch that failed: %s %s", r.Outcome, r.Error)
	}
	m.Change(func(r *fakegoogle.MailRules) { r.Refuse = 7 })
	if r := d.runOK(ref); !strings.Contains(r.Log, "7 mails could not be had") {
		t.Errorf("7 parts that failed: %s", r.Log)
	}
	if n := len(d.mailIDs(ref)); n != 83 {
		t.Errorf("without the 7 there are %d mails", n)
	}
	m.Receive(list[90:]...) // what failed does not keep what is new from coming
	m.Change(func(r *fakegoogle.MailRules) { r.Refuse = 3 })
	d.runOK(ref)
	if n := len(d.mailIDs(ref)); n != 117 {
		t.Errorf("without 3 there are %d mails", n)
	}
	d.runOK(ref)
	if ids := d.mailIDs(ref); len(ids) != 120 {
		t.Errorf("in the end there are %d mails", len(ids))
	}
	if got := m.Fetched(); got["full"] != 120 {
		t.Errorf("fetched were %v", got)
	}

	const history = "/gmail/v1/users/me/history"
	for name, fn := range map[string]func(*fakegoogle.MailRules){
		"fast": func(r *fakegoogle.MailRules) { r.Status, r.Bare = http.StatusForbidden, true },
		"day":  func(r *fakegoogle.MailRules) { r.Daily = 1 },
	} {
		m.Change(fn)
		other, asked := others[name], g.Asked(history)
		if r := d.run(other); r.Outcome != charm.Remote || !strings.Contains(r.Error, "Gmail answered 403") {
			t.Errorf("%s: %s (%s) %s", name, r.Outcome, r.Code, r.Error)
		}
		if r := d.run(other); r.Outcome != charm.Remote || !strings.Contains(r.Error, "a quota is used up") || g.Asked(history) != asked+1 {
			t.Errorf("%s, again: %s %s; it was asked %d times", name, r.Outcome, r.Error, g.Asked(history)-asked)
		}
		if s := d.show(other).State; s.TotalFailures != 0 {
			t.Errorf("%s counts as %+v", name, s)
		}
		m.Change(func(r *fakegoogle.MailRules) { r.Status, r.Bare, r.Daily = 0, false, 0 })
	}
}

// A query may have more hits than fit into one answer, or into one run: whether a mail is
// among them is known when the last page was read.
func TestGmailQueryOfManyHits(t *testing.T) {
	t.Parallel()
	g := fakegoogle.Start(t, time.Now)
	m := g.Gmail()
	d := googleDaemon(t, g, t.TempDir())
	m.Receive(inbox(1200)...)
	m.Receive(fakegoogle.Mail{ID: "other", Subject: "Other", Labels: []string{"INBOX"}, Date: time.Now()})
	ref := d.addGmailAtRest(g, "mail", `"query":"subject:Mail","limit":20`, 20)
	starred := d.addGmailAtRest(g, "starred", `"query":"in:STARRED","labels":""`, 0)

	m.Label("m00003", "INBOX", "STARRED") // the last hit but three
	m.Label("other", "INBOX", "STARRED")
	d.runOK(starred)
	if ids := d.mailIDs(starred); !slices.Contains(ids, "m00003") || len(ids) != 2 {
		t.Errorf("starred are %v", ids)
	}
	before := g.Asked("/gmail/v1/users/me/messages")
	d.runOK(ref)
	d.atRest(ref, 21)
	if ids := d.mailIDs(ref); !slices.Contains(ids, "m00003") || slices.Contains(ids, "other") {
		t.Errorf("there are %v", ids)
	}
	if n := g.Asked("/gmail/v1/users/me/messages") - before; n != 3 {
		t.Errorf("1,200 hits were read in %d pages", n)
	}
	m.Receive(fakegoogle.Mail{ID: "new", Subject: "Mail of today", Labels: []string{"INBOX"}, Date: time.Now()})
	d.runOK(ref)
	if ids := d.mailIDs(ref); ids[0] != "new" || g.Asked("/gmail/v1/users/me/messages")-before != 4 {
		t.Errorf("a new hit: %v, %d pages", ids, g.Asked("/gmail/v1/users/me/messages")-before)
	}
	m.Label("m00003", "INBOX")
	d.runOK(starred)
	if ids := d.mailIDs(starred); len(ids) != 1 || ids[0] != "other" {
		t.Errorf("when the star is taken off, starred are %v", ids)
	}
	if most, over := m.Quota(); over != 0 || most > 250 {
		t.Errorf("%d units in a second, %d requests over the quota", most, over)
	}
}

// A page token is good for a while. When Gmail refuses one that a charm has kept, the list
// is begun anew in the same run, in an import as well as in a search: no mail is lost,
// fetched twice or out of its place, whatever has come and gone meanwhile.
func TestGmailPageTokenThatIsTooOld(t *testing.T) {
	t.Parallel()
	g := fakegoogle.Start(t, time.Now)
	m := g.Gmail()
	m.Change(func(r *fakegoogle.MailRules) { r.Units = 10_000 })
	d := googleDaemon(t, g, t.TempDir(), "--max-retries", "0")
	m.Receive(inbox(510)...)
	m.Change(func(r *fakegoogle.MailRules) {
		r.Stale = func() {
			m.Receive(fakegoogle.Mail{ID: "new", Subject: "Mail of today", Labels: []string{"INBOX"}, Date: time.Now()})
			m.Delete("m00509") // had been read: Gmail's history says so to the run after the import
			m.Delete("m00007") // had not
		}
	})
	ref := d.addGmailAtRest(g, "mail", `"perSecond":1900`, 510)
	d.runOK(ref)
	want := []string{"new"}
	for i := 508; i >= 0; i-- {
		if i != 7 {
			want = append(want, fmt.Sprintf("m%05d", i))
		}
	}
	if ids := d.mailIDs(ref); !slices.Equal(ids, want) {
		t.Errorf("there are %v", ids)
	}
	if got := m.Fetched(); got["full"] != 510 {
		t.Errorf("the 510 mails that there were have been given as %v", got)
	}

	found := d.addGmailAtRest(g, "found", `"perSecond":1900,"query":"subject:Mail","limit":20`, 20)
	m.Change(func(r *fakegoogle.MailRules) { r.Stale = func() {} })
	m.Label("m00003", "INBOX", "STARRED")
	d.runOK(found)
	d.atRest(found, 21)
	for _, ref := range []client.Ref{ref, found} {
		if s := d.show(ref).State; s.TotalFailures != 0 {
			t.Errorf("%s has failed: %+v", ref, s)
		}
	}
}

// Mails that grow too old for a query go with the ordinary runs, and nobody is asked for
// them; where the query may mean them all the same, they stay until Gmail says so.
func TestGmailMailsGrowTooOld(t *testing.T) {
	t.Parallel()
	g := fakegoogle.Start(t, func() time.Time { return time.Now().Add(-48 * time.Hour) }) // it lists what for us is too old
	m := g.Gmail()
	d := googleDaemon(t, g, t.TempDir())
	for id, age := range map[string]time.Duration{"old": 50 * time.Hour, "aging": 47 * time.Hour, "young": time.Hour} {
		m.Receive(fakegoogle.Mail{ID: id, Subject: `Mail of "newer_than:1d"`, Labels: []string{"INBOX"}, Date: time.Now().Add(-age)})
	}
	refs := map[string]client.Ref{}
	for name, query := range map[string]string{
		"day": "subject:Mail newer_than:1d", "month": "newer_than:1M", "either": "newer_than:1d OR subject:Mail", "quoted": `"newer_than:1d"`,
		"open": `" newer_than:1d`,
	} {
		refs[name] = d.addGmailAtRest(g, name, fmt.Sprintf(`"query":%q`, query), 3)
	}
	asked := g.Asked("/gmail/v1/users/me/messages")
	for name, want := range map[string]int{"day": 2, "month": 3, "either": 3, "quoted": 3, "open": 3} {
		r := d.runOK(refs[name])
		if ids := d.mailIDs(refs[name]); len(ids) != want || r.Requests != 1 || slices.Contains(ids, "old") != (want == 3) {
			t.Errorf("%s has %v after %d requests", name, ids, r.Requests)
		}
		if r := d.runOK(refs[name]); r.Changed != 0 {
			t.Errorf("%s: then %d documents changed", name, r.Changed)
		}
	}
	if n := g.Asked("/gmail/v1/users/me/messages") - asked; n != 0 {
		t.Errorf("Gmail was asked %d times for its lists", n)
	}
}
