// Package toolshed is what charmd serves over HTTP: the API of the command line,
// the registration endpoint recipes use, health. It exists to keep everything
// that faces outside (who may ask, from where, how much) in front of one door,
// checked before a request finds its route.
package toolshed

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"charmd/internal/api"
	"charmd/internal/blobby"
	"charmd/internal/charm"
	"charmd/internal/live"
	"charmd/internal/manager"
	"charmd/internal/memory/frames"
	"charmd/internal/oauth"
	"charmd/internal/observe"
	"charmd/internal/signin"
	"charmd/internal/vault"
)

// Service is what the routes ask for beyond the charms.
type Service interface {
	Summary(ctx context.Context) api.Status
	// NotReady lists why the service cannot do its work; empty when it can.
	NotReady() []string
	// Hosts lists the hosts that charms do not get to ask for a while.
	Hosts(ctx context.Context) ([]api.Host, error)
	// ResetHost lets a host be asked again at once; CodeNotFound when it is not held off.
	ResetHost(ctx context.Context, name string) error
	// Contacts lists the hosts that charms have asked or want to ask; AllowContact lets
	// a charm ask one.
	Contacts(ctx context.Context) ([]api.Contact, error)
	AllowContact(ctx context.Context, space, charm, host string) error
	// Why explains how a charm stands, WhyService how the service does.
	Why(ctx context.Context, space, charm string) (api.Why, error)
	WhyService(ctx context.Context) api.Why
	// Doctor says what is wrong with charmd itself.
	Doctor(ctx context.Context) api.Diagnosis
}

// Pages are what people see in a browser.
type Pages interface {
	// Routes adds the pages, and what they are made of below assetsPath.
	Routes(*http.ServeMux)
	// SignedIn answers a browser that was just let in, Refuse one whose request
	// cannot be answered.
	SignedIn(http.ResponseWriter, *http.Request)
	// Charm is the page of a charm.
	Charm(w http.ResponseWriter, r *http.Request, space, charm string)
	Refuse(http.ResponseWriter, *http.Request, api.Problem)
	// Answered tells a browser what came of a provider's answer.
	Answered(w http.ResponseWriter, r *http.Request, status int, answer api.AccountAnswer)
}

// assetsPath is above what pages are made of, which is the same for everybody.
const assetsPath = "/assets/"

// Options are the parts a Toolshed works with.
type Options struct {
	Manager  *manager.Manager
	Service  Service
	Blobs    *blobby.Blobs
	Dev      bool     // blobs are open to whoever reaches us
	Alone    bool     // no charms run here
	Beside   string   // address of the toolshed that has memory and blobs instead of us; "" when we do
	Operator string   // DID
	Token    string   // bearer token
	Hosts    []string // host names or addresses it is reached under, besides loopback
	// BehindProxy says that a proxy ends TLS for those.
	BehindProxy bool
	// Certificate says that the certificate we serve with ends soon, or has ended; nil
	// where we speak no TLS.
	Certificate func() (ending string, ended bool)
	SignIns     *signin.SignIns
	Pages       Pages
	// AdminCharm adds an admin charm.
	AdminCharm func(ctx context.Context) (api.Added, error)
	// TryHook gives the notification hook a test notice.
	TryHook func(ctx context.Context) (api.Notified, error)
	// Room says why clients may not write blobs now; nil lets them at any time.
	Room    func() error
	Metrics http.Handler // answers GET /metrics
	Memory  http.Handler // answers at frames.Path
	// Signed reads a request that is signed in a header, by somebody who may write
	// the space it names; nil takes none.
	Signed   func(text, cmd string) (*frames.Request, error)
	Live     *live.Server // keeps charms' pages
	Accounts *oauth.Accounts
	Vault    *vault.Vault
	// Served is told of every request that was answered: the pattern of its
	// route, "" when it was refused before that. Nil tells nobody.
	Served func(route string, status int, took time.Duration)
	Logger *slog.Logger
}

// Toolshed is the HTTP side of charmd.
type Toolshed struct {
	o           Options
	mux         *http.ServeMux
	writeWithin time.Duration   // an answer has to be taken
	forged      *observe.Seldom // anybody may send us answers of a provider
}

// New makes the routes.
func New(o Options) *Toolshed {
	t := &Toolshed{o: o, mux: http.NewServeMux(), writeWithin: time.Minute, forged: observe.NewSeldom(o.Logger)}
	t.o.Hosts = nil
	for _, name := range o.Hosts {
		t.o.Hosts = append(t.o.Hosts, hostOf(name))
	}
	if o.Served == nil {
		t.o.Served = func(string, int, time.Duration) {}
	}
	t.routes()
	return t
}

func (t *Toolshed) routes() {
	t.mux.HandleFunc("GET /healthz", t.health)
	t.mux.HandleFunc("GET /readyz", t.ready)
	t.mux.HandleFunc("GET /api/meta", t.meta)
	t.mux.HandleFunc("POST /api/integrations/bg", t.registerInBackground)
	if t.o.Metrics != nil {
		t.mux.Handle("GET /metrics", t.o.Metrics)
	}
	if t.o.Beside != "" {
		t.mux.HandleFunc(frames.Path, t.elsewhere)
		t.mux.HandleFunc(blobbyPath+"/", t.elsewhere)
	} else {
		if t.o.Memory != nil {
			t.mux.Handle(frames.Path, t.o.Memory)
		}
		t.blobbyRoutes()
	}
	t.profileRoutes()
	t.spaceRoutes()
	t.oauthRoutes()
	t.accountRoutes()
	t.publishRoutes()
	t.signInRoutes()
	t.o.Pages.Routes(t.mux)

	const v1, one = "/api/v1", "/api/v1/charms/{space}/{charm}"
	t.handle("GET "+v1+"/status", func(r *http.Request) (any, error) { return t.o.Service.Summary(r.Context()), nil })
	t.handle("GET "+v1+"/why", func(r *http.Request) (any, error) { return t.o.Service.WhyService(r.Context()), nil })
	t.handle("GET "+v1+"/doctor", func(r *http.Request) (any, error) { return t.o.Service.Doctor(r.Context()), nil })
	t.handle("GET "+v1+"/charms", t.list)
	t.handle("POST "+v1+"/charms", t.add)
	t.handle("POST "+v1+"/admin-charm", func(r *http.Request) (any, error) { return t.o.AdminCharm(r.Context()) })
	t.handle("GET "+one, t.show)
	t.handle("GET "+one+"/why", t.why)
	t.mux.HandleFunc("GET "+one+"/live", t.keepPage)
	t.handle("DELETE "+one, t.remove)
	t.handle("POST "+one+"/run", t.run)
	t.handle("POST "+one+"/enable", t.enable)
	t.handle("POST "+one+"/disable", t.disable)
	t.handle("POST "+one+"/update", t.update)
	t.handle("GET "+one+"/preview", t.preview)
	t.handle("PUT "+one+"/schedule", t.schedule)
	t.handle("PATCH "+one, t.configure)
	t.handle("GET "+one+"/cells/{path...}", t.getCell)
	t.handle("PUT "+one+"/cells/{path...}", t.setCell)
	t.handle("GET "+one+"/runs", t.runs)
	t.handle("GET "+one+"/problems", t.problems)
	t.handle("GET "+v1+"/problems", t.problems)
	t.handle("GET "+v1+"/runs", t.runs)
	t.handle("GET "+v1+"/runs/{id}", t.runByID)
	t.handle("GET "+v1+"/runs/{id}/changes", t.changes)
	t.handle("POST "+v1+"/runs/{id}/undo", t.undo)
	t.handle("POST "+v1+"/runs/{id}/replay", t.replay)
	t.handle("GET "+v1+"/jobs", func(*http.Request) (any, error) { return t.o.Manager.Jobs(), nil })
	t.handle("POST "+v1+"/jobs/{id}/cancel", t.cancelJob)
	t.handle("POST "+one+"/cancel", t.cancelJobOf)
	t.handle("POST "+v1+"/retry", t.retry)
	t.handle("GET "+v1+"/pauses", func(*http.Request) (any, error) { return t.o.Manager.Pauses(), nil })
	t.handle("POST "+v1+"/pause", t.pause)
	t.handle("POST "+v1+"/resume", t.resume)
	t.handle("GET "+v1+"/hosts", func(r *http.Request) (any, error) { return t.o.Service.Hosts(r.Context()) })
	t.handle("DELETE "+v1+"/hosts/{host}", func(r *http.Request) (any, error) {
		return struct{}{}, t.o.Service.ResetHost(r.Context(), r.PathValue("host"))
	})
	t.handle("GET "+v1+"/contacts", func(r *http.Request) (any, error) { return t.o.Service.Contacts(r.Context()) })
	t.handle("PUT "+one+"/contacts/{host}", func(r *http.Request) (any, error) {
		return struct{}{}, t.o.Service.AllowContact(r.Context(), r.PathValue("space"), r.PathValue("charm"), r.PathValue("host"))
	})
	t.handle("POST "+v1+"/maintenance/{task}", t.maintain)
	t.handle("POST "+v1+"/notify/test", func(r *http.Request) (any, error) { return t.o.TryHook(r.Context()) })
	t.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.refuse(w, r, charm.Errorf(charm.CodeNotFound, "there is nothing at %s %s", r.Method, r.URL.Path))
	})
}

// elsewhere answers for what another toolshed has.
func (t *Toolshed) elsewhere(w http.ResponseWriter, r *http.Request) {
	t.refuse(w, r, charm.Errorf(charm.CodeRemoteToolshed, "memory and blobs are in the toolshed at %s", t.o.Beside).WithHint("ask there"))
}

// handle answers with the JSON of what fn returns.
func (t *Toolshed) handle(pattern string, fn func(*http.Request) (any, error)) {
	t.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		v, err := fn(r)
		if err != nil {
			t.fail(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, v)
	})
}

// Server is an http.Server with the limits of an open door: a client that is
// slow or sends without end is not waited for. secure is for ServeTLS, nil for Serve.
func (t *Toolshed) Server(secure *tls.Config) *http.Server {
	return &http.Server{
		Handler:           t,
		TLSConfig:         secure,
		ConnState:         stands,
		ConnContext:       withGuest,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: charm.MaxHTTPStreams},
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(complaints{observe.NewSeldom(t.o.Logger)}, "", 0),
	}
}

// complaints are what net/http says of connections: whoever reaches the address may
// bring them about, in a handshake that fails say.
type complaints struct{ log *observe.Seldom }

func (c complaints) Write(line []byte) (int, error) {
	c.log.Warn("a connection failed", "err", string(bytes.TrimSpace(line)))
	return len(line), nil
}

// maxBody is how much of a request's body is read.
const maxBody = 20 << 20

// ServeHTTP answers a request and tells of it.
func (t *Toolshed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	answer := &answer{ResponseWriter: w, status: http.StatusOK, within: t.writeWithin}
	route := t.guarded(answer, r)
	if answer.status == http.StatusSwitchingProtocols || t.o.Served == nil {
		return // a connection took as long as the client stayed
	}
	t.o.Served(route, answer.status, time.Since(began))
}

// guarded is serve that answers also when it fails in a way that nobody thought of.
// What that was is for the log alone.
func (t *Toolshed) guarded(w *answer, r *http.Request) (route string) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		t.o.Logger.Error("a request failed inside", "method", r.Method, "path", r.URL.Path, "err", v, "stack", string(debug.Stack()))
		if w.began {
			panic(http.ErrAbortHandler) // it would look like a whole answer
		}
		t.refuse(w, r, fmt.Errorf("%v", v)) // which is not told
	}()
	return t.serve(w, r)
}

// headers are on every answer unless its route says otherwise: it is kept nowhere,
// and no page of anybody else's may take it in.
var headers = map[string]string{
	"Cache-Control":                "no-store",
	"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Referrer-Policy":              "same-origin",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
}

// serve checks who asks before it looks for what is asked. It returns the pattern
// of the route, "" when the request was refused before that.
func (t *Toolshed) serve(w http.ResponseWriter, r *http.Request) (route string) {
	for name, value := range headers {
		w.Header().Set(name, value)
	}
	if t.overTLS(r) && !onThisMachine(r) { // on which other programs may speak plain HTTP
		w.Header().Set("Strict-Transport-Security", "max-age=31536000") // a year, for this host alone
	}
	r, release, err := t.admit(r)
	if err != nil {
		tellCrowd(r.Context(), false)
		t.refuse(w, r, err)
		return ""
	}
	defer release()
	r.Body = http.MaxBytesReader(w, r.Body, bodyLimit(r))
	t.mux.ServeHTTP(w, r)
	return r.Pattern
}

func (t *Toolshed) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (t *Toolshed) ready(w http.ResponseWriter, _ *http.Request) {
	reasons, answer := t.o.Service.NotReady(), map[string]any{}
	if t.o.Certificate != nil {
		switch ending, ended := t.o.Certificate(); {
		case ended:
			reasons = append(reasons, ending) // to whoever comes over the network
		case ending != "":
			answer["warnings"] = []string{ending}
		}
	}
	status := http.StatusOK
	if len(reasons) > 0 {
		status, answer["reasons"] = http.StatusServiceUnavailable, reasons
	}
	answer["ready"] = len(reasons) == 0
	writeJSON(w, status, answer)
}

func (t *Toolshed) meta(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"did": t.o.Operator})
}

// fail answers with an error; what is not meant for users goes to the log alone.
func (t *Toolshed) fail(w http.ResponseWriter, r *http.Request, err error) {
	if charm.CodeOf(err) == charm.CodeInternal && r.Context().Err() == nil {
		t.o.Logger.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	t.refuse(w, r, err)
}

// refuse answers with an error, people with a page.
func (t *Toolshed) refuse(w http.ResponseWriter, r *http.Request, err error) {
	problem := api.ProblemOf(err)
	if wantsPage(r) {
		t.o.Pages.Refuse(w, r, problem)
		return
	}
	writeJSON(w, problem.Status(), map[string]api.Problem{"error": problem})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false) // programs and people read it, no page holds it
	if err := e.Encode(v); err != nil {
		status = http.StatusInternalServerError
		body.Reset()
		body.WriteString(`{"error":{"code":"internal","message":"the reply could not be written"}}` + "\n")
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client may be gone, which is its own affair
}

// Listen opens the address, for at most charm.MaxHTTPConnections at once.
func Listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, listenError(addr, err)
	}
	return newCrowd(l, charm.MaxHTTPConnections), nil
}
