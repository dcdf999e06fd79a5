package service_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/fakegoogle"
	"charmd/internal/process"
)

const gmailScope = "https://www.googleapis.com/auth/gmail.readonly"

// mail is a recipe of the era: it sends the token of its auth cell itself.
const mail = `import { handler, recipe } from "@commontools/builder";

const Auth = { type: "object", default: {}, properties: {
  token: { type: "string", default: "" }, tokenType: { type: "string", default: "" }, scope: { type: "array", items: { type: "string" }, default: [] },
  expiresIn: { type: "number", default: 0 }, refreshToken: { type: "string", default: "" }, expiresAt: { type: "number", default: 0 },
  user: { type: "object", properties: { email: { type: "string", default: "" }, name: { type: "string", default: "" }, picture: { type: "string", default: "" } } },
} };

const update = handler({}, { type: "object", properties: {
  auth: Auth, url: { type: "string" }, seen: { type: "array", items: { type: "string" }, default: [], asCell: true },
} }, async (_event, state) => {
  const { token, expiresAt } = state.auth;
  if (!token) throw new Error("there is no token");
  if (expiresAt < Date.now()) throw new Error("the token has expired");
  const res = await fetch(state.url, { headers: { Authorization: "Bearer " + token } });
  console.log("token", token);
  if (!res.ok) throw new Error("the API answered " + res.status + " " + await res.text());
  state.seen.set([...state.seen.get(), (await res.json()).emailAddress]);
});

export default recipe({ type: "object", properties: {
  auth: Auth, url: { type: "string" }, seen: { type: "array", items: { type: "string" }, default: [] },
} }, ({ auth, url, seen }) => ({ auth, seen, bgUpdater: update({ auth, url, seen }) }));
`

// connected is a recipe that names its connection and holds no token.
const connected = `import { handler, recipe } from "@commontools/builder";

const update = handler({}, { type: "object", properties: { url: { type: "string" }, seen: { type: "array", items: { type: "string" }, default: [], asCell: true } } },
  async (_event, state) => {
    const res = await fetch(state.url, { connection: "google" });
    if (!res.ok) throw new Error("the API answered " + res.status);
    state.seen.set([...state.seen.get(), (await res.json()).emailAddress]);
  });

export default recipe({ type: "object", properties: { url: { type: "string" }, seen: { type: "array", items: { type: "string" }, default: [] } } },
  ({ url, seen }) => ({ seen, bgUpdater: update({ url, seen }) }));
`

// withGoogle starts a Google and a daemon that knows it.
func withGoogle(t *testing.T, args ...string) (*fakegoogle.Google, *daemon) {
	t.Helper()
	g := fakegoogle.Start(t, time.Now)
	g.HandleAPI("GET /gmail/v1/users/me/profile", gmailScope, func(w http.ResponseWriter, r *http.Request, who fakegoogle.Account) {
		fakegoogle.Answer(w, http.StatusOK, map[string]any{"emailAddress": who.Email, "echo": r.Header.Get("Authorization")})
	})
	return g, googleDaemon(t, g, t.TempDir(), args...)
}

func googleDaemon(t *testing.T, g *fakegoogle.Google, dir string, args ...string) *daemon {
	t.Helper()
	d, err := launch(t, googleOptions(t, g, dir, args...))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// googleOptions are those of a daemon that knows the Google.
func googleOptions(t *testing.T, g *fakegoogle.Google, dir string, args ...string) process.Options {
	t.Helper()
	table := filepath.Join(t.TempDir(), "providers.json")
	if err := os.WriteFile(table, g.Table(), 0o600); err != nil {
		t.Fatal(err)
	}
	return process.Options{Dir: dir, Args: append([]string{"--providers", table, "--max-concurrent", "2"}, args...), Env: []string{
		"GOOGLE_CLIENT_ID=" + fakegoogle.ClientID, "GOOGLE_CLIENT_SECRET=" + fakegoogle.ClientSecret, "SSL_CERT_FILE=" + g.CertFile,
	}}
}

// addMail adds a charm that asks the Google for its profile, rarely unless change says how
// often.
func (d *daemon) addMail(g *fakegoogle.Google, source, space, name string, change ...func(*api.AddRequest)) client.Ref {
	d.t.Helper()
	change = append([]func(*api.AddRequest){rarely, allow(g.Host), argument(`{"url":%q}`, g.URL+"/gmail/v1/users/me/profile")}, change...)
	return d.add(source, space, name, change...)
}

// browser follows what a person's browser would, up to a page that is not Google's.
func browser(t *testing.T, g *fakegoogle.Google) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Transport: mixed{g}}
}

// mixed reaches the Google within the process and all else over the network.
type mixed struct{ g *fakegoogle.Google }

func (m mixed) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == m.g.Host {
		return m.g.RoundTrip(r)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// allowAccess opens the address that a person is told, and returns where it leads.
func allowAccess(t *testing.T, b *http.Client, address string) *url.URL {
	t.Helper()
	res, err := b.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	to, err := res.Location()
	if err != nil {
		t.Fatalf("Google answered %s: %v", res.Status, err)
	}
	return to
}

// connect connects an account through the API, as charmd connect does.
func (d *daemon) connect(g *fakegoogle.Google, ref client.Ref) api.Connection {
	d.t.Helper()
	begun, err := d.Client.Connect(d.t.Context(), ref, api.ConnectRequest{Provider: "google", Redirect: "http://127.0.0.1:9/connected"})
	if err != nil {
		d.t.Fatal(err)
	}
	q := allowAccess(d.t, browser(d.t, g), begun.URL).Query()
	conn, err := d.Client.FinishConnect(d.t.Context(), api.ConnectFinish{Provider: "google", State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error")})
	if err != nil {
		d.t.Fatal(err)
	}
	return conn
}

// post posts JSON to an endpoint of the daemon with its token.
func (d *daemon) post(b *http.Client, path string, body any) (int, map[string]any) {
	d.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		d.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.URL+path, strings.NewReader(string(text)))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.token())
	res, err := b.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	var reply map[string]any
	if err := json.NewDecoder(res.Body).Decode(&reply); err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode, reply
}

type seen struct {
	Seen []string
	Auth struct {
		Token, RefreshToken, TokenType string
		Scope                          []string
		ExpiresIn, ExpiresAt           int64
		User                           struct{ Email, Name, Picture string }
	}
}

// A recipe of the era works with a token that it never sees, and one that names its
// connection without any.
func TestConnectAndRun(t *testing.T) {
	t.Parallel()
	g, d := withGoogle(t)
	for _, source := range []string{mail, connected} {
		name := map[string]string{mail: "mail", connected: "named"}[source]
		ref := d.addMail(g, source, "home", name, notRegistered)
		if r := d.run(ref); r.Outcome == charm.OK {
			t.Errorf("%s ran well without an account", name)
		}
		conn := d.connect(g, ref)
		if conn.State != charm.Connected || conn.Account != g.Account.Email || conn.Charm != "home/"+name || len(conn.Missing) > 0 {
			t.Errorf("the connection is %+v", conn)
		}
		d.runOK(ref)
		c := d.await(ref, "it runs by itself, since connecting registers it", 30*time.Second, func(c api.Charm) bool {
			return c.Registered && len(result[seen](t, c).Seen) > 0
		})
		got := result[seen](t, c)
		if got.Seen[0] != g.Account.Email {
			t.Errorf("%s has seen %v", name, got.Seen)
		}
		if source == mail {
			a := got.Auth
			if !strings.HasPrefix(a.Token, "charmd-access-") || !strings.HasPrefix(a.RefreshToken, "charmd-refresh-") || a.TokenType != "Bearer" ||
				len(a.Scope) != 4 || a.ExpiresIn != 3599 || a.ExpiresAt < time.Now().UnixMilli() || a.User.Email != g.Account.Email || a.User.Name == "" || a.User.Picture == "" {
				t.Errorf("the auth cell is %+v", a)
			}
		}
	}
	_, metrics := get(t, http.DefaultClient, d.URL+"/metrics", d.token())
	for _, want := range []string{`charmd_accounts{provider="google",state="connected"} 2`, `charmd_account_answers_total{result="connected"} 2`, `charmd_account_answers_total{result="forged"} 0`} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if strings.Contains(metrics, "\ncharmd_account_ends_in_seconds") {
		t.Error("the metrics foretell an end that nobody has told of")
	}
	d.searchSecrets(g)
}

// The flow of the page, with the endpoints and the JSON of the original.
func TestEndpointsOfThePage(t *testing.T) {
	t.Parallel()
	g, d := withGoogle(t)
	ref := d.addMail(g, mail, "home", "mail", notRegistered)
	begun, err := d.Client.Connect(t.Context(), ref, api.ConnectRequest{Provider: "google", Redirect: "http://127.0.0.1:9/connected"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Client.FinishConnect(t.Context(), api.ConnectFinish{Provider: "google", State: begun.State, Error: "access_denied"}); err == nil || !strings.Contains(err.Error(), "access_denied") {
		t.Errorf("what the person refused ended with %v", err)
	}
	cell := d.authCell(ref)
	const base = "/api/integrations/google-oauth/"
	b := browser(t, g)
	if status, reply := d.post(b, base+"login", map[string]string{}); status != 400 || reply["error"] != "Missing authCellId in request" {
		t.Errorf("a login without a cell: %d %v", status, reply)
	}
	status, reply := d.post(b, base+"login", map[string]string{"authCellId": cell, "integrationCharmId": ref.Charm})
	address, _ := reply["url"].(string)
	if status != 200 || !strings.HasPrefix(address, g.URL) || strings.Contains(address, "verifier") {
		t.Fatalf("login: %d %v", status, reply)
	}
	for _, want := range []string{"access_type=offline", "prompt=consent", "code_challenge_method=S256", url.QueryEscape(d.URL + base + "callback")} {
		if !strings.Contains(address, want) {
			t.Errorf("the address %s lacks %s", address, want)
		}
	}
	back := allowAccess(t, b, address)
	status, page := get(t, b, back.String())
	if status != 200 || !strings.Contains(page, `&#34;success&#34;:true`) || !strings.Contains(page, g.Account.Email) {
		t.Errorf("the callback answered %d %s", status, page)
	}
	for _, secret := range g.Given() {
		if strings.Contains(page, secret) {
			t.Errorf("the popup's page holds %s", secret)
		}
	}
	d.runOK(ref)
	if c := d.show(ref); !c.Registered || c.Integration != "gmail" {
		t.Errorf("the charm is registered %v as %q", c.Registered, c.Integration)
	}

	held := result[seen](t, d.show(ref)).Auth
	if status, reply := d.post(b, base+"refresh", map[string]string{}); status != 400 || reply["error"] != "No refreshToken provided" {
		t.Errorf("a refresh of nothing: %d %v", status, reply)
	}
	status, reply = d.post(b, base+"refresh", map[string]string{"refreshToken": held.RefreshToken})
	info, _ := reply["tokenInfo"].(map[string]any)
	if status != 200 || reply["success"] != true || info["accessToken"] != held.Token || info["refreshToken"] != held.RefreshToken || info["expiresAt"] != float64(held.ExpiresAt) {
		t.Errorf("refresh: %d %v", status, reply)
	}
	if status, text := get(t, b, d.URL+base+"status?authCellId="+url.QueryEscape(cell), d.token()); status != 200 || !strings.Contains(text, `"connected":true`) {
		t.Errorf("status: %d %s", status, text)
	}
	if status, reply := d.post(b, base+"logout", map[string]string{"authCellId": cell}); status != 200 || reply["message"] != "Successfully logged out" {
		t.Errorf("logout: %d %v", status, reply)
	}
	if a := result[seen](t, d.show(ref)).Auth; a.Token != "" || a.RefreshToken != "" || a.User.Email != "" {
		t.Errorf("after the logout the cell is %+v", a)
	}
	if list, err := d.Client.Connections(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("after the logout there are %+v, %v", list, err)
	}
	d.searchSecrets(g)
}

// authCell is the link of a charm's auth cell, as its page sends it.
func (d *daemon) authCell(ref client.Ref) string {
	return fmt.Sprintf(`{"space":%q,"cell":{"/":%q},"path":["auth"]}`, ref.Space, ref.Charm)
}

func get(t *testing.T, b *http.Client, address string, token ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(token) > 0 {
		req.Header.Set("Authorization", "Bearer "+token[0])
	}
	res, err := b.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}
