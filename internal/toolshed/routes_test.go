package toolshed

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"charmd/internal/blobby"
	"charmd/internal/pages"
	"charmd/internal/recipe"
	"charmd/internal/signin"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

// wholeToolshed has all routes, with nothing behind those that need a token: who is
// let in to one of them by mistake finds out.
func wholeToolshed(t testing.TB, change ...func(*Options)) *Toolshed {
	t.Helper()
	db := sqlitetest.Open(t, sqlite.Options{})
	o := Options{
		Pages: pages.New(pages.Options{}), Service: idle{}, Token: "right", SignIns: signin.New(db, time.Now), Memory: http.HandlerFunc(memory),
		Metrics: http.NotFoundHandler(), Blobs: blobby.New(db, time.Now, func(store.Tx, string) error { return nil }), Hosts: []string{"charmd.example.org"},
		Logger: slog.New(slog.DiscardHandler),
	}
	for _, fn := range change {
		fn(&o)
	}
	return New(o)
}

// Which route a request goes to decides whether it needs a token, whatever its path
// looks like once it is unescaped.
func TestWhichRoutesAreOpen(t *testing.T) {
	t.Parallel()
	shed := wholeToolshed(t)
	id := recipe.ID("source")
	for route, isOpen := range map[string]bool{
		"GET /healthz": true, "HEAD /healthz": true, "GET /readyz": true, "GET /api/meta": true, "GET /service/sign-in": true,
		"GET /assets/none.js": true, "HEAD /assets/none.js": true,
		"GET /api/storage/memory": true, "PATCH /api/storage/memory": true,
		"GET /api/storage/blobby/spell-" + id: true, "GET /api/storage/blobby/spell-" + id + "/src": true, "GET /api/storage/blobby/%73pell-" + id: true,
		"GET /api/integrations/google-oauth/callback": true,

		"POST /healthz": false, "GET /healthz/": false, "GET /%68ealthz": true, "GET /healthz%2F": false, "GET /healthz%2Fx": false, "GET /x/healthz": false,
		"GET /api%2Fmeta": false, "GET /api%2Fmeta/x": false, "GET /service%2Fsign-in": false, "GET /service%2Fsign-in/x": false,
		"GET /assets%2Fx/y": false, "GET /assets%2fx/y": false, "GET /assets%2Fx/y/inspect": false, "POST /assets%2Fx/y/inspect": false, "GET /assets/x/y/z": false,
		"POST /assets/none.js": false, "GET /assets%2Fnone.js": false, "GET /%61ssets%2Fx/y": false, "GET /assets%2F..%2Fapi/v1": false,
		"GET /api/storage/memory/x": false, "GET /api%2Fstorage%2Fmemory/x": false,
		"GET /api/storage/blobby": false, "GET /api/storage/blobby/": false, "GET /api/storage/blobby/mine": false, "POST /api/storage/blobby/spell-" + id: false,
		"DELETE /api/storage/blobby/spell-" + id: false, "GET /api/storage/blobby/spell-" + id + "%2Fsrc": false, "GET /api%2Fstorage%2Fblobby%2Fspell-" + id + "/x": false,
		"GET /api%2Fstorage/blobby%2Fspell-" + id: false, "GET /api/storage%2Fblobby/spell-" + id: false,
		"HEAD /api/integrations/google-oauth/callback": false, "GET /api/integrations/google/callback": false, "GET /api/integrations/x%2Fgoogle/callback": false,
		"GET /api%2Fintegrations/google-oauth%2Fcallback": false, "GET /api%2Fintegrations%2Fgoogle-oauth%2Fcallback/x": false,
		"POST /api/integrations/google-oauth/login": false, "POST /api/integrations/google-oauth/refresh": false, "POST /api/integrations/google-oauth/logout": false,
		"GET /api/integrations/google-oauth/status": false, "POST /api/integrations/bg": false,
		"GET /": false, "POST /": false, "GET /service": false, "POST /service": false, "POST /service/sign-out": false, "GET /metrics": false,
		"GET /debug/pprof/": false, "GET /debug/pprof/heap": false, "GET /debug/pprof/profile": false, "GET /debug/pprof/trace": false,
		"GET /home/news": false, "GET /home/news/inspect": false, "POST /home/news/inspect": false, "GET /spaces": false, "GET /nothing/like/it/at/all": false,
		"GET /api/v1/status": false, "GET /api/v1/why": false, "GET /api/v1/doctor": false, "GET /api/v1/charms": false, "POST /api/v1/charms": false,
		"POST /api/v1/admin-charm": false, "GET /api/v1/charms/s/c": false, "PATCH /api/v1/charms/s/c": false, "DELETE /api/v1/charms/s/c": false,
		"GET /api/v1/charms/s/c/why": false, "GET /api/v1/charms/s/c/live": false, "POST /api/v1/charms/s/c/run": false, "POST /api/v1/charms/s/c/enable": false,
		"POST /api/v1/charms/s/c/disable": false, "POST /api/v1/charms/s/c/update": false, "GET /api/v1/charms/s/c/preview": false, "PUT /api/v1/charms/s/c/schedule": false,
		"GET /api/v1/charms/s/c/cells/a": false, "PUT /api/v1/charms/s/c/cells/a": false, "GET /api/v1/charms/s/c/runs": false, "GET /api/v1/charms/s/c/problems": false,
		"POST /api/v1/charms/s/c/cancel": false, "PUT /api/v1/charms/s/c/contacts/h": false, "GET /api/v1/problems": false, "GET /api/v1/runs": false,
		"GET /api/v1/runs/1": false, "GET /api/v1/runs/1/changes": false, "POST /api/v1/runs/1/undo": false, "POST /api/v1/runs/1/replay": false,
		"GET /api/v1/jobs": false, "POST /api/v1/jobs/1/cancel": false, "POST /api/v1/retry": false, "GET /api/v1/pauses": false, "POST /api/v1/pause": false,
		"POST /api/v1/resume": false, "GET /api/v1/hosts": false, "DELETE /api/v1/hosts/h": false, "GET /api/v1/contacts": false,
		"POST /api/v1/maintenance/cleanup": false, "POST /api/v1/notify/test": false, "GET /api/v1/sign-ins": false, "POST /api/v1/sign-ins": false,
		"DELETE /api/v1/sign-ins": false, "DELETE /api/v1/sign-ins/1": false, "GET /api/v1/spaces": false, "POST /api/v1/spaces": false, "GET /api/v1/spaces/s/export": false,
	} {
		method, path, _ := strings.Cut(route, " ")
		w := ask(shed, method, path, own)
		if let := w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), "this link has been used"); let != isOpen {
			t.Errorf("%s: %d, open is to be %v: %s", route, w.Code, isOpen, w.Body)
		}
	}
}

// Behind a proxy that ends TLS, what is not asked from this machine is over TLS: so
// is the cookie, and the page that asks.
func TestBehindAProxy(t *testing.T) {
	t.Parallel()
	behind := wholeToolshed(t, func(o *Options) { o.BehindProxy, o.Pages = true, plain{} })
	plainly := wholeToolshed(t, func(o *Options) { o.Pages = plain{} })
	for _, tt := range []struct {
		name, host, cookie string
		shed               *Toolshed
		page, stranger     string
		secure             bool
	}{
		{"by the proxy", "charmd.example.org", "__Host-charmd", behind, "https://charmd.example.org", "http://charmd.example.org", true},
		{"by the proxy, at a port", "charmd.example.org:8443", "__Host-charmd-8443", behind, "https://charmd.example.org:8443", "http://charmd.example.org:8443", true},
		{"from this machine", own, "charmd-8000", behind, ownPage, "https://" + own, false},
		{"without a proxy", "charmd.example.org:8000", "charmd-8000", plainly, "http://charmd.example.org:8000", "https://charmd.example.org:8000", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := tt.shed.enter(t, tt.host)
			if c.Name != tt.cookie || c.Secure != tt.secure || c.Path != "/" || c.Domain != "" {
				t.Errorf("the cookie is %s", c)
			}
			cookie := c.Name + "=" + c.Value
			for page, want := range map[string]int{tt.page: http.StatusNotFound, tt.stranger: http.StatusForbidden} {
				w := ask(tt.shed, "DELETE", signInsPath+"/nobody", tt.host, "Cookie", cookie, "Origin", page)
				if w.Code != want {
					t.Errorf("from %s: %d, want %d", page, w.Code, want)
				}
				if kept := w.Header().Get("Strict-Transport-Security") != ""; kept != tt.secure {
					t.Errorf("from %s: headers %v", page, w.Header())
				}
			}
			w := ask(tt.shed, "POST", signOutPath, tt.host, "Cookie", cookie, "Origin", tt.page)
			if gone := w.Result().Cookies(); len(gone) != 1 || gone[0].Name != tt.cookie || gone[0].Secure != tt.secure || gone[0].MaxAge >= 0 {
				t.Errorf("signing out: %d, cookies %v", w.Code, gone)
			}
		})
	}
}

// What clients keep is nothing that a browser runs as ours.
func TestBlobsHaveNoOrigin(t *testing.T) {
	t.Parallel()
	shed := wholeToolshed(t)
	if w := ask(shed, "POST", "/api/storage/blobby/mine", own, "Authorization", "Bearer right"); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for path, want := range map[string]string{"mine": "application/json", "mine/blobAuthor": "application/javascript", "none": "application/json"} {
		w := ask(shed, "GET", "/api/storage/blobby/"+path, own, "Authorization", "Bearer right")
		h := w.Header()
		if policy := h.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "sandbox; default-src 'none'") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Type") != want {
			t.Errorf("%s: %v", path, h)
		}
	}
}
