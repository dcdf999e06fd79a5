package client

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"charmd/internal/certificate"
	"charmd/internal/charm"
)

// A daemon over TLS is known by its certificate alone, as its file says by now; to
// whoever shows another one nothing is sent.
func TestADaemonIsKnownByItsCertificate(t *testing.T) {
	t.Parallel()
	asked := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = w.Write([]byte("{}"))
	}))
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	theirs := certificate.Fingerprint(server.Certificate())
	dir, data := filepath.Join(t.TempDir(), "charmd"), dataDir(t, "token")
	f := RuntimeFile{URL: server.URL, DataDir: data, PID: os.Getpid(), Certificates: []string{strings.Repeat("0", 64)}, Pages: "https://charmd.example.org"}
	write := func(certificates ...string) {
		t.Helper()
		f.Certificates = certificates
		if err := f.write(dir); err != nil {
			t.Fatal(err)
		}
	}
	write(f.Certificates...)
	place, err := Find(Lookup{DataDir: data, DataDirGiven: true, RuntimeDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	c := place.Client()
	if c.URL() != server.URL || c.PagesURL() != f.Pages {
		t.Errorf("it is at %s, for browsers at %s", c.URL(), c.PagesURL())
	}
	_, err = c.Status(t.Context())
	if charm.CodeOf(err) != charm.CodeUnavailable || !strings.Contains(err.Error(), "is not the charmd that was started there") || asked != 0 {
		t.Errorf("a stranger, asked %d times: %v", asked, err)
	}
	write(strings.Repeat("0", 64), theirs) // while the command runs
	if _, err := c.Status(t.Context()); err != nil || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
	place, err = Find(Lookup{URL: server.URL, DataDir: data, RuntimeDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := place.Client().Status(t.Context()); err == nil || !strings.Contains(err.Error(), "does not show a certificate that this machine trusts") || asked != 1 {
		t.Errorf("by CHARMD_URL, which trusts whom the system does: %v", err)
	}
}

// An address over TLS without a certificate is nobody's.
func TestARuntimeFileOverTLSNamesACertificate(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{
		`{"url":"http://127.0.0.1:1","pid":1}`:                        true,
		`{"url":"https://127.0.0.1:1","pid":1}`:                       false,
		`{"url":"https://127.0.0.1:1","pid":1,"certificates":["00"]}`: true,
		`{"url":"ftp://127.0.0.1:1","pid":1,"certificates":["00"]}`:   false,
	} {
		if _, err := parseRuntimeFile([]byte(text)); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
}
