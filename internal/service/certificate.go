package service

import (
	"net"
	"time"

	"charmd/internal/certificate"
	"charmd/internal/client"
	"charmd/internal/config"
)

// openCertificate reads the certificate that the configuration names, if any.
func (s *Service) openCertificate() (err error) {
	if s.config.TLS() {
		files := certificate.Files{Cert: s.config.TLSCert, Key: s.config.TLSKey}
		s.certificate, err = certificate.Open(files, s.now, s.logger)
	}
	return err
}

// pairs are the certificates that are served: one, or none.
func (s *Service) pairs() []*certificate.Pair {
	if s.certificate == nil {
		return nil
	}
	return []*certificate.Pair{s.certificate.Pair()}
}

// pagesURL is where browsers reach the service: over TLS of ours under the first
// configured name that the certificate is for, with the port that is listened on
// unless the name has another; behind a proxy under the first name, as it stands.
func (s *Service) pagesURL(bound config.Config) string {
	_, port, _ := net.SplitHostPort(bound.Listen)
	for _, pair := range s.pairs() {
		for _, name := range s.config.HostNames {
			host, own, err := net.SplitHostPort(name)
			if err != nil {
				host, own = name, port
			}
			if pair.Covers(host) {
				return "https://" + net.JoinHostPort(host, own)
			}
		}
	}
	if s.config.BehindProxy && s.certificate == nil && len(s.config.HostNames) > 0 {
		return "https://" + s.config.HostNames[0]
	}
	return s.localURL
}

// door makes the server, and returns what serves a listener.
func (s *Service) door() func(net.Listener) error {
	if s.certificate == nil {
		s.server = s.toolshed.Server(nil)
		return s.server.Serve
	}
	s.server = s.toolshed.Server(s.certificate.TLS())
	return func(l net.Listener) error { return s.server.ServeTLS(l, "", "") }
}

// showRuntimeFile tells commands on this machine where we are and by which
// certificates they know us.
func (s *Service) showRuntimeFile(pairs ...*certificate.Pair) {
	f := s.runtimeFile()
	for _, p := range pairs {
		f.Certificates = append(f.Certificates, p.Fingerprint())
	}
	if err := client.WriteRuntimeFile(f); err != nil {
		s.logger.Warn("commands will look for this daemon at its default address only", "err", err)
	}
}

// ending says that the certificate ends soon, or has ended.
func (s *Service) ending() (text string, ended bool) {
	if s.certificate == nil {
		return "", false
	}
	pair, now := s.certificate.Pair(), s.now()
	return pair.Ending(now), pair.Ended(now)
}

// certificateTrouble lists what a person should see to of the certificate.
func (s *Service) certificateTrouble() []string {
	if s.certificate == nil {
		return nil
	}
	return s.certificate.Trouble()
}

// certificateEnds is when the certificate is not good any more; zero where we speak no
// TLS.
func (s *Service) certificateEnds() (at time.Time) {
	for _, pair := range s.pairs() {
		at = pair.Ends()
	}
	return at
}
