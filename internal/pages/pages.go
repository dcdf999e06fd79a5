// Package pages is what people see of charmd in a browser. It exists so that every
// page has one frame, one style and one rule: HTML is made here by templates that
// escape, nothing comes from anywhere but this service, and no page holds a script
// or a style of its own.
package pages

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"regexp"
	"strings"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/manager"
	"charmd/internal/signin"
	"charmd/internal/store"
)

// Options are the parts the pages are made from.
type Options struct {
	Manager    *manager.Manager
	Service    Service
	Store      store.Store
	SignIns    *signin.SignIns
	AdminCharm func(context.Context) (api.Added, error) // adds it, or finds it there
	Disk       func() Disk
	Alone      bool // no charms run here
	Logger     *slog.Logger
}

// Service is what the pages ask of the service beyond its charms.
type Service interface {
	Summary(context.Context) api.Status
	Why(ctx context.Context, space, charm string) (api.Why, error)
	WhyService(context.Context) api.Why
	Hosts(context.Context) ([]api.Host, error)
	ResetHost(ctx context.Context, name string) error
	Contacts(context.Context) ([]api.Contact, error)
	AllowContact(ctx context.Context, space, charm, host string) error
	Connections(context.Context) []api.Connection
}

// Pages answers browsers.
type Pages struct {
	o Options
}

// New makes the pages.
func New(o Options) *Pages { return &Pages{o: o} }

// Page is what stands in the frame.
type Page struct {
	Title   string
	Body    template.HTML
	Scripts []string     // assets, besides page.js, by their plain names
	Styles  []string     // likewise, besides style.css
	Problem *api.Problem // told above the body
	Next    string       // an address that the browser goes on to by itself
	Out     bool         // for somebody who is not signed in
}

// Here reports whether the page is the one the navigation names.
func (p Page) Here(title string) bool { return p.Title == title }

// Asset is the address of an asset.
func (Page) Asset(name string) string { return Asset(name) }

// Routes adds the pages to a mux.
func (p *Pages) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+assetsPath+"{name}", serveAsset)
	mux.HandleFunc("GET /{$}", p.home)
	mux.HandleFunc("POST /{$}", p.addCharm)
	mux.HandleFunc("GET "+inspectPath, p.inspect)
	mux.HandleFunc("POST "+inspectPath, p.changeCharm)
	mux.HandleFunc("GET /service", p.service)
	mux.HandleFunc("POST /service", p.changeService)
}

// policy is what a page of ours at host may do: take its parts from here, scripts from
// our assets alone since the blobs that clients keep are here too, and speak to here.
func policy(host string) string {
	scripts := "'self'" // an IPv6 address cannot be named in a policy
	if nameable.MatchString(host) {
		scripts = host + assetsPath
	}
	return "default-src 'none'; script-src " + scripts + "; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// nameable are the hosts, with or without a port, that a policy can name.
var nameable = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]+)?$`)

// Write answers with a page.
func (p *Pages) Write(w http.ResponseWriter, r *http.Request, status int, page Page) {
	var text bytes.Buffer
	if err := layout().ExecuteTemplate(&text, "layout", page); err != nil {
		panic(err) // it is made of what every page has
	}
	w.Header().Set("Content-Security-Policy", policy(r.Host))
	send(w, r, status, "text/html; charset=utf-8", text.Bytes())
}

// body is a template's HTML.
func (p *Pages) body(name string, data any) (template.HTML, error) {
	var text bytes.Buffer
	err := layout().ExecuteTemplate(&text, name, data)
	return template.HTML(text.String()), err
}

// show answers with the page that a template makes of data.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, status int, page Page, name string, data any) {
	body, err := p.body(name, data)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	page.Body = body
	p.Write(w, r, status, page)
}

// SignedIn answers a browser that was just let in.
func (p *Pages) SignedIn(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusOK, Page{Title: "Signed in", Next: "/", Out: true}, "signed-in", nil)
}

// Answered tells a browser that a provider sent back here what came of its answer, and
// has it tell the page that opened it.
func (p *Pages) Answered(w http.ResponseWriter, r *http.Request, status int, answer api.AccountAnswer) {
	result, err := json.Marshal(answer)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	title, account := "Not connected", ""
	if answer.Success {
		title, account = "Connected", answer.Details.UserInfo.Email
	}
	// It comes from the provider's site, and speaks to the page that opened it.
	w.Header().Set("Cross-Origin-Opener-Policy", "unsafe-none")
	w.Header().Set("Referrer-Policy", "no-referrer")
	p.show(w, r, status, Page{Title: title, Scripts: []string{"answer.js"}, Out: true}, "answer", struct {
		api.AccountAnswer
		Account, Result string
	}{answer, account, string(result)})
}

// Refuse answers a browser with an error: who is not signed in learns how to.
func (p *Pages) Refuse(w http.ResponseWriter, r *http.Request, problem api.Problem) {
	status := problem.Status()
	if status != http.StatusUnauthorized {
		p.Write(w, r, status, Page{Title: http.StatusText(status), Problem: &problem})
		return
	}
	page := Page{Title: "Sign in", Out: true}
	if r.URL.Query().Has("link") {
		page.Problem = &problem // of the link that was followed
	}
	p.show(w, r, status, page, "sign-in", nil)
}

// fail answers with an error; what is not meant for users goes to the log alone.
func (p *Pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	if charm.CodeOf(err) == charm.CodeInternal && r.Context().Err() == nil {
		p.o.Logger.Error("a page could not be made", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	p.Refuse(w, r, api.ProblemOf(err))
}

// send answers with a text, compressed for who takes that, and with 304 for who has
// it already.
func send(w http.ResponseWriter, r *http.Request, status int, kind string, text []byte) {
	sum := sha256.Sum256(text)
	tag := fmt.Sprintf("%q", base64.RawURLEncoding.EncodeToString(sum[:12]))
	h := w.Header()
	h.Set("Etag", tag)
	h.Set("Content-Type", kind)
	h.Set("Vary", "Accept-Encoding")
	if status == http.StatusOK && r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		text = compress(text, gzip.BestSpeed)
	}
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client may be gone, which is its own affair
}

func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(name, "gzip") {
			return strings.ReplaceAll(weight, " ", "") != "q=0"
		}
	}
	return false
}

func compress(text []byte, level int) []byte {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, level)
	if err == nil {
		_, err = z.Write(text)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(err) // a buffer takes everything, and the levels are known
	}
	return out.Bytes()
}
