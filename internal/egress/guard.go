package egress

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// guard refuses connections to anything but the public internet. It judges the
// address that is about to be connected to, after name resolution, so neither a
// name nor a redirect nor a second answer of a name server gets around it.
type guard struct {
	ports []uint16
	addrs *ssrf.Guardian
}

// azureWireServer is a public address that answers only inside one cloud, with
// the machine's credentials.
var azureWireServer = netip.MustParsePrefix("168.63.129.16/32")

func newGuard(ports []uint16, extra ...ssrf.Option) guard {
	options := append([]ssrf.Option{ssrf.WithPorts(ports...), ssrf.WithDeniedV4Prefixes(azureWireServer)}, extra...)
	return guard{ports: ports, addrs: ssrf.New(options...)}
}

// allowsPort judges a URL's port before anything is resolved.
func (g guard) allowsPort(port uint16) bool { return slices.Contains(g.ports, port) }

// check is a net.Dialer's Control.
func (g guard) check(network, address string, c syscall.RawConn) error {
	return g.addrs.Safe(network, address, c)
}

// checkNetwork is the Control for destinations opened by name: any address and
// port, but nothing other than TCP.
func (g guard) checkNetwork(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return ssrf.ErrProhibitedNetwork
	}
	return nil
}

// control is what a net.Dialer asks before it connects.
type control func(network, address string, c syscall.RawConn) error

// way is how requests get to where they go.
type way interface {
	http.RoundTripper
	CloseIdleConnections()
}

// newWay goes to the destination itself, or by the proxy that the operator names.
func newWay(o Options, limits Limits, g guard, check control) way {
	if o.Proxy != nil {
		return newThroughProxy(o, limits, g, check)
	}
	return newTransport(o, limits, check)
}

// idleTimeout is how long a connection is kept for a next request.
const idleTimeout = 30 * time.Second

func newTransport(o Options, limits Limits, check control) *http.Transport {
	dialer := &net.Dialer{
		Timeout:  limits.ConnectTimeout,
		Resolver: o.Resolver,
		Control:  check,
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  nil, // the environment's proxy would be asked instead of the guard
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
		TLSHandshakeTimeout:    limits.ConnectTimeout,
		ResponseHeaderTimeout:  limits.HeaderTimeout,
		MaxResponseHeaderBytes: limits.HeaderBytes,
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    limits.PerHost,
		IdleConnTimeout:        idleTimeout,
		Protocols:              protocols,
	}
}
