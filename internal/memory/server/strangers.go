package server

import (
	"net/netip"
	"slices"
	"time"

	"github.com/coder/websocket"

	"charmd/internal/charm"
)

// strangers are the connections that no signed request has come by yet, the oldest
// first. They are a small part of all, and give way to each other.
type strangers []*conn

// most is the oldest one of the address that has the most of them: however many somebody
// opens, those of others have the time to sign.
func (l strangers) most() (c *conn) {
	of, most := map[string]int{}, 0
	for _, s := range l {
		of[s.from]++
		most = max(most, of[s.from])
	}
	for _, s := range l {
		if of[s.from] == most {
			return s
		}
	}
	return nil
}

// addressOf is whose connection it is, as far as an address tells: of IPv6 it is the
// network, since one machine may have all addresses of that.
func addressOf(remote string) string {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	ip, bits := at.Addr().Unmap().WithZone(""), 32
	if ip.Is6() {
		bits = 64
	}
	network, err := ip.Prefix(bits)
	if err != nil {
		return remote
	}
	return network.String()
}

// room makes room for a connection that is about to open, of which nothing is known
// yet. The caller holds mu.
func (s *Server) room() error {
	known := len(s.conns) - len(s.strangers)
	full := len(s.conns) >= s.o.Limits.Connections
	switch {
	case len(s.strangers) >= s.o.Limits.Strangers, full && known > 0 && len(s.strangers) > 0:
		c := s.strangers.most()
		s.forgetStranger(c)
		delete(s.conns, c)
		c.cancel() // without a word: whoever opens many may not listen
	case full:
		return charm.Errorf(charm.CodeUnavailable, "%d connections are open, more are not accepted", len(s.conns))
	}
	return nil
}

// forgetStranger takes a connection off the list. The caller holds mu.
func (s *Server) forgetStranger(c *conn) {
	s.strangers = slices.DeleteFunc(s.strangers, func(other *conn) bool { return other == c })
}

// signed notes that a signed request has come by the connection.
func (c *conn) signed() {
	if c.known {
		return
	}
	c.known = true
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.forgetStranger(c)
}

// hurry ends the connection when the client sends nothing for too long, unless it has
// signed a request; stop is called when it sends something.
func (c *conn) hurry() (stop func()) {
	if c.known {
		return func() {}
	}
	late := time.AfterFunc(time.Until(c.since.Add(charm.SignWithin)), func() {
		c.end(websocket.StatusPolicyViolation, "no signed request came within "+charm.ShortDuration(charm.SignWithin), true)
	})
	return func() { late.Stop() }
}
