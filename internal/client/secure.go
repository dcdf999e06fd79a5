package client

import (
	"crypto/tls"
	"errors"
	"net/http"
	"path/filepath"
	"slices"

	"charmd/internal/certificate"
)

// errStranger ends a handshake with whoever shows another certificate than the daemon.
var errStranger = errors.New("not the certificate of the daemon")

// Client is a client of the daemon that is expected there.
func (p Place) Client() *Client {
	c := New(p.URL, p.Token, p.Transport())
	if p.Pages != "" {
		c.pages = p.Pages
	}
	return c
}

// Transport is how to reach the daemon. One that left a runtime file is told by its
// certificate itself, whoever signed it and for whatever name.
func (p Place) Transport() http.RoundTripper {
	if p.Certificates == nil {
		return network(nil)
	}
	return network(&tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // the name and the signers; what is compared says more
		VerifyConnection: func(state tls.ConnectionState) error {
			if !slices.Contains(p.Certificates(), certificate.Fingerprint(state.PeerCertificates[0])) {
				return errStranger
			}
			return nil
		},
	})
}

// current is what the daemon's file says of its certificates by now, since it may get
// another one while a command runs; what it said when there is no file any more.
func (f RuntimeFile) current(dir string) []string {
	name, err := f.name()
	if err != nil {
		return f.Certificates
	}
	now, err := readRuntimeFile(filepath.Join(dir, name))
	if err != nil || now.PID != f.PID {
		return f.Certificates
	}
	return now.Certificates
}
