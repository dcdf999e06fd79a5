// Package fakegoogle is a Google for tests: accounts, the page on which a person
// allows an access, tokens that expire, rotate and are taken back, and APIs behind
// them, in the words of Google's public documentation. It exists so that whatever
// speaks to Google is tried against a server that behaves like it, also on its bad
// days. It runs on a clock of the test's, as a real HTTPS server or within the process.
package fakegoogle

import (
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The client that this Google knows.
const (
	ClientID     = "charmd-test.apps.googleusercontent.com"
	ClientSecret = "GOCSPX-planted-client-secret"
)

// Account is somebody who has an account.
type Account struct{ Email, Name, Picture string }

// Rules are how this Google behaves. The zero value of each is its usual way.
type Rules struct {
	Lifetime time.Duration // of access tokens; 0: 3599 s
	Testing  bool          // the app's publishing status: accesses end after 7 days
	Rotate   bool          // each refresh gives a new refresh token; the one before ends when the new one is used. Google does not do that
	Strict   bool          // with Rotate: the one before ends at once
	Withheld []string      // scopes that the person does not allow
	Denied   bool          // the person allows nothing
	Status   int           // the token endpoint answers so; 0: as it should
	Forget   int           // so many answers of the token endpoint are lost after it has acted
	Echo     bool          // its refusals repeat what they were sent, which a careless server does
	Hold     chan struct{} // the token endpoint answers when it is closed; nil: at once
}

// Google is one such server. It is safe for concurrent use.
type Google struct {
	Account Account // who is logged in to the browser

	URL  string // https://127.0.0.1:PORT once started
	Host string // 127.0.0.1:PORT

	// CertFile holds the certificate; programs started with SSL_CERT_FILE set to it
	// trust this Google.
	CertFile string

	now func() time.Time
	mux *http.ServeMux

	mu      sync.Mutex
	rules   Rules
	codes   map[string]*grant // authorization codes
	devices map[string]*grant // device codes
	refresh map[string]*grant // refresh tokens that are good
	before  map[string]string // the one that a refresh token has taken the place of
	access  map[string]access
	given   []string       // every code and token there ever was
	asked   map[string]int // requests by path
}

// grant is what one person has allowed once.
type grant struct {
	account   Account
	scopes    []string
	challenge string // of PKCE; "" for a device code
	redirect  string
	user      string // user code; "" once typed
	ends      time.Time
	revoked   bool
}

type access struct {
	grant   *grant
	expires time.Time
}

// New makes a Google that nobody can reach but by ServeHTTP.
func New(now func() time.Time) *Google {
	g := &Google{
		Account: Account{"ada@example.com", "Ada Lovelace", "https://lh3.example/ada"}, now: now, mux: http.NewServeMux(),
		URL: "https://google.test", Host: "google.test",
		codes: map[string]*grant{}, devices: map[string]*grant{}, refresh: map[string]*grant{}, before: map[string]string{}, access: map[string]access{}, asked: map[string]int{},
	}
	g.mux.HandleFunc("GET /o/oauth2/v2/auth", g.authorize)
	g.mux.HandleFunc("POST /token", g.token)
	g.mux.HandleFunc("POST /device/code", g.device)
	g.mux.HandleFunc("POST /revoke", g.revoke)
	g.mux.HandleFunc("GET /.well-known/openid-configuration", g.discovery)
	g.HandleAPI("GET /v1/userinfo", "email", func(w http.ResponseWriter, _ *http.Request, who Account) {
		Answer(w, http.StatusOK, map[string]any{"sub": "1", "email": who.Email, "email_verified": true, "name": who.Name, "picture": who.Picture})
	})
	return g
}

// Start serves g over HTTPS on a loopback address for as long as the test runs.
func Start(t testing.TB, now func() time.Time) *Google {
	t.Helper()
	g := New(now)
	s := httptest.NewUnstartedServer(g)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	g.URL, g.Host = s.URL, strings.TrimPrefix(s.URL, "https://")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	g.CertFile = filepath.Join(t.TempDir(), "google.pem")
	if err := os.WriteFile(g.CertFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return g
}

// Table is a provider table in which this is Google, as JSON.
func (g *Google) Table() []byte {
	text, err := json.Marshal(map[string]any{"google": map[string]any{
		"issuer": "", "authUrl": g.URL + "/o/oauth2/v2/auth", "tokenUrl": g.URL + "/token", "deviceUrl": g.URL + "/device/code",
		"userUrl": g.URL + "/v1/userinfo", "hosts": []string{g.Host},
	}})
	if err != nil {
		panic(err) // texts always marshal
	}
	return text
}

// Change changes how it behaves from now on.
func (g *Google) Change(fn func(*Rules)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	fn(&g.rules)
}

// Revoke is the person taking back every access there is.
func (g *Google) Revoke() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, all := range []map[string]*grant{g.refresh, g.codes, g.devices} {
		for _, grant := range all {
			grant.revoked = true
		}
	}
	for _, a := range g.access {
		a.grant.revoked = true
	}
}

// Expire ends every access token at once, whatever was said of it.
func (g *Google) Expire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.access)
}

// Asked is how many requests there were to the path.
func (g *Google) Asked(path string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked[path]
}

// Given is every code and token there ever was, for those who look where they are
// not to be.
func (g *Google) Given() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string{ClientSecret}, g.given...)
}

// secret makes a code or token with Google's prefix for its kind. The caller holds mu.
func (g *Google) secret(prefix string) string {
	s := prefix + rand.Text()
	g.given = append(g.given, s)
	return s
}

// ServeHTTP implements http.Handler.
func (g *Google) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.asked[r.URL.Path]++
	g.mu.Unlock()
	w.Header().Set("Date", g.now().UTC().Format(http.TimeFormat))
	g.mux.ServeHTTP(w, r)
}

// RoundTrip implements http.RoundTripper, within the process.
func (g *Google) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	res := w.Result()
	res.Request = r
	if res.StatusCode == lost {
		return nil, io.ErrUnexpectedEOF
	}
	return res, nil
}

// Answer writes a JSON reply.
func Answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
