package service

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"charmd/internal/config"
	"charmd/internal/egress"
	"charmd/internal/observe"
)

// A charm gets the language model's answer, and learns nothing of the service that
// gives it, which may be one of the private network.
func TestWhatACharmLearnsOfTheModel(t *testing.T) {
	t.Parallel()
	var asked []string
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.Method+" "+string(body)+r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Server", "private.internal")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short")
	}))
	t.Cleanup(model.Close)
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
	if len(asked) != 1 || asked[0] != "POST q" {
		t.Errorf("the model was asked %q", asked)
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
	var asked []string
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Accept")+r.Header.Get("Authorization")+r.Header.Get("Cookie"))
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("Location", "http://127.0.0.1:1/")
		w.Header().Set("Content-Type", "image/png")
		w.WriteHeader(http.StatusFound)
	}))
	t.Cleanup(there.Close)
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
		asked = nil
		reply, ok := ask(path)
		if !ok || reply.Status != http.StatusFound || reply.URL != there.URL+path || len(reply.Headers) != 1 || len(asked) != 1 || asked[0] != "GET "+path+" image/*" {
			t.Errorf("%s: %v, %+v; asked was %q", path, ok, reply, asked)
		}
	}
	asked = nil
	for _, path := range []string{
		"/api/ai/../v1/status", "/api/ai/%2e%2e/v1/status", "/api/ai/%2e%2e%2fv1/status", "/api/ai/..%5cv1/status", "/api/ai/..;/v1/status", "/api/ai/./x",
		"/api/ai/%252e%252e/v1/status", "/api/ai/x%252f%25252e%25252e/v1/status", // of which some server unescapes twice
		"/api/ai", "/api/aix/", "/api/v1/status", "/api/storage/memory", "/",
	} {
		if reply, ok := ask(path); ok || len(asked) > 0 {
			t.Errorf("%s: %+v; asked was %q", path, reply, asked)
		}
	}
	there.Close()
	if reply, ok := ask("/api/ai/img"); !ok || reply.Status != http.StatusBadGateway || strings.Contains(string(reply.Body), "127.0.0.1") || !strings.Contains(log.String(), "/api/ai/img") {
		t.Errorf("when it is gone: %v, %+v; the log says %s", ok, reply, log.String())
	}
}
