package toolshed

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

func TestMetricsNeedTheToken(t *testing.T) {
	t.Parallel()
	s := New(Options{
		Pages: plain{}, Service: idle{}, Token: "right", Logger: slog.New(slog.DiscardHandler),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "up 1\n") }),
	})
	for _, tt := range []struct {
		method, header string
		want           int
	}{
		{"GET", "Bearer right", 200}, {"GET", "Bearer wrong", 401}, {"GET", "", 401}, {"POST", "Bearer right", 404},
	} {
		if w := ask(s, tt.method, "/metrics", "127.0.0.1", "Authorization", tt.header); w.Code != tt.want {
			t.Errorf("%s as %q: %d, want %d", tt.method, tt.header, w.Code, tt.want)
		}
	}
}

func TestWhatWasServedIsTold(t *testing.T) {
	t.Parallel()
	type served struct {
		route  string
		status int
	}
	var told []served
	s := New(Options{
		Pages: plain{}, Service: idle{[]string{"no"}}, Token: "right", Logger: slog.New(slog.DiscardHandler),
		Served: func(route string, status int, took time.Duration) {
			if took <= 0 {
				t.Errorf("%s took %v", route, took)
			}
			told = append(told, served{route, status})
		},
	})
	ask(s, "GET", "/healthz", "127.0.0.1")
	ask(s, "GET", "/readyz", "127.0.0.1")
	ask(s, "GET", "/api/v1/status", "127.0.0.1")
	ask(s, "GET", "/healthz", "evil.example.org")
	ask(s, "PUT", "/no/such/thing/at/all", "127.0.0.1", "Authorization", "Bearer right")
	want := []served{{"GET /healthz", 200}, {"GET /readyz", 503}, {"", 401}, {"", 403}, {"/", 404}}
	if !slices.Equal(told, want) {
		t.Errorf("told of %v, want %v", told, want)
	}
}

// TestAnAnswerCanBeFlushed is for what is streamed.
func TestAnAnswerCanBeFlushed(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	if err := http.NewResponseController(&answer{ResponseWriter: w}).Flush(); err != nil || !w.Flushed {
		t.Errorf("%v, flushed: %v", err, w.Flushed)
	}
}
