package egress

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func itoa(port uint16) string     { return strconv.Itoa(int(port)) }
func hostPort(base string) string { return strings.TrimPrefix(base, "http://") }

// seen is what a server was sent.
type seen struct{ Method, Body, Authorization, Cookie, ContentType, Key string }

func observe(r *http.Request) seen {
	body, _ := io.ReadAll(r.Body)
	return seen{r.Method, string(body), r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.Header.Get("Content-Type"), r.Header.Get("X-Key")}
}

func TestRedirectMethods(t *testing.T) {
	t.Parallel()
	last := make(chan seen, 1)
	base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		if status, err := strconv.Atoi(r.URL.Path[1:]); err == nil {
			w.Header().Set("Location", "/end")
			w.WriteHeader(status)
			return
		}
		last <- observe(r)
	})
	client := clientFor(t, Options{}, port)
	for _, test := range []struct {
		status       int
		method, want string
		body         bool // the body is sent again
	}{
		{301, "POST", "GET", false},
		{302, "POST", "GET", false},
		{303, "POST", "GET", false},
		{307, "POST", "POST", true},
		{308, "POST", "POST", true},
		{301, "PUT", "PUT", true},
		{302, "DELETE", "DELETE", true},
		{303, "PUT", "GET", false},
		{303, "HEAD", "HEAD", false},
		{301, "GET", "GET", false},
		{302, "HEAD", "HEAD", false},
		{308, "PATCH", "PATCH", true},
	} {
		t.Run(fmt.Sprint(test.status, test.method), func(t *testing.T) {
			req := Request{Method: test.method, URL: fmt.Sprint(base, "/", test.status), Headers: [][2]string{
				{"authorization", "Bearer x"}, {"content-type", "text/plain"}, {"x-key", "k"}}}
			if test.body {
				req.Body = []byte("text")
			}
			reply, entry, err := client.Do(t.Context(), Policy{}, req)
			if err != nil {
				t.Fatal(err)
			}
			want := seen{Method: test.want, Authorization: "Bearer x", Key: "k", ContentType: "text/plain"}
			if test.body {
				want.Body = "text"
			}
			if test.method != test.want {
				want.ContentType = ""
			}
			if diff := cmp.Diff(want, <-last); diff != "" {
				t.Errorf("the last hop was sent something else (-want +got):\n%s", diff)
			}
			if !reply.Redirected || reply.URL != base+"/end" || !slices.Equal(entry.Via, []string{hostPort(base)}) {
				t.Errorf("reply %+v, row %+v", reply, entry)
			}
		})
	}
}

func TestCredentialsStayWithTheirOrigin(t *testing.T) {
	t.Parallel()
	last := make(chan seen, 1)
	target, targetPort := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) { last <- observe(r) })
	base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target, http.StatusTemporaryRedirect)
	})
	client := clientFor(t, Options{}, port, targetPort)
	_, _, err := client.Do(t.Context(), Policy{}, Request{Method: "post", URL: base, Body: []byte("b"), Headers: [][2]string{
		{"Authorization", "Bearer x"}, {"Cookie", "s=1"}, {"X-Key", "k"}}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(seen{Method: "POST", Body: "b", Key: "k"}, <-last); diff != "" {
		t.Errorf("the other origin was sent (-want +got):\n%s", diff)
	}
}

func TestRedirectModes(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		w.Header().Set("Location", "/next")
		w.WriteHeader(http.StatusFound)
		io.WriteString(w, "moved")
	})
	client := clientFor(t, Options{}, port)

	reply, _, err := client.Do(t.Context(), Policy{}, Request{URL: base, Redirect: RedirectManual})
	if err != nil || reply.Status != 302 || string(reply.Body) != "moved" || reply.Redirected {
		t.Errorf("manual: %+v, %v", reply, err)
	}
	_, entry, err := client.Do(t.Context(), Policy{}, Request{URL: base, Redirect: RedirectError})
	wantCode(t, err, entry, CodeRedirects)
	if hits.Load() != 2 {
		t.Errorf("%d requests, want 2", hits.Load())
	}
	_, entry, err = client.Do(t.Context(), Policy{}, Request{URL: base, Redirect: "sometimes"})
	wantCode(t, err, entry, CodeProtocol)
}

func TestFault11_EndlessRedirects(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		http.Redirect(w, r, fmt.Sprint("/", hits.Load()), http.StatusFound)
	})
	_, entry, err := get(t, clientFor(t, Options{}, port), base)
	wantCode(t, err, entry, CodeRedirects)
	if hits.Load() != 6 || len(entry.Via) != 5 || entry.Status != 302 {
		t.Errorf("%d requests, row %+v; want the first and 5 redirects", hits.Load(), entry)
	}
	hits.Store(0)
	_, entry, err = get(t, clientFor(t, Options{Limits: Limits{Redirects: -1}}, port), base)
	wantCode(t, err, entry, CodeRedirects)
	if hits.Load() != 1 {
		t.Errorf("%d requests with no redirect allowed", hits.Load())
	}
}

func TestReplyWithoutLocationIsFinal(t *testing.T) {
	t.Parallel()
	base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/300":
			w.Header().Set("Location", "/other")
			w.WriteHeader(http.StatusMultipleChoices)
		case "/302":
			w.WriteHeader(http.StatusFound)
		case "/304":
			w.WriteHeader(http.StatusNotModified)
		}
	})
	client := clientFor(t, Options{}, port)
	for _, status := range []int{300, 302, 304} {
		reply, _ := mustGet(t, client, fmt.Sprint(base, "/", status))
		if reply.Status != status || reply.Redirected {
			t.Errorf("%d: %+v", status, reply)
		}
	}
}

// TestFault10_RedirectsToPrivate redirects to a forbidden place at each hop.
func TestFault10_RedirectsToPrivate(t *testing.T) {
	t.Parallel()
	var reached atomic.Bool
	private, privatePort := serve(t, privateIP, func(w http.ResponseWriter, r *http.Request) { reached.Store(true) })
	for _, target := range []struct {
		where string
		want  Code
	}{
		{private, CodeBlocked},
		{"//" + hostPort(private) + "/x", CodeBlocked},
		{"http://[::ffff:7f00:1]:" + itoa(privatePort), CodeBlocked},
		{"http://2130706433:" + itoa(privatePort), CodeBlocked},
		{"http://localhost:" + itoa(privatePort), CodeBlocked},
		{"http://169.254.169.254/latest/meta-data", CodeBlocked},
		{"http://user:pass@127.0.0.2/", CodeBlocked},
		{"http://127.0.0.1:22/", CodePort},
		{"file:///etc/passwd", CodeScheme},
		{"gopher://127.0.0.1:25/x", CodeScheme},
		{"javascript:1", CodeScheme},
		{"http://[", CodeProtocol},
		{"/" + strings.Repeat("a", 63<<10), CodeTooLarge},
	} {
		for hop := 1; hop <= 5; hop++ {
			t.Run(fmt.Sprint(target.where[:min(40, len(target.where))], " at hop ", hop), func(t *testing.T) {
				base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
					if n, _ := strconv.Atoi(r.URL.Path[1:]); n < hop {
						http.Redirect(w, r, fmt.Sprint("/", n+1), http.StatusTemporaryRedirect)
						return
					}
					w.Header().Set("Location", target.where)
					w.WriteHeader(http.StatusFound)
				})
				client := clientFor(t, Options{Limits: Limits{HeaderBytes: 63 << 10}}, port, privatePort)
				_, entry, err := get(t, client, base+"/1")
				wantCode(t, err, entry, target.want)
				if target.want != CodeTooLarge && len(entry.Via) != hop {
					t.Errorf("passed %v before, want %d hops", entry.Via, hop)
				}
			})
		}
	}
	if reached.Load() {
		t.Error("the private server was reached")
	}
}
