package service_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"charmd/charms"
	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/process"
)

// gitHub is a small GitHub over HTTPS: its login, and notifications as its documentation
// has them, with Last-Modified and X-Poll-Interval.
type gitHub struct {
	*httptest.Server
	host string
	file string // its certificate

	asked notes // of the API: "200 /notifications"

	mu       sync.Mutex
	interval int // seconds
	changed  time.Time
	list     []map[string]any
	limited  time.Time // until then the limit is used up
	taken    bool      // the access was taken back
}

const gitHubToken = "gho_16C7e42F292c6912E7710c838347Ae178B4a"

func startGitHub(t *testing.T) *gitHub {
	t.Helper()
	g := &gitHub{changed: time.Now().Add(-time.Hour)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login/oauth/authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {"c0de"}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
	})
	mux.HandleFunc("POST /login/oauth/access_token", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("client_id") != "Iv1.test" || r.FormValue("client_secret") != "planted-github-secret" || r.FormValue("code") != "c0de" {
			_, _ = w.Write([]byte("error=bad_verification_code"))
			return
		}
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8") // as GitHub does
		_, _ = w.Write([]byte(url.Values{"access_token": {gitHubToken}, "scope": {"notifications,read:user"}, "token_type": {"bearer"}}.Encode()))
	})
	mux.HandleFunc("GET /user", g.knows(func(w http.ResponseWriter, _ *http.Request) int {
		_, _ = w.Write([]byte(`{"login":"octo","name":"Octo Cat","email":null}`))
		return http.StatusOK
	}))
	mux.HandleFunc("GET /notifications", g.knows(g.notifications))
	g.Server = httptest.NewTLSServer(mux)
	t.Cleanup(g.Close)
	g.host = g.Listener.Addr().String()
	g.file = filepath.Join(t.TempDir(), "github.pem")
	if err := os.WriteFile(g.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: g.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return g
}

// knows lets those in who have the token.
func (g *gitHub) knows(fn func(w http.ResponseWriter, r *http.Request) int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		status := http.StatusUnauthorized
		switch {
		case g.taken || r.Header.Get("Authorization") != "Bearer "+gitHubToken:
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"message":"Bad credentials"}`))
		case time.Now().Before(g.limited):
			status = http.StatusForbidden
			w.Header().Set("X-RateLimit-Remaining", "0")
			w.Header().Set("X-RateLimit-Reset", fmt.Sprint(g.limited.Unix()))
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"message":"API rate limit exceeded for user ID 1."}`))
		default:
			status = fn(w, r)
		}
		g.asked.add(fmt.Sprintf("%d %s", status, r.URL.Path))
	}
}

func (g *gitHub) notifications(w http.ResponseWriter, r *http.Request) int {
	if g.interval > 0 {
		w.Header().Set("X-Poll-Interval", fmt.Sprint(g.interval))
	}
	if since, err := http.ParseTime(r.Header.Get("If-Modified-Since")); err == nil && !g.changed.Truncate(time.Second).After(since) {
		w.WriteHeader(http.StatusNotModified)
		return http.StatusNotModified
	}
	w.Header().Set("Last-Modified", g.changed.UTC().Format(http.TimeFormat))
	_ = json.NewEncoder(w).Encode(g.list)
	return http.StatusOK
}

// take is what was asked since the last time.
func (g *gitHub) take() string { return strings.Join(g.asked.take(), ", ") }

func (g *gitHub) with(fn func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	fn()
}

// Notifications come from the account that was connected: asked for only if they have
// changed, not before GitHub wants to be asked, and the token goes nowhere else.
func TestGitHubNotifications(t *testing.T) {
	t.Parallel()
	g := startGitHub(t)
	note := func(id, title string, unread bool) map[string]any {
		return map[string]any{"id": id, "unread": unread, "reason": "mention", "updated_at": "2026-01-0" + id + "T00:00:00Z",
			"subject": map[string]any{"title": title}, "repository": map[string]any{"full_name": "a/b", "html_url": "https://github.com/a/b"}}
	}
	g.with(func() { g.list = []map[string]any{note("1", "You were named", true)} })
	table := filepath.Join(t.TempDir(), "providers.json")
	row := fmt.Sprintf(`{"github":{"authUrl":"%[1]s/login/oauth/authorize","tokenUrl":"%[1]s/login/oauth/access_token","deviceUrl":"","userUrl":"%[1]s/user","hosts":[%[2]q],"clientId":"Iv1.test"}}`, g.URL, g.host)
	if err := os.WriteFile(table, []byte(row), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := launch(t, process.Options{Dir: t.TempDir(), Args: []string{"--providers", table, "--max-concurrent", "2", "--max-retries", "0"}, Env: []string{"SSL_CERT_FILE=" + g.file}})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Client.SetSecret(t.Context(), "github-client-secret", "planted-github-secret"); err != nil {
		t.Fatal(err)
	}
	var leaked notes
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked.add(r.Header.Get("Authorization"))
		_, _ = w.Write([]byte("[]"))
	}))
	t.Cleanup(other.Close)
	watch := func(name, at, host string) client.Ref {
		ref := d.add(charms.Source("github.tsx"), "home", name, notRegistered, allow(host), every(24*time.Hour),
			argument(`{"settings":{"notifications":true,"connection":"github","api":%q}}`, at))
		if r := d.run(ref); r.Outcome == charm.OK || host == g.host && (r.Outcome != charm.NeedsReconnect || !strings.Contains(r.Error, "it is not connected to a GitHub account")) {
			t.Errorf("without an account: %s, %s", r.Outcome, r.Error)
		}
		begun, err := d.Client.Connect(t.Context(), ref, api.ConnectRequest{Provider: "github", Redirect: "http://127.0.0.1:9/connected"})
		if err != nil {
			t.Fatal(err)
		}
		b := g.Client()
		b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		q := allowAccess(t, b, begun.URL).Query()
		if _, err := d.Client.FinishConnect(t.Context(), api.ConnectFinish{Provider: "github", State: q.Get("state"), Code: q.Get("code")}); err != nil {
			t.Fatal(err)
		}
		d.await(ref, "its first run with the account", time.Minute, func(c api.Charm) bool { return c.State.TotalExecutions > 1 && c.Status != "running" })
		return ref
	}
	ref := watch("notes", g.URL, g.host)
	type noted struct {
		Items []struct{ ID, Title, State, Author, Date string }
	}
	if got := result[noted](t, d.show(ref)).Items; len(got) != 1 || got[0].Title != "You were named" || got[0].State != "mention" || got[0].Author != "a/b" {
		t.Fatalf("noted are %+v", got)
	}
	r := d.runOK(ref)
	if asked := g.take(); r.Changed != 0 || asked != "200 /user, 200 /notifications, 304 /notifications" {
		t.Errorf("with nothing new %d documents changed; it was asked %s", r.Changed, asked)
	}
	g.with(func() {
		g.list, g.changed = []map[string]any{note("1", "You were named", false), note("2", "Again", true)}, time.Now()
		g.interval = 60
	})
	d.runOK(ref)
	if got := result[noted](t, d.show(ref)).Items; len(got) != 2 || got[0].Title != "Again" || got[1].State != "read" {
		t.Errorf("after one was read and one came: %+v", got)
	}
	d.runOK(ref)
	if asked := g.take(); asked != "200 /notifications" {
		t.Errorf("within the interval that GitHub asked for it was asked %s", asked)
	}

	g.with(func() { g.interval = 0 })
	limited, gone := watch("limited", g.URL, g.host), watch("gone", g.URL, g.host)
	g.with(func() { g.limited = time.Now().Add(time.Hour) })
	g.take()
	if r := d.runOK(limited); !strings.Contains(r.Log, "limit of requests is used up") {
		t.Errorf("when the limit is used up the log says %s", r.Log)
	}
	d.runOK(limited)
	if asked := g.take(); asked != "403 /notifications" {
		t.Errorf("when the limit was used up it was asked %s", asked)
	}
	// Days that it may not ask come of a clock that was set back meanwhile.
	g.with(func() { g.limited = time.Now().Add(72 * time.Hour) })
	d.runOK(gone)
	d.runOK(gone)
	if asked := g.take(); asked != "403 /notifications, 403 /notifications" {
		t.Errorf("after the clock was set it was asked %s", asked)
	}

	stray := watch("stray", other.URL, other.Listener.Addr().String())
	if r := d.run(stray); r.Outcome == charm.OK || !strings.Contains(r.Error, `the connection "github" is for https requests to `+g.host) {
		t.Errorf("at another host: %s %s", r.Outcome, r.Error)
	}
	if sent := leaked.take(); len(sent) != 0 {
		t.Errorf("the other host was sent %q", sent)
	}

	g.with(func() { g.limited, g.taken = time.Time{}, true })
	if r := d.run(gone); r.Outcome != charm.NeedsReconnect || !strings.Contains(r.Error, "GitHub account") {
		t.Errorf("when the access was taken back: %s %s", r.Outcome, r.Error)
	}
	if c := d.show(gone); c.State.TotalFailures != 0 {
		t.Errorf("which counts as %+v", c.State)
	}
	if log := d.Log(); strings.Contains(log, gitHubToken) || strings.Contains(log, "planted-github-secret") {
		t.Error("the log holds a secret")
	}
}
