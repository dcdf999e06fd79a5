package service

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"charmd/internal/config"
	"charmd/internal/egress"
	"charmd/internal/observe"
	"charmd/internal/process"
)

// serveForAWhile answers on an address that nobody gets when it is closed.
func serveForAWhile(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	address, release, err := process.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	s := httptest.NewUnstartedServer(h)
	_ = s.Listener.Close()
	if s.Listener, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// takeAll is what a server has said so far of the requests that it has answered.
func takeAll(said <-chan string) (list []string) {
	for len(said) > 0 {
		list = append(list, <-said)
	}
	return list
}

// A charm gets the language model's answer, and learns nothing of the service that
// gives it, which may be one of the private network.
func TestWhatACharmLearnsOfTheModel(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	model := serveForAWhile(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked <- r.Method + " " + string(body) + r.Header.Get("Authorization")
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Server", "private.internal")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short")
	}))
	client, err := egress.New(egress.Options{Consent: egress.ConsentAsk})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	var log strings.Builder
	s := &Service{config: config.Config{LLMURL: model.URL + "/ask"}, egress: client, unanswered: observe.NewSeldom(slog.New(slog.NewTextHandler(&log, nil)))}
	me := egress.Policy{Space: "did:key:z6MkMe", Charm: "baedreime"}
	ask := func(method string) egress.Reply {
		t.Helper()
		reply, ok := s.local(t.Context(), me, egress.Request{
			Method: method, URL: "http://127.0.0.1:8000/api/ai/llm", Body: []byte("q"), Headers: [][2]string{{"authorization", "x"}},
		})
		if !ok || reply.URL != "http://127.0.0.1:8000/api/ai/llm" {
			t.Errorf("%v, %+v", ok, reply)
		}
		return reply
	}
	reply := ask("POST")
	if reply.Status != http.StatusTeapot || string(reply.Body) != "short" || len(reply.Headers) != 1 || reply.Headers[0] != [2]string{"content-type", "text/plain"} {
		t.Errorf("the answer is %+v", reply)
	}
	for _, method := range []string{"GET", "PUT", "DELETE", "OPTIONS"} {
		if reply := ask(method); reply.Status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %+v", method, reply)
		}
	}
	if got := takeAll(asked); !slices.Equal(got, []string{"POST q"}) {
		t.Errorf("the model was asked %q", got)
	}
	model.Close()
	for range 4 {
		reply = ask("POST")
	}
	if at := strings.TrimPrefix(model.URL, "http://"); reply.Status != http.StatusBadGateway || string(reply.Body) != "the language model could not be asked; charmd's log says why" ||
		strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), at) {
		t.Errorf("when it is gone the answer is %+v; the log says %s", reply, log.String())
	}
}

// Of what charms ask another toolshed by its own address, what only it can answer is
// passed on, without more of the request or the answer than that takes.
func TestWhatIsPassedOnToAToolshed(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	there := serveForAWhile(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.URL.RequestURI() + " " + r.Header.Get("Accept") + r.Header.Get("Authorization") + r.Header.Get("Cookie")
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("Location", "http://127.0.0.1:1/")
		w.Header().Set("Content-Type", "image/png")
		w.WriteHeader(http.StatusFound)
	}))
	client, err := egress.New(egress.Options{Origins: []string{there.URL}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	var log strings.Builder
	s := &Service{egress: client, beside: beside{toolshed: there.URL}, unanswered: observe.NewSeldom(slog.New(slog.NewTextHandler(&log, nil)))}
	ask := func(path string) (egress.Reply, bool) {
		return s.local(t.Context(), egress.Policy{Space: "did:key:z6MkMe", Charm: "baedreime"}, egress.Request{
			Method: "GET", URL: there.URL + path, Headers: [][2]string{{"Accept", "image/*"}, {"authorization", "x"}, {"cookie", "y"}},
		})
	}
	for _, path := range []string{"/api/ai/img?prompt=a%20b", "/api/ai/webreader/https%3A%2F%2Fexample.org%2Fa%2520b%25", "/api/ai/llm"} {
		reply, ok := ask(path)
		if got := takeAll(asked); !ok || reply.Status != http.StatusFound || reply.URL != there.URL+path || len(reply.Headers) != 1 || !slices.Equal(got, []string{"GET " + path + " image/*"}) {
			t.Errorf("%s: %v, %+v; asked was %q", path, ok, reply, got)
		}
	}
	for _, path := range []string{
		"/api/ai/../v1/status", "/api/ai/%2e%2e/v1/status", "/api/ai/%2e%2e%2fv1/status", "/api/ai/..%5cv1/status", "/api/ai/..;/v1/status", "/api/ai/./x",
		"/api/ai/%252e%252e/v1/status", "/api/ai/x%252f%25252e%25252e/v1/status", // of which some server unescapes twice
		"/api/ai", "/api/aix/", "/api/v1/status", "/api/storage/memory", "/",
	} {
		if reply, ok := ask(path); ok || len(asked) > 0 {
			t.Errorf("%s: %+v; asked was %q", path, reply, takeAll(asked))
		}
	}
	there.Close()
	if reply, ok := ask("/api/ai/img"); !ok || reply.Status != http.StatusBadGateway || strings.Contains(string(reply.Body), "127.0.0.1") || !strings.Contains(log.String(), "/api/ai/img") {
		t.Errorf("when it is gone: %v, %+v; the log says %s", ok, reply, log.String())
	}
}
