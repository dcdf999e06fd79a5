package service_test

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/fakegoogle"
	"charmd/internal/jsontext"
	memclient "charmd/internal/memory/client"
	"charmd/internal/merkle"
)

// besideGoogle starts a toolshed alone and a service beside it that knows a Google.
// Requests of the service to the toolshed meet front first, which may answer some.
func besideGoogle(t *testing.T, front func(*fakegoogle.Google, http.Handler) http.HandlerFunc) (*fakegoogle.Google, *pair) {
	t.Helper()
	p := &pair{t: t, shedDir: t.TempDir(), dir: t.TempDir()}
	p.startToolshed()
	to, err := url.Parse(p.toolshed.URL)
	if err != nil {
		t.Fatal(err)
	}
	g := fakegoogle.Start(t, time.Now)
	door := httptest.NewServer(front(g, &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, ErrorLog: log.New(io.Discard, "", 0), // the toolshed is killed below
	}))
	t.Cleanup(door.Close)
	g.HandleAPI("GET /gmail/v1/users/me/profile", gmailScope, func(w http.ResponseWriter, _ *http.Request, who fakegoogle.Account) {
		fakegoogle.Answer(w, http.StatusOK, map[string]any{"emailAddress": who.Email})
	})
	o := googleOptions(t, g, p.dir, "--max-retries", "0")
	o.Env = append(o.Env, passphrase, "TOOLSHED_API_URL="+door.URL)
	if p.service, err = launch(t, o); err != nil {
		t.Fatal(err)
	}
	p.service.awaitReady(true, "")
	return g, p
}

func through(_ *fakegoogle.Google, to http.Handler) http.HandlerFunc { return to.ServeHTTP }

// process is what the toolshed's memory has of a charm: its process document.
func (p *pair) process(ref client.Ref, change func(argument *jsontext.Object)) string {
	p.t.Helper()
	c, err := memclient.New(memclient.Options{URL: p.toolshed.URL})
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.Close()
	id, err := merkle.ParseLink(ref.Charm)
	if err != nil {
		p.t.Fatal(err)
	}
	space := c.Space(ref.Space, keyOf(passphrase))
	fact, err := space.Read(p.t.Context(), memclient.Document(merkle.ProcessID(id).Link()))
	if err != nil {
		p.t.Fatal(err)
	}
	if change != nil {
		doc := jsontext.Clone(fact.Is).(*jsontext.Object)
		value, _ := doc.Get("value")
		argument, _ := value.(*jsontext.Object).Get("argument")
		change(argument.(*jsontext.Object))
		if _, err := space.Transact(p.t.Context(), []memclient.Fact{fact.Assert(doc)}); err != nil {
			p.t.Fatal(err)
		}
	}
	return jsontext.Text(fact.Is)
}

// Beside another toolshed an account is connected at the service: the cell gets there
// as everything that is written, with stand-ins as ever, and neither of the two keeps a
// token that can be read.
func TestBesideAToolshedAccountsAreConnected(t *testing.T) {
	t.Parallel()
	g, p := besideGoogle(t, through)
	d := p.service
	ref := d.addMail(g, mail, "home", "mail", every(time.Hour), notRegistered)
	conn := d.connect(g, ref)
	if conn.State != charm.Connected || conn.Charm != "home/mail" {
		t.Errorf("the connection is %+v", conn)
	}
	d.runOK(ref)
	if got := result[seen](t, d.show(ref)); len(got.Seen) == 0 || got.Seen[0] != g.Account.Email || got.Auth.Token != "charmd-access-"+conn.ID {
		t.Errorf("it holds %+v", got)
	}
	if text := p.process(ref, nil); !strings.Contains(text, `"token":"charmd-access-`+conn.ID) {
		t.Errorf("the toolshed has %s", text)
	}
	asks := d.addMail(g, askingAccount, "home", "asking", notRegistered)
	d.connect(g, asks)
	d.runOK(asks)
	if got := result[struct{ Got []string }](t, d.show(asks)).Got; len(got) != 5 || got[0] != "success" || got[2] != "400No refreshToken provided" || got[3] != "200" || !strings.Contains(got[4], "refused") {
		t.Errorf("a recipe that asks for a refresh got %q", got)
	}

	// What becomes of it on the toolshed's side is known here: a person logs out there.
	p.process(ref, func(argument *jsontext.Object) {
		empty, err := jsontext.Parse([]byte(`{"token":"","tokenType":"","scope":[],"expiresIn":0,"refreshToken":"","expiresAt":0,"user":{"email":"","name":"","picture":""}}`), jsontext.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		argument.Set("auth", empty)
	})
	d.await(ref, "the logout is here", 20*time.Second, func(c api.Charm) bool { return result[seen](t, c).Auth.Token == "" })
	d.run(ref)
	if list, err := d.Client.Connections(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("after the logout there are %+v, %v", list, err)
	}
	if got := result[seen](t, d.show(ref)); got.Auth.Token != "" {
		t.Errorf("the logout was written over: %+v", got.Auth)
	}

	// An account that is taken away here empties its cell there. The toolshed is waited
	// for a few seconds, within which a busy machine may not do it.
	text := ""
	for range patience {
		d.connect(g, ref)
		if status, reply := d.post(http.DefaultClient, "/api/integrations/google-oauth/logout", map[string]string{"authCellId": d.authCell(ref)}); status != http.StatusOK {
			t.Errorf("logout: %d %v", status, reply)
		}
		if text = p.process(ref, nil); strings.Contains(text, `"token":""`) {
			break
		}
	}
	if strings.Contains(text, "charmd-access-") || !strings.Contains(text, `"token":""`) {
		t.Errorf("after it the toolshed has %s", text)
	}
	// Also when the toolshed is not there; the stand-in that stays opens nothing.
	again := d.connect(g, ref)
	p.toolshed.Kill()
	if err := d.Client.Disconnect(t.Context(), again.ID); err != nil {
		t.Error(err)
	}
	p.startToolshed()
	d.awaitReady(true, "")
	if r := d.run(ref); r.Outcome != charm.NeedsReconnect || !strings.Contains(r.Error, "the Google account in its cell is not connected here") {
		t.Errorf("with a stand-in of nothing it ended as %s: %s", r.Outcome, r.Error)
	}
	// No charm's requests leave a toolshed alone, so it takes no accounts.
	_, err := p.toolshed.Client.Connect(t.Context(), ref, api.ConnectRequest{Provider: "google", Redirect: "http://127.0.0.1:9/connected"})
	if charm.CodeOf(err) != charm.CodeInvalid || !strings.Contains(err.Error(), "no charms run in this toolshed") {
		t.Errorf("connecting at the toolshed: %v", err)
	}
	d.searchSecrets(g)
	for _, secret := range g.Given() {
		if strings.Contains(p.toolshed.Log(), secret) || strings.Contains(p.process(ref, nil), secret) {
			t.Errorf("the toolshed holds %.12q…", secret)
		}
	}
}

// keeper is a toolshed of the original's kind in front of ours: it keeps tokens in
// cells and refreshes them itself, and says in asked what it was asked for.
func keeper(t *testing.T, asked chan string) func(*fakegoogle.Google, http.Handler) http.HandlerFunc {
	return func(g *fakegoogle.Google, to http.Handler) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/api/integrations/google-oauth/refresh":
				var body struct{ RefreshToken string }
				if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
					t.Error(err)
				}
				asked <- "refresh" + r.Header.Get("Authorization")
				got, err := googleApp(g).TokenSource(googleContext(t, g), &oauth2.Token{RefreshToken: body.RefreshToken}).Token()
				if err != nil {
					fakegoogle.Answer(w, http.StatusBadRequest, map[string]string{"error": "Failed to refresh token"})
					return
				}
				fakegoogle.Answer(w, http.StatusOK, map[string]any{"success": true, "message": "success", "tokenInfo": map[string]any{
					"accessToken": got.AccessToken, "tokenType": "Bearer", "refreshToken": body.RefreshToken, "expiresIn": 3599, "expiresAt": time.Now().Add(time.Hour).UnixMilli(),
				}})
			case "/api/ai/img", "/api/ai/llm":
				body, _ := io.ReadAll(r.Body)
				asked <- r.Method + " " + r.URL.RequestURI() + " " + string(body) + r.Header.Get("Authorization")
				w.Header().Set("X-Served-By", "private")
				_, _ = io.WriteString(w, "drawn")
			default:
				to.ServeHTTP(w, r)
			}
		}
	}
}

// googleApp is the other toolshed's own client of the Google.
func googleApp(g *fakegoogle.Google) *oauth2.Config {
	return &oauth2.Config{
		ClientID: fakegoogle.ClientID, ClientSecret: fakegoogle.ClientSecret, RedirectURL: "http://127.0.0.1:9/theirs", Scopes: []string{"email", gmailScope},
		Endpoint: oauth2.Endpoint{AuthURL: g.URL + "/o/oauth2/v2/auth", TokenURL: g.URL + "/token", AuthStyle: oauth2.AuthStyleInParams},
	}
}

func googleContext(t *testing.T, g *fakegoogle.Google) context.Context {
	return context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: mixed{g}})
}

// keepsTokens is a recipe of the era whose account another toolshed has connected: it
// holds the tokens, has them refreshed there and writes what it gets into its cell.
const keepsTokens = `import { handler, recipe } from "@commontools/builder";

const Auth = { type: "object", properties: {
  token: { type: "string" }, refreshToken: { type: "string" }, expiresAt: { type: "number" }, user: { type: "object", properties: { email: { type: "string" } } },
} };

const update = handler({}, { type: "object", properties: {
  auth: { ...Auth, asCell: true }, url: { type: "string" }, seen: { type: "array", items: { type: "string" }, default: [], asCell: true },
} }, async (_event, state) => {
  let auth = state.auth.get();
  const profile = () => fetch(state.url, { headers: { Authorization: "Bearer " + auth.token } });
  let res = await profile();
  if (res.status === 401) {
    const reply = await (await fetch("/api/integrations/google-oauth/refresh", {
      method: "POST", headers: { Authorization: "Bearer mine" }, body: JSON.stringify({ refreshToken: auth.refreshToken }) })).json();
    auth = { ...auth, token: reply.tokenInfo.accessToken, expiresAt: reply.tokenInfo.expiresAt };
    state.auth.set(auth);
    res = await profile();
  }
  const drawn = await fetch("/api/ai/img?prompt=a%20b");
  const model = await fetch("/api/ai/llm", { method: "POST", body: "q" });
  const other = await fetch("/api/storage/blobby/x").then((r) => String(r.status), (e) => e.message);
  state.seen.set([...state.seen.get(), (await res.json()).emailAddress, await drawn.text() + drawn.headers.get("x-served-by"), await model.text(), other]);
});

export default recipe({ type: "object", properties: { auth: Auth, url: { type: "string" }, seen: { type: "array", items: { type: "string" }, default: [] } } },
  ({ auth, url, seen }) => ({ auth, seen, bgUpdater: update({ auth, url, seen }) }));
`

// An account that the other toolshed has connected is that toolshed's: its tokens stand
// in the cell, and its recipe goes on using them and having them refreshed there.
func TestBesideAToolshedItsOwnAccountsGoOn(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	g, p := besideGoogle(t, keeper(t, asked))
	app, verifier := googleApp(g), oauth2.GenerateVerifier()
	code := allowAccess(t, browser(t, g), app.AuthCodeURL("theirs", oauth2.S256ChallengeOption(verifier))).Query().Get("code")
	tokens, err := app.Exchange(googleContext(t, g), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	ref := p.service.add(keepsTokens, "home", "theirs", allow(g.Host), notRegistered, argument(
		`{"url":%q,"auth":{"token":%q,"refreshToken":%q,"expiresAt":1,"user":{"email":"ada@example.com"}}}`, g.URL+"/gmail/v1/users/me/profile", tokens.AccessToken, tokens.RefreshToken))
	run := func(what string, want ...string) (token string) {
		t.Helper()
		p.service.runOK(ref)
		got := result[seen](t, p.service.show(ref))
		if n := len(got.Seen); n < 4 || got.Seen[n-4] != g.Account.Email || got.Seen[n-3] != "drawnnull" || got.Seen[n-2] != "drawn" || !strings.Contains(got.Seen[n-1], "refused") {
			t.Errorf("%s it has seen %q", what, got.Seen)
		}
		for _, w := range want {
			if a := <-asked; a != w {
				t.Errorf("%s the toolshed was asked %q, want %q", what, a, w)
			}
		}
		if len(asked) > 0 {
			t.Errorf("%s the toolshed was also asked %q", what, <-asked)
		}
		return got.Auth.Token
	}
	const img, llm = "GET /api/ai/img?prompt=a%20b ", "POST /api/ai/llm q"
	if token := run("at first", img, llm); token != tokens.AccessToken {
		t.Errorf("its token is another one")
	}
	g.Expire()
	if token := run("when the token had ended", "refresh", img, llm); token == tokens.AccessToken || !strings.HasPrefix(token, "ya29.") {
		t.Errorf("its token is %.9s…", token)
	}
	run("with the new one", img, llm)
	if list, err := p.service.Client.Connections(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("there are %+v, %v", list, err)
	}
}
