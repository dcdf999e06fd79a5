package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"slices"

	"charmd/internal/certificate"
	"charmd/internal/charm"
)

// errStranger ends a handshake with whoever shows another certificate than the daemon.
var errStranger = errors.New("not the certificate of the daemon")

// Client is a client of the daemon that is expected there.
func (p Place) Client() *Client {
	c := New(p.URL, p.Token, p.Transport())
	c.given = p.Given
	if p.Pages != "" {
		c.pages = p.Pages
	}
	return c
}

// Transport is how to reach the daemon. One that left a runtime file is told by its
// certificate itself, whoever signed it and for whatever name.
func (p Place) Transport() http.RoundTripper {
	switch {
	case p.Other != "":
		return nobody{p}
	case p.Absent:
		return p.untold()
	case p.Certificates == nil:
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

// nobody is how to reach a daemon that does not run, where another one has its address:
// that one is told nothing, and not the token.
type nobody struct{ Place }

func (n nobody) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close() // nothing was read of it
	}
	e := charm.Errorf(charm.CodeUnavailable, "no charmd runs on %s: the one at %s runs on %s", n.DataDir, n.URL, n.Other).
		WithHint("if that one is meant: --data-dir %s; to start another beside it: charmd start --data-dir %s --listen HOST:PORT", n.Other, n.DataDir)
	e.Err = ErrNobodyAnswers
	return nil, e
}

// untold is how to find out whether somebody answers, who is told nothing.
func (p Place) untold() http.RoundTripper {
	t := network(nil)
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		_ = conn.Close() // nothing was written
		e := charm.Errorf(charm.CodeUnavailable, "something answers at %s, and it is not the charmd of %s", p.URL, p.DataDir).
			WithHint("if it is the charmd that is meant, set CHARMD_TOKEN; the file %s in its data directory holds it", TokenFile)
		e.Err = ErrNobodyAnswers
		return nil, e
	}
	return t
}
