package toolshed

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/outlet"
)

// openPaths are what docs/security.md calls open, by their paths as they are sent, each
// part unescaped.
var openPaths = regexp.MustCompile(`^/(healthz|readyz|api/meta|service/sign-in|assets/.*|api/storage/memory|api/storage/blobby/spell-[^/]*(/[^/]*)?|api/integrations/[^/]*-oauth/callback)$`)

func openPath(r *http.Request) bool {
	parts := strings.Split(r.URL.EscapedPath(), "/")
	for i, part := range parts {
		text, err := url.PathUnescape(part)
		if err != nil {
			return false
		}
		parts[i] = strings.ReplaceAll(text, "/", "%2F")
	}
	path := strings.Join(parts, "/")
	return openPaths.MatchString(path) || len(parts) == 3 && r.URL.Query().Get("key") != "" &&
		slices.Contains(outlet.Formats, path[strings.LastIndexByte(path, '.')+1:])
}

// Requests are read of anybody's bytes. One without the token, however it is written, is
// let in to what is open and to nothing else; under a strange name or from a strange
// page, to nothing at all.
func FuzzDoor(f *testing.F) {
	shed := wholeToolshed(f, func(o *Options) { o.Token = "of nobody who asks" })
	for _, text := range []string{
		"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n", "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \r\n\r\n",
		"GET /home/news.atom?key=x HTTP/1.1\r\nHost: [::1]:8000\r\nIf-None-Match: *\r\n\r\n", "GET /home%2Fx/news.ics?key= HTTP/1.1\r\nHost: charmd.example.org\r\n\r\n",
		"GET /assets/..%2f..%2Fapi/v1/doctor HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "GET http://127.0.0.1/api%2Fmeta HTTP/1.1\r\nHost: other\r\n\r\n",
		"POST /api/storage/blobby/spell-x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nCharmd-Invocation: {}\r\n\r\n{}",
		"GET /service/sign-in?link=x HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nOrigin: null\r\nCookie: charmd-8000=x\r\n\r\n",
		"GET /api/integrations/google-oauth/callback?state=&code=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: charmd_login=" + strings.Repeat("x", 26) + "\r\n\r\n",
		"HEAD //healthz HTTP/1.0\r\n\r\n", "GET /home/news HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\nUpgrade: websocket\r\nSec-Fetch-Site: none\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return
		}
		r.RemoteAddr = "127.0.0.1:1"
		route, path := openPath(r), r.URL.EscapedPath() // the handler may change them
		w := httptest.NewRecorder()
		shed.ServeHTTP(w, r)
		let := w.Code != http.StatusUnauthorized && w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "this link has been used")
		if let && !route {
			t.Errorf("%s %s is answered with %d %s", r.Method, path, w.Code, w.Body)
		}
		if origin := r.Header.Get("Origin"); let && origin != "" && !strings.EqualFold(origin, "http://"+r.Host) {
			t.Errorf("%s %s of the page %q at %q is answered with %d", r.Method, path, origin, r.Host, w.Code)
		}
		if h := w.Header(); h.Get("X-Content-Type-Options") != "nosniff" && w.Code/100 != 1 {
			t.Errorf("%s %s: %d, headers %v", r.Method, path, w.Code, h)
		}
	})
}

// asked is every form that the body of a request of the API may have.
func asked() []any {
	return []any{
		&api.AddRequest{}, &api.ConfigureRequest{}, &api.ConnectFinish{}, &api.ConnectRequest{}, &api.DisableRequest{}, &api.Grant{}, &api.PauseRequest{},
		&api.PublishRequest{}, &api.ReplayRequest{}, &api.RetryRequest{}, &api.RunRequest{}, &api.ScheduleRequest{}, &api.SecretValue{}, &api.UpdateRequest{}, &authRequest{},
	}
}

// A body is one of the API's requests or refused as invalid; what was understood of it
// is the same when it is sent again.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"entry":"news.tsx","files":{"news.tsx":"export default 1"},"argument":{"a":[1e3]},"space":"home","allowHosts":["h:80"],"every":"60s"}`))
	f.Add([]byte(`{"wait":true,"reason":"x","cell":["a",""]}`))
	f.Add([]byte(`{"authCellId":"{\"space\":\"did:key:z\"}","connectionId":7}`))
	f.Add([]byte(`null`))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, into := range asked() {
			take := func(body []byte, into any) error {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				return read(r, into)
			}
			if err := take(body, into); err != nil {
				if charm.CodeOf(err) != charm.CodeInvalid {
					t.Errorf("%T: %v", into, err)
				}
				continue
			}
			text, err := json.Marshal(into)
			if err != nil {
				t.Fatalf("%T: %v", into, err)
			}
			again := reflect.New(reflect.TypeOf(into).Elem()).Interface()
			if err := take(text, again); err != nil {
				t.Errorf("%T: %s is refused: %v", into, text, err)
			}
			if second, err := json.Marshal(again); err != nil || !bytes.Equal(second, text) {
				t.Errorf("%T: %q is understood as %s and then as %s, %v", into, body, text, second, err)
			}
		}
	})
}

// The address of a cell, and the secret one of a charm's items, are read as what they
// were made of, whatever the names in them.
func FuzzAddresses(f *testing.F) {
	for _, names := range [][3]string{{"home", "news", "key"}, {"a/b", "x.atom.ics", "?&="}, {"..", "%2F", "ä \xff"}, {"", ".", "\x00"}} {
		f.Add(names[0], names[1], names[2])
	}
	f.Fuzz(func(t *testing.T, one, two, key string) {
		first, second := url.PathEscape(one), url.PathEscape(two)
		r := &http.Request{Method: http.MethodGet}
		var err error
		if r.URL, err = url.Parse("http://127.0.0.1/api/v1/charms/s/c/cells/" + first + "/" + second); err != nil {
			t.Fatal(err)
		}
		path, err := cellPath(r)
		if want := slices.DeleteFunc([]string{one, two}, func(key string) bool { return key == "" }); err != nil || !slices.Equal(path, want) {
			t.Errorf("the cell at %q is read as %q, %v", want, path, err)
		}
		if r.URL, err = url.Parse("http://127.0.0.1/" + first + "/" + second + ".atom?key=" + url.QueryEscape(key)); err != nil {
			t.Fatal(err)
		}
		space, name, format, secret, ok := secretLink(r)
		if ok != (key != "") || ok && (space != one || name != two || format != "atom" || secret != key) {
			t.Errorf("the secret link %s is read as %q/%q.%s %q, %v", r.URL, space, name, format, secret, ok)
		}
	})
}
