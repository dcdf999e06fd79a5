package service_test

import (
	"bytes"
	"compress/gzip"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
)

// serveGarbage answers every connection with something that is not HTTP.
func serveGarbage(t *testing.T) (url, host string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				_, _ = c.Read(make([]byte, 4096)) // the request, so that the answer is not taken for one before it
				_, _ = c.Write([]byte("\x00\x01 hello, this is no web server\r\n\r\n"))
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return "http://" + l.Addr().String(), l.Addr().String()
}

// bomb is 64 MiB of blanks, compressed.
func bomb(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	blank := bytes.Repeat([]byte(" "), 1<<20)
	for range 64 {
		if _, err := z.Write(blank); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pour writes until the other side has had enough, or want bytes are sent.
func pour(w http.ResponseWriter, want int) {
	block := bytes.Repeat([]byte("<x/>"), 64<<10)
	for sent := 0; sent < want; sent += len(block) {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// Whatever a feed's server does, the run that asks it ends soon with an outcome
// that says whose fault it was, and nothing else is held up.
func TestFault12_FeedServersThatMisbehave(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "charmd.conf")
	if err := os.WriteFile(config, []byte("CHARMD_EGRESS_TIMEOUT=5s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := startDaemon(t, t.TempDir(), "--config", config, "--max-concurrent", "2")
	good, goodHost := serve(t, (&source{}).ServeHTTP)
	bystander := d.addFeed("beside", "good", good, goodHost, every(time.Second))
	packed := bomb(t)

	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		outcome charm.Outcome
		code    charm.ErrorCode
		message string
	}{
		{"slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			charm.Errored, charm.CodeEgressLimit, "5s"},
		{"drips", func(w http.ResponseWriter, r *http.Request) {
			drops := time.NewTicker(50 * time.Millisecond)
			defer drops.Stop()
			for {
				select {
				case <-r.Context().Done():
					return
				case <-drops.C:
					_, _ = w.Write([]byte(" "))
					_ = http.NewResponseController(w).Flush()
				}
			}
		}, charm.Errored, charm.CodeEgressLimit, "longer than 5s in all"},
		{"endless", func(w http.ResponseWriter, _ *http.Request) { pour(w, 1<<40) },
			charm.Errored, charm.CodeEgressLimit, "larger than 16777216 bytes"},
		{"large", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "52428800")
			pour(w, 50<<20)
		}, charm.Errored, charm.CodeEgressLimit, "larger than 16777216 bytes"},
		{"bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed)
		}, charm.Errored, charm.CodeEgressLimit, "larger than 16777216 bytes"},
		{"circle", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) },
			charm.Errored, charm.CodeEgressLimit, "more than 5 redirects"},
		{"metadata", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		}, charm.Errored, charm.CodeThrown, "169.254.169.254: refused: 169.254.169.254 is not a public address"},
		{"headers", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 128<<10))
		}, charm.Errored, charm.CodeEgressLimit, "headers are larger than 65536 bytes"},
		{"busy", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
		}, charm.Remote, charm.CodeThrown, "answered 429"},
		{"broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
			charm.Remote, charm.CodeThrown, "answered 500"},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			charm.Remote, charm.CodeThrown, "the exchange failed"},
		{"garbage", nil, charm.Remote, charm.CodeThrown, "the exchange failed"},
		{"down", nil, charm.Remote, charm.CodeThrown, "cannot connect"},
		{"no name", nil, charm.Remote, charm.CodeThrown, "no-such-host.invalid: "},
	} {
		name := strings.ReplaceAll(c.name, " ", "-")
		url, host := "http://no-such-host.invalid", "no-such-host.invalid"
		switch {
		case c.handler != nil:
			url, host = serve(t, c.handler)
		case c.name == "garbage":
			url, host = serveGarbage(t)
		case c.name == "down":
			host = reserve(t)
			url = "http://" + host
		}
		r := d.run(d.addFeed("feeds", name, url, host, notRegistered))
		if r.Outcome != c.outcome || r.Code != c.code || !strings.Contains(r.Error, c.message) {
			t.Errorf("%s: ended as %s (%s): %s", c.name, r.Outcome, r.Code, r.Error)
		}
		if !strings.Contains(r.Position, ".tsx:") {
			t.Errorf("%s: the position is %q", c.name, r.Position)
		}
	}
	d.runOK(bystander)
	if c := d.show(bystander); c.State.TotalFailures != 0 {
		t.Errorf("the charm beside them stands as %+v", c.State)
	}
	d.await(bystander, "every worker is free", 30*time.Second, func(api.Charm) bool {
		status, err := d.Client.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range status.Workers {
			if w.Task != "" {
				return false
			}
		}
		return len(status.Workers) >= 2
	})
}
