package oauth

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/fakegoogle"
)

// flavour turns requests to the fake, and its answers, into another provider's.
type flavour struct {
	request func(t *testing.T, r *http.Request)
	answer  func(status int, body map[string]any) (int, map[string]any)
}

// github answers errors with 200, separates scopes by commas, and its tokens do not end.
var github = flavour{answer: func(_ int, body map[string]any) (int, map[string]any) {
	if scopes, ok := body["scope"].(string); ok {
		body["scope"], body["token_type"] = strings.ReplaceAll(scopes, " ", ","), "bearer"
	}
	delete(body, "expires_in")
	delete(body, "refresh_token")
	return http.StatusOK, body
}}

// microsoft names the permissions of its Graph by their full names, in small letters.
var microsoft = flavour{answer: func(status int, body map[string]any) (int, map[string]any) {
	if _, ok := body["scope"]; ok {
		body["scope"], body["ext_expires_in"] = "openid email profile https://graph.microsoft.com/mail.read https://graph.microsoft.com/calendars.read", 3599
	}
	return status, body
}}

// basic takes its client's secret in a header alone, which its discovery says.
var basic = flavour{request: func(t *testing.T, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	text, err := io.ReadAll(r.Body)
	form, bad := url.ParseQuery(string(text))
	if !ok || err != nil || bad != nil || form.Has("client_secret") {
		t.Errorf("the secret is not in the header alone: %v, %v", form, err)
	}
	form.Set("client_id", id)
	form.Set("client_secret", secret)
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(form.Encode())), 0
}}

func (f flavour) over(t *testing.T, g *fakegoogle.Google) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		token := r.URL.Path == "/token"
		if token && f.request != nil {
			f.request(t, r)
		}
		res, err := g.RoundTrip(r)
		if err != nil || r.Method == http.MethodGet && r.URL.Path != "/.well-known/openid-configuration" {
			return res, err
		}
		var body map[string]any
		if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
			return nil, err
		}
		if token && f.answer != nil {
			res.StatusCode, body = f.answer(res.StatusCode, body)
		}
		if f.request != nil && !token {
			body["token_endpoint_auth_methods_supported"] = []string{"client_secret_basic"}
		}
		text, err := json.Marshal(body)
		res.Body = io.NopCloser(strings.NewReader(string(text)))
		return res, err
	})
}

// The providers that are built in, and one by its issuer alone, work in both flows with
// the answers that each of them gives, as far as they are documented.
func TestEachProvider(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flavour
		row     string // what the table's file changes beside the endpoints; "" for none
		account string
		lasts   bool // its tokens do not end
	}{
		"google":    {flavour{}, "", "ada@example.com", false},
		"github":    {github, `"userUrl":"URL/user"`, "ada", true},
		"microsoft": {microsoft, "", "ada@example.com", false},
		"generic":   {basic, `"issuer":"URL","authUrl":"","tokenUrl":"","deviceUrl":"","userUrl":"","scopes":["openid","email"]`, "ada@example.com", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.google.HandleAPI("GET /user", "read:user", func(w http.ResponseWriter, _ *http.Request, _ fakegoogle.Account) {
				fakegoogle.Answer(w, http.StatusOK, map[string]any{"login": "ada", "name": nil, "avatar_url": "https://avatars.example/1"})
			})
			var endpoints map[string]map[string]any
			if err := json.Unmarshal(w.google.Table(), &endpoints); err != nil {
				t.Fatal(err)
			}
			endpoints["google"]["clientId"] = fakegoogle.ClientID
			if err := json.Unmarshal([]byte("{"+strings.ReplaceAll(c.row, "URL", w.google.URL)+"}"), new(endpoints["google"])); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(map[string]any{name: endpoints["google"]})
			if err != nil {
				t.Fatal(err)
			}
			if w.o.Providers, err = Table(text); err != nil {
				t.Fatal(err)
			}
			if err := w.vault.Set(t.Context(), SecretName(name), fakegoogle.ClientSecret); err != nil {
				t.Fatal(err)
			}
			over := c.over(t, w.google)
			w.o.HTTP = func(Provider) http.RoundTripper { return over }
			to := Target{Space: home, Charm: mail.ID, Cell: authPlace}
			works := func(how string, conn charm.Connection, err error) {
				t.Helper()
				if err != nil || conn.Account.Email != c.account || len(w.Missing(conn)) > 0 || conn.Expires.IsZero() != c.lasts || !conn.Ends.IsZero() {
					t.Fatalf("%s: %+v lacks %v, %v", how, conn, w.Missing(conn), err)
				}
				for range 3 {
					w.clock.pass(time.Hour)
					if err := w.Prepare(t.Context(), mail, time.Minute); err != nil {
						t.Fatalf("%s: %v", how, err)
					}
					if token, _, err := w.lentTo(mail, w.outgoing(w.cell().Token)); err != nil || !strings.HasPrefix(token, "ya29.") {
						t.Errorf("%s: lent is %.6q, %v", how, token, err)
					}
				}
			}
			begun, err := w.Begin(t.Context(), name, to, "http://127.0.0.1:8000/back", "mine")
			if err != nil {
				t.Fatal(err)
			}
			conn, err := w.Finish(t.Context(), name, "mine", w.allow(begun))
			works("by a redirect", conn.Connection, err)
			if begun, err = w.BeginDevice(t.Context(), name, to, "mine"); err != nil {
				t.Fatal(err)
			}
			w.google.Type()
			conn, err = w.Finish(t.Context(), name, "mine", Answer{State: begun.State})
			works("by a device code", conn.Connection, err)
			begun, err = w.Begin(t.Context(), name, to, "http://127.0.0.1:8000/back", "mine")
			if err != nil {
				t.Fatal(err)
			}
			answer := w.allow(begun)
			answer.Code = "4/0Amade-up"
			if _, err := w.Finish(t.Context(), name, "mine", answer); charm.CodeOf(err) != charm.CodeUnavailable || !strings.Contains(err.Error(), "could not be asked: the provider answered invalid_grant") {
				t.Errorf("a code that is none: %v", err)
			}
		})
	}
}

// A charm that gets another account than it had is told of once, however it came to it.
func TestAnotherAccountThanBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.google.Account
	bob := fakegoogle.Account{Email: "bob@example.com", Name: "Bob"}
	as := func(who fakegoogle.Account) string {
		t.Helper()
		w.google.Account = who
		return w.connect().Before
	}
	end := func() {
		t.Helper()
		if err := w.End(t.Context(), w.List()[0].ID); err != nil {
			t.Fatal(err)
		}
	}
	if was := as(ada) + as(ada); was != "" {
		t.Errorf("the same account: %q", was)
	}
	if was := as(bob); was != ada.Email {
		t.Errorf("another one: %q", was)
	}
	end()
	w.restart()
	if was := as(ada); was != bob.Email {
		t.Errorf("another one, after the first was disconnected: %q", was)
	}
	if err := w.EndOf(t.Context(), home, mail.ID); err != nil {
		t.Fatal(err)
	}
	if was := as(bob); was != "" {
		t.Errorf("of a charm that was removed is known %q", was)
	}
}
