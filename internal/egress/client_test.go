package egress

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"charmd/internal/charm"
)

func TestReply(t *testing.T) {
	t.Parallel()
	base, port := serveRaw(t, publicIP, func(c net.Conn) {
		readRequest(c)
		io.WriteString(c, "HTTP/1.1 299 Fine \xe9\r\nX-B: 2\r\nx-a: caf\xe9\r\nX-b: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
	})
	reply, entry := mustGet(t, clientFor(t, Options{}, port), base+"/p?q=1#f")
	if reply.Elapsed <= 0 || reply.Elapsed != entry.Elapsed {
		t.Errorf("elapsed %s and %s", reply.Elapsed, entry.Elapsed)
	}
	reply.Elapsed, entry.Elapsed = 0, 0
	want := Reply{
		Status: 299, StatusText: "Fine é", URL: base + "/p?q=1", Body: []byte("ok"),
		Headers: [][2]string{{"content-length", "2"}, {"x-a", "café"}, {"x-b", "2"}, {"x-b", "1"}},
	}
	if diff := cmp.Diff(want, reply); diff != "" {
		t.Errorf("reply (-want +got):\n%s", diff)
	}
	row := Entry{
		Method: "GET", URL: base + "/p?q=*", Host: hostPort(base), Address: hostPort(base),
		Status: 299, Verdict: VerdictSent, BytesIn: 2,
	}
	if diff := cmp.Diff(row, entry); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
}

func TestRequestAsSent(t *testing.T) {
	t.Parallel()
	got := make(chan http.Header, 1)
	base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		h := r.Header.Clone()
		h.Set("Method", r.Method)
		h.Set("Host", r.Host)
		h.Set("Length", r.Header.Get("Content-Length"))
		got <- h
	})
	client := clientFor(t, Options{}, port)
	_, _, err := client.Do(t.Context(), Policy{}, Request{Method: "patch", URL: base, Body: []byte("abc"), Headers: [][2]string{
		{"x-two", "1"}, {"X-Two", "2"}, {"host", "internal.test"}, {"connection", "upgrade"}, {"upgrade", "websocket"},
		{"content-length", "0"}, {"transfer-encoding", "chunked"}, {"te", "trailers"}, {"proxy-authorization", "x"}, {"expect", "100-continue"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := http.Header{
		"X-Two": {"1", "2"}, "User-Agent": {"charmd"}, "Accept-Encoding": {"gzip"},
		"Content-Length": {"3"}, "Length": {"3"}, "Host": {hostPort(base)}, "Method": {"patch"},
	}
	if diff := cmp.Diff(want, <-got); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.UserAgent()) })
	client := clientFor(t, Options{UserAgent: "charmd/1"}, port)
	if reply, _ := mustGet(t, client, base); string(reply.Body) != "charmd/1" {
		t.Errorf("user agent %q", reply.Body)
	}
	reply, _, err := client.Do(t.Context(), Policy{}, Request{URL: base, Headers: [][2]string{{"user-agent", "mine"}}})
	if err != nil || string(reply.Body) != "mine" {
		t.Errorf("user agent %q, error %v", reply.Body, err)
	}
}

func TestGzipIsUnpacked(t *testing.T) {
	t.Parallel()
	base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, strings.Repeat("feed", 100))
		z.Close()
	})
	reply, entry := mustGet(t, clientFor(t, Options{}, port), base)
	if string(reply.Body) != strings.Repeat("feed", 100) || entry.BytesIn != 400 {
		t.Errorf("%d bytes, row %+v", len(reply.Body), entry)
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "99999999999")
	})
	reply, _, err := clientFor(t, Options{}, port).Do(t.Context(), Policy{}, Request{Method: "head", URL: base})
	if err != nil || reply.Status != 200 || len(reply.Body) != 0 {
		t.Errorf("%+v, %v", reply, err)
	}
}

func TestOwnOrigins(t *testing.T) {
	t.Parallel()
	outside, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		}
		io.WriteString(w, "outside")
	})
	local := func(_ context.Context, _ Policy, req Request) (Reply, bool) {
		switch _, path, _ := strings.Cut(strings.SplitN(req.URL, "/", 3)[2], "/"); path {
		case "api/integrations/x":
			return Reply{Status: 200, Body: []byte(req.Method + " " + string(req.Body))}, true
		case "api/again":
			return Reply{Status: 302, Headers: [][2]string{{"Location", "/api/integrations/x"}}}, true
		case "api/out":
			return Reply{Status: 302, Headers: [][2]string{{"location", outside}}}, true
		}
		return Reply{}, false
	}
	// 127.0.0.1 is opened by name as well: the origins come first all the same.
	client := clientFor(t, Options{
		Local: local, Origins: []string{"http://127.0.0.1:8000", "https://tools.test"},
		AllowHosts: []string{"127.0.0.1:8000", "localhost:8000"},
	}, port)
	for _, test := range []struct {
		url, body string
		want      Code
	}{
		{"http://127.0.0.1:8000/api/integrations/x", "POST b", ""},
		{"http://localhost:8000/api/integrations/x", "POST b", ""},
		{"http://[::1]:8000/api/integrations/x", "POST b", ""},
		{"http://LOCALHOST.:8000/api/integrations/x", "POST b", ""},
		{"https://tools.test/api/integrations/x", "POST b", ""},
		{"https://tools.test.:443/api/integrations/x", "POST b", ""},
		{"https://tools.test/api/again", "GET ", ""},
		{"https://tools.test/api/out", "outside", ""},
		{"https://tools.test/api/storage/memory", "", CodeBlocked},
		{"http://127.0.0.1:8000/", "", CodeBlocked},
		{"http://tools.test:8000/api/integrations/x", "", CodePort},
		{outside + "?to=https://tools.test/api/integrations/x", "", CodeBlocked},
		{outside + "?to=http://localhost:8000/api/integrations/x", "", CodeBlocked},
	} {
		t.Run(test.url, func(t *testing.T) {
			reply, entry, err := client.Do(t.Context(), Policy{}, Request{Method: "POST", URL: test.url, Body: []byte("b")})
			if test.want != "" {
				wantCode(t, err, entry, test.want)
				return
			}
			if err != nil || string(reply.Body) != test.body {
				t.Fatalf("reply %q, error %v; want %q", reply.Body, err, test.body)
			}
			if local := test.body != "outside"; local != (entry.Verdict == VerdictLocal) || local != (entry.Address == "") {
				t.Errorf("row %+v", entry)
			}
		})
	}
	silent := clientFor(t, Options{Origins: []string{"http://127.0.0.1:8000"}})
	_, entry, err := get(t, silent, "http://127.0.0.1:8000/api/integrations/x")
	wantCode(t, err, entry, CodeBlocked)
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{
		{AllowHosts: []string{"good.test", "*.bad.test"}},
		{Origins: []string{"bad.test:8000"}},
		{Origins: []string{"https://user@bad.test"}},
	} {
		_, err := New(o)
		e, ok := errors.AsType[*charm.Error](err)
		if !ok || e.Code != charm.CodeUsage || !strings.Contains(e.Message, "bad.test") || e.Hint == "" {
			t.Errorf("%+v: %#v", o, err)
		}
	}
}

func TestAllowHostEntries(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string]allowed{
		"nas.lan":                   {"nas.lan", 0},
		" NAS.lan. ":                {"nas.lan", 0},
		"nas.lan:8080":              {"nas.lan", 8080},
		"bücher.example":            {"xn--bcher-kva.example", 0},
		"under_score.lan":           {"under_score.lan", 0},
		"192.168.1.9":               {"192.168.1.9", 0},
		"192.168.1.9:1":             {"192.168.1.9", 1},
		"::1":                       {"::1", 0},
		"[::1]":                     {"::1", 0},
		"[0:0:0:0:0:0:0:1]:65535":   {"::1", 65535},
		"[::ffff:192.168.1.9]:8080": {"192.168.1.9", 8080},
		"localhost:3000":            {"localhost", 3000},
	} {
		got, err := parseAllowed(entry)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", entry, got, err, want)
		}
	}
	for _, entry := range []string{
		"", " ", "*", "*.lan", "a b", "nas.lan:", "nas.lan:0", "nas.lan:65536", "nas.lan:http", "nas.lan:-1", ":80",
		"http://nas.lan", "nas.lan/path", "10.0.0.0/8", "10.0.0", "0x7f.1", "[::1", "[::1]x", "[::1]:", "::1::", "user@nas.lan", "a..b", "a,b",
	} {
		if err := CheckAllowHost(entry); err == nil {
			t.Errorf("%q is accepted", entry)
		}
	}
}

// TestNothingSecretIsNamed: credentials and query values of an address appear in
// no message and no row, whatever fails.
func TestNothingSecretIsNamed(t *testing.T) {
	t.Parallel()
	base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/r" {
			http.Redirect(w, r, "http://s3cret:s3cret@127.0.0.1/?k=s3cret", http.StatusFound)
			return
		}
		panic(http.ErrAbortHandler)
	})
	client := clientFor(t, Options{Resolver: startNameServer(t, nil).resolver()}, port)
	for _, address := range []string{
		base + "/?token=s3cret&s3cret#s3cret", base + "/r?k=s3cret", "http://unknown.test/?k=s3cret",
		"http://user:s3cret@unknown.test/", "http://s3cret@[/", "http://user:s3cret@127.0.0.1:99999/?k=s3cret",
		"ftp://user:s3cret@unknown.test/?k=s3cret", "http://a b:s3cret@h/", "data:text/plain,s3cret", "http://h:22/?k=s3cret",
		"http://user:s3cret@h/?" + strings.Repeat("x", maxURLBytes), "mailto:s3cret", "http:s3cret", "http://%zz?k=s3cret",
		"http://h/\x00?k=s3cret", base + "/?s3cret;k=s3cret",
	} {
		_, entry, err := client.Do(t.Context(), Policy{}, Request{URL: address, Headers: [][2]string{{"authorization", "s3cret"}}})
		if err == nil {
			t.Errorf("%.60q: no error", address)
			continue
		}
		texts := append([]string{err.Error(), entry.Error, entry.URL, entry.Host}, entry.Via...)
		if i := slices.IndexFunc(texts, func(s string) bool { return strings.Contains(s, "s3cret") }); i >= 0 {
			t.Errorf("%.60q: %q", address, texts[i])
		}
		if len(entry.URL) > maxEntryURL+10 || len(err.Error()) > 1000 {
			t.Errorf("%.60q: a text of %d and %d bytes", address, len(entry.URL), len(err.Error()))
		}
	}
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{"http://127.0.0.1/", "https://[fe80::1%25lo]:1/x?a=b&c#d", "http://bücher.example", "http://u:p@h/", "//h", "http://0x7f.1", "data:x"} {
		f.Add(s, "../x?y")
	}
	f.Fuzz(func(t *testing.T, raw, location string) {
		redactURL(raw)
		hostOf(raw)
		check := func(got target, err *Error) {
			if err != nil {
				if err.Message == "" || strings.ContainsAny(err.Message, "\r\n") {
					t.Errorf("message %q", err.Message)
				}
				return
			}
			again, err := parseTarget(got.url.String())
			if err != nil {
				t.Fatalf("%q is accepted, %q is not: %v", raw, got.url, err)
			}
			if again.host != got.host || again.port != got.port {
				t.Errorf("%q is read as %s:%d, then as %s:%d", raw, got.host, got.port, again.host, again.port)
			}
			if !isASCII(got.host) || got.url.User != nil || got.port == 0 {
				t.Errorf("%q: %+v", raw, got)
			}
			if looksNumeric(got.host) && net.ParseIP(got.host) == nil {
				t.Errorf("%q: host %q is no usual address", raw, got.host)
			}
		}
		base, err := parseTarget(raw)
		check(base, err)
		if err == nil {
			check(base.resolve(location))
		}
	})
}

func FuzzAllowHost(f *testing.F) {
	for _, s := range []string{"nas.lan:80", "[::1]:80", "1.2.3.4", "a:b:c", "[", "]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		a, err := parseAllowed(entry)
		if err != nil {
			return
		}
		if again, err := parseAllowed(a.host); err != nil || again.host != a.host {
			t.Errorf("%q is read as %q, then as %q, %v", entry, a.host, again.host, err)
		}
	})
}
