package toolshed

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/signin"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

const own, ownPage = "127.0.0.1:8000", "http://127.0.0.1:8000"

func signInToolshed(t *testing.T) *Toolshed {
	t.Helper()
	db := sqlitetest.Open(t, sqlite.Options{})
	return New(Options{
		Pages: plain{}, Service: idle{}, Token: "right", SignIns: signin.New(db, time.Now), Memory: http.HandlerFunc(memory),
		Logger: slog.New(slog.DiscardHandler),
	})
}

// link asks for a link as a command does.
func (t *Toolshed) link(tb testing.TB) string {
	tb.Helper()
	var link api.SignInLink
	w := ask(t, "POST", signInsPath, own, "Authorization", "Bearer right")
	if err := json.Unmarshal(w.Body.Bytes(), &link); err != nil || w.Code != http.StatusOK {
		tb.Fatalf("%d %s %v", w.Code, w.Body, err)
	}
	return link.Path
}

// enter follows a link as a browser does, and returns the cookie it gets.
func (t *Toolshed) enter(tb testing.TB, host string) *http.Cookie {
	tb.Helper()
	w := ask(t, "GET", t.link(tb), host, "Accept", "text/html")
	cookies := w.Result().Cookies()
	if w.Code != http.StatusOK || len(cookies) != 1 || w.Body.String() != "signed in" {
		tb.Fatalf("the link gave %d %s with %v", w.Code, w.Body, cookies)
	}
	return cookies[0]
}

func TestTheCookieIsForThisServiceAlone(t *testing.T) {
	t.Parallel()
	s := signInToolshed(t)
	c := s.enter(t, own)
	if c.Name != "charmd-8000" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge <= 0 || c.Secure {
		t.Errorf("the cookie is %s", c)
	}
	if other := s.enter(t, "localhost"); other.Name != "charmd" || other.Value == c.Value {
		t.Errorf("the cookie is %s", other)
	}
	if w := ask(s, "GET", "/api/v1/status", "127.0.0.1:9000", "Cookie", "charmd-9000=x; "+c.Name+"="+c.Value); w.Code != http.StatusUnauthorized {
		t.Errorf("at another port it gives %d", w.Code)
	}
}

func TestWhatACookieMay(t *testing.T) {
	t.Parallel()
	s := signInToolshed(t)
	c := s.enter(t, own)
	for _, tt := range []struct {
		name, method, path string
		headers            []string
		want               int
	}{
		{"reading", "GET", "/api/v1/status", nil, 200},
		{"reading, by a script of ours", "GET", "/api/v1/status", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"}, 200},
		{"following a link on another port's page", "GET", "/api/v1/status", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate"}, 200},
		{"an image on another port's page", "GET", "/api/v1/status", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		{"a script of another site", "GET", "/api/v1/status", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors"}, 403},
		{"a profile", "GET", profilePath + "allocs", nil, 401},
		{"a profile, from our page", "GET", profilePath + "profile", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate"}, 401},
		{"changing, from our page", "DELETE", signInsPath + "/nobody", []string{"Origin", ownPage}, 404},
		{"changing, from nowhere", "DELETE", signInsPath + "/nobody", nil, 403},
		{"changing, from another port's page", "DELETE", signInsPath + "/nobody", []string{"Origin", "http://127.0.0.1:9999"}, 403},
		{"changing, from a page that hides what it is", "DELETE", signInsPath + "/nobody", []string{"Origin", "null"}, 403},
		{"a form of another site", "POST", signOutPath, []string{"Origin", "https://evil.example"}, 403},
		{"a form from nowhere", "POST", signOutPath, nil, 403},
		{"a WebSocket, from our page", "GET", "/api/v1/status", []string{"Upgrade", "websocket", "Origin", ownPage}, 200},
		{"a WebSocket, from nowhere", "GET", "/api/v1/status", []string{"Upgrade", "websocket"}, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := ask(s, tt.method, tt.path, own, append(tt.headers, "Cookie", c.Name+"="+c.Value)...)
			if w.Code != tt.want {
				t.Errorf("%d, want %d: %s", w.Code, tt.want, w.Body)
			}
		})
	}
}

func TestSigningOut(t *testing.T) {
	t.Parallel()
	s := signInToolshed(t)
	c := s.enter(t, own)
	cookie := []string{"Cookie", c.Name + "=" + c.Value, "Origin", ownPage}
	w := ask(s, "POST", signOutPath, own, cookie...)
	gone := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" || len(gone) != 1 || gone[0].Name != c.Name || gone[0].MaxAge >= 0 {
		t.Errorf("%d to %s, cookies %v", w.Code, w.Header().Get("Location"), gone)
	}
	if w := ask(s, "GET", "/api/v1/status", own, cookie...); w.Code != http.StatusUnauthorized {
		t.Errorf("the cookie still gives %d", w.Code)
	}
	for _, other := range []string{"", signInToolshed(t).enter(t, own).Value} {
		if w := ask(s, "GET", "/api/v1/status", own, "Cookie", c.Name+"="+other); w.Code != http.StatusUnauthorized {
			t.Errorf("a cookie that was not given here gives %d", w.Code)
		}
	}
}

// A link is used by a person, not by what looks ahead for one, and not twice.
func TestALinkIsUsedByAPerson(t *testing.T) {
	t.Parallel()
	s := signInToolshed(t)
	link := s.link(t)
	for _, headers := range [][]string{{"Sec-Purpose", "prefetch"}, {"Sec-Purpose", "prefetch;prerender"}} {
		if w := ask(s, "GET", link, own, headers...); w.Code != http.StatusServiceUnavailable || len(w.Result().Cookies()) > 0 {
			t.Errorf("%v: %d", headers, w.Code)
		}
	}
	if w := ask(s, "HEAD", link, own); w.Code != http.StatusServiceUnavailable {
		t.Errorf("HEAD: %d", w.Code)
	}
	if w := ask(s, "GET", link, "evil.example"); w.Code != http.StatusForbidden {
		t.Errorf("under a strange name: %d", w.Code)
	}
	if w := ask(s, "GET", link, own); w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := ask(s, "GET", link, own, "Accept", "text/html"); w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "a page: this link has been used") {
		t.Errorf("the second time: %d %s", w.Code, w.Body)
	}
}

// People get a page where programs get JSON.
func TestWhoIsNotSignedInGetsAPage(t *testing.T) {
	t.Parallel()
	s := signInToolshed(t)
	const browser = "text/html,application/xhtml+xml,*/*;q=0.8"
	for _, tt := range []struct {
		path, accept string
		page         bool
	}{
		{"/", browser, true}, {"/service", browser, true}, {"/home/heartbeat", browser, true},
		{"/", "*/*", false}, {"/home/heartbeat", "application/json", false}, {"/api/v1/status", browser, false},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", tt.path, nil)
		r.Host = own
		r.Header.Set("Accept", tt.accept)
		s.ServeHTTP(w, r)
		if isPage := strings.HasPrefix(w.Body.String(), "a page: "); w.Code != http.StatusUnauthorized || isPage != tt.page {
			t.Errorf("%s for %s: %d %s", tt.path, tt.accept, w.Code, w.Body)
		}
		if !strings.Contains(w.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: headers %v", tt.path, w.Header())
		}
	}
}
