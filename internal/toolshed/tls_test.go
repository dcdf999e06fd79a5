package toolshed

import (
	"net/http"
	"strings"
	"testing"
)

// Over TLS of ours cookies are Secure and pages come by https, whatever the name;
// browsers are told to keep to https under names that are not this machine's.
func TestOverTLSOfOurs(t *testing.T) {
	t.Parallel()
	shed := wholeToolshed(t, func(o *Options) { o.Pages = plain{} })
	for host, keeps := range map[string]bool{"charmd.example.org:8443": true, "127.0.0.1:8443": false, "localhost:8443": false, "[::1]:8443": false} {
		at := "https://" + host
		w := ask(shed, "GET", at+shed.link(t), host, "Accept", "text/html")
		cookies := w.Result().Cookies()
		if w.Code != http.StatusOK || len(cookies) != 1 || cookies[0].Name != "__Host-charmd-8443" || !cookies[0].Secure {
			t.Fatalf("%s: %d, cookies %v", host, w.Code, cookies)
		}
		if (w.Header().Get("Strict-Transport-Security") != "") != keeps {
			t.Errorf("%s: %v", host, w.Header())
		}
		for page, want := range map[string]int{at: http.StatusNotFound, "http://" + host: http.StatusForbidden} {
			w := ask(shed, "DELETE", at+signInsPath+"/nobody", host, "Cookie", cookies[0].Name+"="+cookies[0].Value, "Origin", page)
			if w.Code != want {
				t.Errorf("%s from %s: %d, want %d", host, page, w.Code, want)
			}
		}
	}
}

// A certificate that ends soon is told of where readiness is asked; one that has
// ended makes the service not ready.
func TestReadyzTellsOfTheCertificate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		ending string
		ended  bool
		status int
		want   string
	}{
		{"", false, 200, `{"ready":true}`},
		{"it ends", false, 200, `{"ready":true,"warnings":["it ends"]}`},
		{"it has ended", true, 503, `{"ready":false,"reasons":["it has ended"]}`},
	} {
		shed := newToolshed(idle{})
		shed.o.Certificate = func() (string, bool) { return tc.ending, tc.ended }
		if w := ask(shed, "GET", "/readyz", "localhost"); w.Code != tc.status || strings.TrimSpace(w.Body.String()) != tc.want {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}
