package egress

import (
	"crypto/tls"
	"errors"
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
	own   func() []netip.Prefix // public networks that this machine is in
}

// azureWireServer is a public address that answers only inside one cloud, with
// the machine's credentials.
var azureWireServer = netip.MustParsePrefix("168.63.129.16/32")

func newGuard(ports []uint16, extra ...ssrf.Option) guard {
	options := append([]ssrf.Option{ssrf.WithPorts(ports...), ssrf.WithDeniedV4Prefixes(azureWireServer)}, extra...)
	return guard{ports: ports, addrs: ssrf.New(options...), own: ownNetworks}
}

// errOwnNetwork refuses public addresses that lead no further than our own network.
var errOwnNetwork = errors.New("an address of this machine's own network")

// ownNetworks are asked for anew each time, since addresses come and go. Where they
// cannot be listed there are none.
func ownNetworks() []netip.Prefix {
	list, _ := net.InterfaceAddrs()
	return networksOf(list)
}

// networksOf is what answers us behind the firewall, though its addresses are public: of
// IPv4 the machine itself, of IPv6 also whatever else is on its links, which at home are
// the router, the printer and the disks. A link is a /64, also where the address stands
// alone (DHCPv6).
func networksOf(addrs []net.Addr) (list []netip.Prefix) {
	for _, a := range addrs {
		ip, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		addr, ok := netip.AddrFromSlice(ip.IP)
		if addr = addr.Unmap(); !ok || addr.IsLoopback() {
			continue
		}
		bits := 32
		if addr.Is6() {
			bits = 64
		}
		list = append(list, netip.PrefixFrom(addr, bits).Masked())
	}
	return list
}

// allowsPort judges a URL's port before anything is resolved.
func (g guard) allowsPort(port uint16) bool { return slices.Contains(g.ports, port) }

// check is a net.Dialer's Control.
func (g guard) check(network, address string, c syscall.RawConn) error {
	if err := g.addrs.Safe(network, address, c); err != nil {
		return err
	}
	at, err := netip.ParseAddrPort(address)
	if err == nil && g.isOwn(at.Addr().Unmap()) {
		err = errOwnNetwork
	}
	return err
}

func (g guard) isOwn(addr netip.Addr) bool {
	return slices.ContainsFunc(g.own(), func(p netip.Prefix) bool { return p.Contains(addr) })
}

// outside reports whether an address, unmapped, is one of the public internet.
func (g guard) outside(addr netip.Addr) bool { return g.addrs.SafeAddr(addr) == nil && !g.isOwn(addr) }

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
