package toolshed

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"charmd/internal/api"
)

// idle is a service that has nothing to say but whether it is ready.
type idle struct{ reasons []string }

func (idle) Summary(context.Context) api.Status                   { return api.Status{Version: "test"} }
func (s idle) NotReady() []string                                 { return s.reasons }
func (idle) Why(context.Context, string, string) (api.Why, error) { return api.Why{}, nil }
func (idle) WhyService(context.Context) api.Why                   { return api.Why{} }
func (idle) Doctor(context.Context) api.Diagnosis                 { return api.Diagnosis{} }

func (idle) Contacts(context.Context) ([]api.Contact, error)            { return nil, nil }
func (idle) AllowContact(context.Context, string, string, string) error { return nil }
func (idle) Hosts(context.Context) ([]api.Host, error)                  { return nil, nil }
func (idle) ResetHost(context.Context, string) error                    { return nil }

// memory stands in for the memory server.
func memory(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	}
}

// plain are pages that say which one they are.
type plain struct{}

func (plain) Routes(*http.ServeMux) {}

func (plain) SignedIn(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "signed in") }

func (plain) Charm(w http.ResponseWriter, _ *http.Request, space, charm string) {
	_, _ = io.WriteString(w, "the page of "+space+"/"+charm)
}

func (plain) Answered(w http.ResponseWriter, _ *http.Request, status int, _ api.AccountAnswer) {
	w.WriteHeader(status)
}

func (plain) Refuse(w http.ResponseWriter, _ *http.Request, problem api.Problem) {
	w.WriteHeader(problem.Status())
	_, _ = io.WriteString(w, "a page: "+problem.Message)
}

func newToolshed(s Service) *Toolshed {
	return New(Options{
		Pages: plain{}, Service: s, Operator: "did:key:zOperator", Token: "right", Hosts: []string{"charmd.example.org"}, Memory: http.HandlerFunc(memory),
		Logger: slog.New(slog.DiscardHandler),
	})
}

func ask(t *Toolshed, method, path, host string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader("{}"))
	r.Host = host
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	t.ServeHTTP(w, r)
	return w
}

func TestWhoIsLetIn(t *testing.T) {
	t.Parallel()
	const bearer = "Bearer right"
	cases := []struct {
		name, method, path, host string
		headers                  []string
		want                     int
	}{
		{"with the token", "GET", "/api/v1/status", "127.0.0.1:8000", []string{"Authorization", bearer}, 200},
		{"as localhost", "GET", "/api/v1/status", "localhost:8000", []string{"Authorization", bearer}, 200},
		{"over IPv6", "GET", "/api/v1/status", "[::1]:8000", []string{"Authorization", bearer}, 200},
		{"under a configured name", "GET", "/api/v1/status", "charmd.example.org", []string{"Authorization", bearer}, 200},
		{"the memory, which is asked with signatures", "PATCH", "/api/storage/memory", "127.0.0.1:8000", nil, 200},
		{"the memory under a strange name", "GET", "/api/storage/memory", "evil.example.com", nil, 403},
		{"the memory from another site's page", "GET", "/api/storage/memory", "127.0.0.1:8000", []string{"Origin", "https://evil.example.com"}, 403},
		{"the memory from a page of ours", "GET", "/api/storage/memory", "127.0.0.1:8000", []string{"Origin", "http://127.0.0.1:8000"}, 200},
		{"what is beside the memory", "GET", "/api/storage/memory/x", "127.0.0.1:8000", nil, 401},
		{"no token", "GET", "/api/v1/status", "127.0.0.1:8000", nil, 401},
		{"a wrong token", "GET", "/api/v1/status", "127.0.0.1:8000", []string{"Authorization", "Bearer wrong"}, 401},
		{"another scheme", "GET", "/api/v1/status", "127.0.0.1:8000", []string{"Authorization", "Basic right"}, 401},
		{"no token, no such route", "GET", "/nothing/like/this", "127.0.0.1:8000", nil, 401},
		{"no such route", "GET", "/nothing/like/this", "127.0.0.1:8000", []string{"Authorization", bearer}, 404},
		{"registering without a token", "POST", "/api/integrations/bg", "127.0.0.1:8000", nil, 401},
		{"a rebound name", "GET", "/api/v1/status", "evil.example:8000", []string{"Authorization", bearer}, 403},
		{"a rebound name, open route", "GET", "/healthz", "evil.example", nil, 403},
		{"a name that begins like ours", "GET", "/healthz", "localhost.evil.example", nil, 403},
		{"an address that is not loopback", "GET", "/healthz", "192.0.2.1:8000", nil, 403},
		{"no host", "GET", "/healthz", "", nil, 403},
		{"another site's page", "POST", "/api/v1/maintenance/cleanup", "127.0.0.1:8000", []string{"Authorization", bearer, "Origin", "https://evil.example"}, 403},
		{"another port's page", "POST", "/api/v1/maintenance/cleanup", "127.0.0.1:8000", []string{"Authorization", bearer, "Origin", "http://127.0.0.1:9999"}, 403},
		{"a page without an origin", "GET", "/healthz", "127.0.0.1:8000", []string{"Origin", "null"}, 403},
		{"our own page", "GET", "/healthz", "127.0.0.1:8000", []string{"Origin", "http://127.0.0.1:8000"}, 200},
		{"health is open", "GET", "/healthz", "127.0.0.1:8000", nil, 200},
		{"readiness is open", "GET", "/readyz", "127.0.0.1:8000", nil, 200},
		{"the operator's name is open", "GET", "/api/meta", "127.0.0.1:8000", nil, 200},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := ask(newToolshed(idle{}), c.method, c.path, c.host, c.headers...)
			if w.Code != c.want {
				t.Errorf("got %d, want %d: %s", w.Code, c.want, w.Body)
			}
			if w.Code >= 400 && !strings.Contains(w.Body.String(), `"error":{"code":`) {
				t.Errorf("the refusal is %s", w.Body)
			}
		})
	}
}

func TestReadyzGivesReasons(t *testing.T) {
	t.Parallel()
	w := ask(newToolshed(idle{[]string{"the disk is full"}}), "GET", "/readyz", "127.0.0.1")
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "the disk is full") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestLargeBodiesAreRefused(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", "/api/v1/charms", strings.NewReader(strings.Repeat(" ", maxBody+1)))
	r.Host = "localhost"
	r.Header.Set("Authorization", "Bearer right")
	w := httptest.NewRecorder()
	newToolshed(idle{}).ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestListenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Listen(l.Addr().String()); err == nil || !strings.Contains(err.Error(), "is taken by another program") {
		t.Errorf("a taken address gave %v", err)
	}
	if _, err := Listen("nonsense"); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("nonsense gave %v", err)
	}
}
