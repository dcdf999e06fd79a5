package toolshed

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
)

// broken is a service whose parts fail in ways that nobody thought of.
type broken struct{ idle }

func (broken) Doctor(context.Context) api.Diagnosis { panic("secret sesame") }
func (broken) WhyService(context.Context) api.Why   { panic(errors.New("secret sesame")) }

// Row 25 of the faults: what goes wrong inside is told to the log alone, and the next
// request is answered.
func TestFault25_NothingInsideIsToldOutside(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	shed := newToolshed(broken{})
	shed.o.Logger = slog.New(slog.NewJSONHandler(&log, nil))
	for _, path := range []string{"/api/v1/doctor", "/api/v1/why"} {
		w := ask(shed, "GET", path, "127.0.0.1", "Authorization", "Bearer right")
		if w.Code != http.StatusInternalServerError || w.Body.String() != `{"error":{"code":"internal","message":"something went wrong inside; the service's log says what"}}`+"\n" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 2 || !strings.Contains(log.String(), "secret sesame") || !strings.Contains(log.String(), "surface_test.go") {
		t.Errorf("the log has %d lines:\n%s", n, &log)
	}
	if w := ask(shed, "GET", "/api/v1/status", "127.0.0.1", "Authorization", "Bearer right"); w.Code != http.StatusOK {
		t.Errorf("then: %d", w.Code)
	}
}

// Row 25 again: what comes in a request stays within one line of the log, and
// escaped in the answer.
func TestFault25_RequestsForgeNoLines(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	shed := newToolshed(idle{})
	shed.o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	const evil = "/x\ntime=2026 level=INFO msg=forged\x1b[2J<script>"
	r := httptest.NewRequest("GET", "/y", nil)
	r.URL.Path, r.Host = evil, "127.0.0.1"
	r.Header.Set("Authorization", "Bearer right")
	w := httptest.NewRecorder()
	shed.ServeHTTP(w, r)
	if body := w.Body.String(); w.Code != http.StatusNotFound || strings.ContainsAny(body[:len(body)-1], "\n\x1b") ||
		!strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %q %v", w.Code, body, w.Header())
	}
	shed.fail(w, r, errors.New("broken"+evil))
	if n := strings.Count(log.String(), "\n"); n != 1 || strings.Contains(log.String(), "\x1b") {
		t.Errorf("the log has %d lines: %q", n, &log)
	}
}

// A client that asks and does not take the answer is let go; so is one that does
// not get on with asking.
func TestSlowClientsAreLetGo(t *testing.T) {
	t.Parallel()
	shed := newToolshed(idle{})
	shed.writeWithin = time.Second
	large := bytes.Repeat([]byte("x"), 1<<20)
	ended := make(chan error, 1)
	shed.mux.HandleFunc("GET /large", func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(large); err != nil {
				ended <- err
				return
			}
		}
	})
	server := shed.Server(nil)
	server.ReadHeaderTimeout = time.Second
	listener, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener)
	t.Cleanup(func() { _ = server.Close() })
	dial := func(text string) net.Conn {
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		return c
	}
	dial("GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer right\r\n\r\n")
	if err := <-ended; err == nil {
		t.Error("it was written to for ever")
	}
	half := dial("GET /healthz HTTP/1.1\r\nHost: 127.0")
	if _, err := io.Copy(io.Discard, half); err != nil {
		t.Errorf("half a request ended with %v", err)
	}
	huge := dial("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + strings.Repeat("x", 80<<10))
	answer, err := http.ReadResponse(bufio.NewReader(huge), nil)
	if err != nil || answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("huge headers: %v %v", answer, err)
	}
	whole := dial("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	if answer, err := http.ReadResponse(bufio.NewReader(whole), nil); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("then: %v %v", answer, err)
	}
}

// A name that was configured is one whatever its case and port.
func TestConfiguredNames(t *testing.T) {
	t.Parallel()
	shed := New(Options{Pages: plain{}, Service: idle{}, Hosts: []string{"Charmd.Example.ORG:443"}, Logger: slog.New(slog.DiscardHandler)})
	for host, want := range map[string]int{"charmd.example.org": 200, "CHARMD.example.org:8443": 200, "example.org": 403, "x.charmd.example.org": 403} {
		if w := ask(shed, "GET", "/healthz", host); w.Code != want {
			t.Error(fmt.Sprint(host, ": ", w.Code))
		}
	}
}
