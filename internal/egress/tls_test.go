package egress

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	may := Policy{AllowHosts: []string{server.Listener.Addr().String()}}

	_, entry, err := clientFor(t, Options{}).Do(t.Context(), may, Request{URL: server.URL})
	if e := wantCode(t, err, entry, CodeTLS); !strings.Contains(e.Message, "certificate") {
		t.Errorf("%q does not say why", e.Message)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	reply, _, err := clientFor(t, Options{RootCAs: roots}).Do(t.Context(), may, Request{URL: server.URL})
	if err != nil || string(reply.Body) != "HTTP/1.1" {
		t.Errorf("reply %q, error %v", reply.Body, err)
	}
	_, entry, err = clientFor(t, Options{}).Do(t.Context(), may,
		Request{URL: "http" + strings.TrimPrefix(server.URL, "https")})
	if err != nil || entry.Status != http.StatusBadRequest {
		t.Errorf("plain HTTP to a TLS port: status %d, error %v", entry.Status, err)
	}
}

func TestPlainServerBehindHTTPS(t *testing.T) {
	t.Parallel()
	base, _ := serve(t, privateIP, func(w http.ResponseWriter, r *http.Request) {})
	_, entry, err := clientFor(t, Options{}).Do(t.Context(), Policy{AllowHosts: []string{hostPort(base)}},
		Request{URL: "https://" + hostPort(base)})
	wantCode(t, err, entry, CodeTLS)
}

// A server that floods with HTTP/2 frames meets a client that never offered
// HTTP/2: it is cut off at its first bytes.
func TestFault11_HTTP2Flood(t *testing.T) {
	t.Parallel()
	frames := map[string]func(f *http2.Framer, n uint32) error{
		"resets":   func(f *http2.Framer, n uint32) error { return f.WriteRSTStream(n*2+1, http2.ErrCodeRefusedStream) },
		"pings":    func(f *http2.Framer, n uint32) error { return f.WritePing(false, [8]byte{byte(n)}) },
		"settings": func(f *http2.Framer, n uint32) error { return f.WriteSettings() },
	}
	certificate, roots := testCertificate(t)
	for what, write := range frames {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			base, _ := serveRaw(t, privateIP, func(c net.Conn) {
				secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2"}})
				framer := http2.NewFramer(secure, secure)
				for n := uint32(0); write(framer, n) == nil; n++ {
				}
			})
			client := clientFor(t, Options{RootCAs: roots})
			_, entry, err := client.Do(t.Context(), Policy{AllowHosts: []string{hostPort(base)}},
				Request{URL: "https://" + hostPort(base)})
			want := CodeProtocol
			// The bytes of settings may pass for the start of a header line, depending
			// on how many have come when they are looked at.
			if e, ok := errors.AsType[*Error](err); ok && what == "settings" && e.Code == CodeTooLarge {
				want = CodeTooLarge
			}
			wantCode(t, err, entry, want)
		})
	}
}

func testCertificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.TLS.Certificates[0], roots
}
