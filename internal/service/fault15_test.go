package service_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/fakegoogle"
	"charmd/internal/notify"
	"charmd/internal/process"
)

// A charm whose access was taken back waits for a person, who is told once and in plain
// words, and goes on by itself when the account is connected again.
func TestFault15_ACharmWaitsForItsAccount(t *testing.T) {
	t.Parallel()
	told, hook := newReceiver(t)
	g, d := withGoogle(t, "--failures", "1", "--notify-url", hook)
	g.Change(func(r *fakegoogle.Rules) { r.Echo = true })
	ref := d.addMail(g, mail, "home", "mail", every(time.Second), notRegistered)
	d.connect(g, ref)
	d.await(ref, "it works", 30*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses > 0 })

	g.Revoke()
	waits := func(c api.Charm) bool { return c.Status == charm.StatusAccount }
	c := d.await(ref, "it waits for the person", 30*time.Second, waits)
	if c.State.LastOutcome != charm.NeedsReconnect || c.NextRun != nil || c.State.Disabled || c.State.TotalFailures != 0 ||
		!strings.HasPrefix(c.State.Waiting, "its Google account ada@example.com must be connected again: ") {
		t.Errorf("it stands as %+v", c.State)
	}
	asked := g.Asked("/token")
	run := d.run(ref)
	if run.Outcome != charm.NeedsReconnect || run.Code != charm.CodeReconnect || run.Requests != 0 {
		t.Errorf("a run that a person asked for: %+v", run)
	}
	why, err := d.Client.Why(t.Context(), ref)
	if err != nil || why.Cause != "needs_reconnect" || !strings.Contains(why.Next, "charmd connect google --charm home/mail") || !strings.Contains(why.Next, d.URL+"/home/"+ref.Charm) {
		t.Errorf("why says %+v, %v", why, err)
	}
	status, err := d.Client.Status(t.Context())
	if err != nil || len(status.Connections) != 1 || status.Connections[0].State != charm.Disconnected || status.Connections[0].Next != "charmd connect google --charm home/mail" ||
		len(status.Problems) != 1 || status.Problems[0].Status != charm.StatusAccount {
		t.Errorf("status says %+v, %+v, %v", status.Connections, status.Problems, err)
	}
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	d = googleDaemon(t, g, d.Dir, "--failures", "1", "--notify-url", hook)
	d.await(ref, "it waits after a restart", 30*time.Second, waits)
	d.run(ref)
	if n := g.Asked("/token") - asked; n != 0 {
		t.Errorf("while it waited the provider was asked %d times", n)
	}
	if list := told.notices(); len(list) != 1 || list[0].Kind != notify.Account || list[0].Charm.Name != "mail" || !strings.Contains(list[0].Reason, "must be connected again") {
		t.Errorf("told was %+v", list)
	}

	before := d.show(ref).State.TotalSuccesses
	d.connect(g, ref)
	c = d.await(ref, "it goes on by itself", 30*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses > before+1 })
	if c.State.Waiting != "" || c.Status == charm.StatusAccount {
		t.Errorf("it goes on as %+v", c)
	}
	if kinds := told.kinds(); kinds != "needs_reconnect mail" {
		t.Errorf("told were %s", kinds)
	}
	d.searchSecrets(g)
}

// askingAccount is a recipe that asks for a refresh itself, by the relative address and the
// JSON of the original.
const askingAccount = `import { handler, recipe } from "@commontools/builder";

const update = handler({}, { type: "object", properties: {
  auth: { type: "object", properties: { token: { type: "string" }, refreshToken: { type: "string" } } }, url: { type: "string" },
  got: { type: "array", items: { type: "string" }, default: [], asCell: true },
} }, async (_event, state) => {
  const ask = (body: unknown) => fetch("/api/integrations/google-oauth/refresh", { method: "POST", body: JSON.stringify(body) });
  const good = await (await ask({ refreshToken: state.auth.refreshToken })).json();
  const bad = await ask({});
  const other = await fetch("/api/integrations/google-oauth/logout", { method: "POST", body: "{}" }).then((r) => String(r.status), (e) => e.message);
  const res = await fetch(state.url, { headers: { Authorization: "Bearer " + good.tokenInfo.accessToken } });
  state.got.set([good.message, String(good.tokenInfo.expiresAt > Date.now()), String(bad.status) + (await bad.json()).error, String(res.status), other]);
});

export default recipe({ type: "object", properties: {
  auth: { type: "object", default: { token: "", refreshToken: "" } }, url: { type: "string" }, got: { type: "array", items: { type: "string" }, default: [] },
} }, ({ auth, url, got }) => ({ auth, got, bgUpdater: update({ auth, url, got }) }));
`

func TestFault14_ARecipeAsksForARefreshItself(t *testing.T) {
	t.Parallel()
	g, d := withGoogle(t)
	ref := d.addMail(g, askingAccount, "home", "asking", notRegistered)
	d.connect(g, ref)
	d.runOK(ref)
	got := result[struct{ Got []string }](t, d.show(ref)).Got
	if len(got) != 5 || got[0] != "success" || got[1] != "true" || got[2] != "400No refreshToken provided" || got[3] != "200" || !strings.Contains(got[4], "refused") {
		t.Errorf("it got %q", got)
	}
	d.searchSecrets(g)
}

// Provider hosts that lead elsewhere do not take the token with them.
func TestFault16_ATokenDoesNotFollowARedirect(t *testing.T) {
	t.Parallel()
	var evil notes
	evilURL, evilHost := serve(t, func(w http.ResponseWriter, r *http.Request) {
		evil.add(r.Header.Get("Authorization") + " " + r.URL.String())
		_, _ = w.Write([]byte(`{"emailAddress":"evil"}`))
	})
	g, d := withGoogle(t, "--max-retries", "0")
	g.HandleAPI("GET /away", gmailScope, func(w http.ResponseWriter, r *http.Request, _ fakegoogle.Account) {
		http.Redirect(w, r, evilURL+"/?access_token="+r.URL.Query().Get("access_token"), http.StatusTemporaryRedirect)
	})
	for _, source := range []string{mail, connected} {
		name := map[string]string{mail: "mail", connected: "named"}[source]
		ref := d.add(source, "home", name, argument(`{"url":%q}`, g.URL+"/away"), notRegistered, func(r *api.AddRequest) { r.AllowHosts = []string{g.Host, evilHost} })
		d.connect(g, ref)
		d.runOK(ref)
		for how, path := range map[string]string{"plain": evilURL, "secure": "https://" + evilHost} {
			if source == mail && how == "secure" {
				continue // it does not answer there, and what is sent would be the stand-in
			}
			direct := d.add(source, "home", name+"-"+how, argument(`{"url":%q}`, path), notRegistered, func(r *api.AddRequest) { r.AllowHosts = []string{evilHost} })
			d.connect(g, direct)
			if r := d.run(direct); source == connected && (r.Outcome == charm.OK || !strings.Contains(r.Error, `the connection "google" is for https requests to`)) {
				t.Errorf("%s asked %s: %s, %s", name, path, r.Outcome, r.Error)
			}
		}
	}
	sent := evil.take()
	if len(sent) < 2 {
		t.Errorf("the other host was asked only %d times", len(sent))
	}
	for _, line := range sent {
		for _, secret := range g.Given() {
			if strings.Contains(line, secret) {
				t.Errorf("the other host was sent %s", line)
			}
		}
	}
}

func TestFault16_ForgedCallbacks(t *testing.T) {
	t.Parallel()
	g, d := withGoogle(t)
	ref := d.addMail(g, mail, "home", "mail", notRegistered)
	const base = "/api/integrations/google-oauth/"
	login := func(b *http.Client) string {
		t.Helper()
		status, reply := d.post(b, base+"login", map[string]string{"authCellId": d.authCell(ref), "integrationCharmId": ref.Charm})
		address, ok := reply["url"].(string)
		if status != http.StatusOK || !ok {
			t.Fatalf("login: %d %v", status, reply)
		}
		return allowAccess(t, b, address).String()
	}
	mine, theirs := browser(t, g), browser(t, g)
	answer := login(mine)
	tried := func(what string, b *http.Client, address string) {
		t.Helper()
		status, page := get(t, b, address)
		if status != http.StatusBadRequest || strings.Contains(page, `&#34;success&#34;:true`) || strings.Contains(page, "<script>alert") {
			t.Errorf("%s: %d %s", what, status, page)
		}
	}
	login(theirs)
	tried("without a state", mine, d.URL+base+"callback?code=x")
	tried("a state that was never given", mine, d.URL+base+"callback?code=x&state=AAAAAAAAAAAAAAAAAAAAAAAAAA")
	tried("with a script in it", mine, d.URL+base+"callback?state=x&error=%3Cscript%3Ealert(1)%3C/script%3E")
	tried("of another provider", mine, strings.Replace(login(mine), "google-oauth", "github-oauth", 1))
	tried("in another browser", theirs, answer)
	tried("which is over then", mine, answer)
	// A login that was begun with the service's token is no browser's, whatever it says.
	for _, cookie := range []string{"api", "api\x00", "", "short"} {
		begun, err := d.Client.Connect(t.Context(), ref, api.ConnectRequest{Provider: "google", Redirect: "http://127.0.0.1:9/connected"})
		if err != nil {
			t.Fatal(err)
		}
		sly := browser(t, g)
		at, err := url.Parse(d.URL + base + "callback?" + allowAccess(t, sly, begun.URL).RawQuery)
		if err != nil {
			t.Fatal(err)
		}
		sly.Jar.SetCookies(at, []*http.Cookie{{Name: "charmd_login", Value: cookie, Path: base}})
		tried(fmt.Sprintf("with the cookie %q", cookie), sly, at.String())
	}
	answer = login(mine)
	if status, page := get(t, mine, answer); status != http.StatusOK || !strings.Contains(page, `&#34;success&#34;:true`) {
		t.Errorf("the right one: %d %s", status, page)
	}
	tried("again", mine, answer)
	if res, err := mine.Post(d.URL+base+"login", "application/json", strings.NewReader("{}")); err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a login without a token: %v, %v", res, err)
	}
	if list, err := d.Client.Connections(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("connected are %+v, %v", list, err)
	}
	audit := func(d *daemon) (text string) {
		list, err := d.Client.RefusedAnswers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			text += fmt.Sprintf("%s %s %d %s\n", r.Provider, r.From, r.Times, r.Why)
		}
		return text
	}
	kept := audit(d)
	for _, want := range []string{
		"google 127.0.0.1 1 it has no state", "google 127.0.0.1 4 nothing was begun with its state", "github 127.0.0.1 1 its state was made for google",
		"google 127.0.0.1 5 its state was made in another session",
	} {
		if !strings.Contains(kept, want) {
			t.Errorf("of refused answers is kept:\n%s\nwhich lacks %s", kept, want)
		}
	}
	if n := strings.Count(d.Log(), "the answer of a provider was refused"); n < 1 || n > 3 {
		t.Errorf("the log tells of %d refusals: one a minute is enough", n)
	}
	d.searchSecrets(g)
}

func TestFault17_ADaemonWithAWrongKeyDoesNotStart(t *testing.T) {
	t.Parallel()
	g, d := withGoogle(t)
	ref := d.addMail(g, mail, "home", "mail", notRegistered)
	d.connect(g, ref)
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	other := "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	_, err := launch(t, process.Options{Dir: d.Dir, Env: []string{"CHARMD_VAULT_KEY=" + other}})
	if err == nil || !strings.Contains(err.Error(), "was sealed with the vault key ") || strings.Contains(err.Error(), other) {
		t.Errorf("it ended with %v", err)
	}
	d = googleDaemon(t, g, d.Dir)
	d.runOK(ref)
}
