package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"charmd/internal/charm"
)

// Proxy is what the operator has requests go through. It is printed without its
// password, whatever the verb.
type Proxy struct {
	address       string       // HOST:PORT
	secure        bool         // it is spoken to over TLS
	authorization charm.Secret // "" when it asks for none
}

// ParseProxy reads http://[USER:PASSWORD@]HOST[:PORT], or https://. The error does
// not repeat the text, which may hold a password.
func ParseProxy(text charm.Secret) (*Proxy, error) {
	u, err := url.Parse(text.Reveal())
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery+u.Fragment != "" {
		return nil, errors.New("not the address of a proxy")
	}
	p := &Proxy{address: u.Host, secure: u.Scheme == "https"}
	if u.Port() == "" {
		p.address = joinHostPort(u.Hostname(), defaultPort(u.Scheme))
	}
	if u.User != nil {
		password, _ := u.User.Password()
		p.authorization = charm.Secret("Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password)))
	}
	return p, nil
}

// Secret reports whether the proxy's address came with a user or password.
func (p *Proxy) Secret() bool { return p.authorization != "" }

// String is HOST:PORT.
func (p Proxy) String() string { return p.address }

// Format implements fmt.Formatter.
func (p Proxy) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.address) }

// proxyError is a request that ended at the proxy.
type proxyError struct {
	reason string // without the proxy's name
	beyond bool   // it is there, and does not get to the destination
	cause  error  // nil when it answered
}

func (e *proxyError) Error() string { return e.reason }
func (e *proxyError) Unwrap() error { return e.cause }

// proxied is a connection that goes to, or through, a proxy.
type proxied struct {
	net.Conn
	proxy string
	to    net.Addr // what is at the other end of a tunnel; nil is the proxy itself
}

// RemoteAddr implements net.Conn.
func (c *proxied) RemoteAddr() net.Addr {
	if c.to != nil {
		return c.to
	}
	return c.Conn.RemoteAddr()
}

// proxyOf is the proxy that the connection goes through; "" when it goes through none.
func proxyOf(c net.Conn) string {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	if p, ok := c.(*proxied); ok {
		return p.proxy
	}
	return ""
}

// throughProxy is the way out by a proxy. A name is resolved and judged here all the
// same, and a tunnel is asked for to the address that was judged, so that https goes
// where the guard has looked, whatever the proxy's own name server says. Requests over
// plain HTTP have no such form: the proxy is given the name, and looks it up again.
// What is private and opened by name does not go by the proxy, which leads outside.
type throughProxy struct {
	proxy    *Proxy
	guard    guard
	control  control
	resolver *net.Resolver
	within   time.Duration // to connect
	secure   *tls.Config   // to a proxy over TLS

	tunnel   *http.Transport // https, and what is private
	absolute *http.Transport // http
}

func newThroughProxy(o Options, limits Limits, g guard, check control) *throughProxy {
	w := &throughProxy{proxy: o.Proxy, guard: g, control: check, resolver: o.Resolver, within: limits.ConnectTimeout}
	if w.resolver == nil {
		w.resolver = net.DefaultResolver
	}
	host, _, _ := net.SplitHostPort(o.Proxy.address)
	w.secure = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs, ServerName: host}
	w.tunnel, w.absolute = newTransport(o, limits, check), newTransport(o, limits, check)
	w.tunnel.DialContext = w.dial
	w.absolute.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return w.connect(ctx) }
	// It is http to the transport also when connect has put TLS underneath.
	w.absolute.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: o.Proxy.address})
	return w
}

// RoundTrip implements http.RoundTripper.
func (w *throughProxy) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "https" {
		return w.tunnel.RoundTrip(req)
	}
	port := req.URL.Port()
	if port == "" {
		port = "80"
	}
	list, outside, err := w.resolve(req.Context(), req.URL.Hostname(), port)
	switch {
	case err != nil:
		return nil, err
	case !outside:
		return w.tunnel.RoundTrip(req)
	}
	if w.proxy.Secret() {
		req = req.Clone(req.Context())
		req.Header.Set("Proxy-Authorization", w.proxy.authorization.Reveal())
	}
	resp, err := w.absolute.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusProxyAuthRequired && !w.lets(req.Context(), list[0]) {
		_ = resp.Body.Close()
		return nil, &proxyError{reason: "it wants another user or password"}
	}
	return resp, err
}

// lets reports whether the proxy lets us through to an address. Of plain HTTP a 407 may
// be the proxy's or what the host has answered, and does not say which: who gets a tunnel
// is not wanted another password of. Where the proxy makes no tunnels it cannot be told.
func (w *throughProxy) lets(ctx context.Context, to netip.AddrPort) bool {
	conn, err := w.open(ctx, to)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// CloseIdleConnections drops the connections that are kept for later requests.
func (w *throughProxy) CloseIdleConnections() {
	w.tunnel.CloseIdleConnections()
	w.absolute.CloseIdleConnections()
}

// resolve is the addresses of a host that may be connected to; outside says that they
// are public, so that the proxy leads there.
func (w *throughProxy) resolve(ctx context.Context, host, port string) (list []netip.AddrPort, outside bool, err error) {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, w.within)
	defer cancel()
	addrs, err := w.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, false, err
	}
	var inside []netip.AddrPort
	var refused error
	for _, addr := range addrs {
		at := netip.AddrPortFrom(addr.Unmap(), uint16(number))
		network := "tcp6"
		if at.Addr().Is4() {
			network = "tcp4"
		}
		switch err := w.control(network, at.String(), nil); {
		case err != nil:
			refused = &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(at), Err: err}
		case w.guard.outside(at.Addr()):
			list = append(list, at)
		default:
			inside = append(inside, at)
		}
	}
	switch {
	case len(list) > 0:
		return list, true, nil
	case len(inside) > 0:
		return inside, false, nil
	}
	return nil, false, refused
}

// mostTried is how many of a host's addresses are tried.
const mostTried = 3

// dial opens a tunnel to the first of the host's addresses that the proxy gets to.
func (w *throughProxy) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	list, outside, err := w.resolve(ctx, host, port)
	if err != nil {
		return nil, err
	}
	for _, at := range list[:min(len(list), mostTried)] {
		var conn net.Conn
		if outside {
			conn, err = w.open(ctx, at)
		} else {
			conn, err = (&net.Dialer{Timeout: w.within, Control: w.control}).DialContext(ctx, "tcp", at.String())
		}
		if err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// connect opens a connection to the proxy itself.
func (w *throughProxy) connect(ctx context.Context) (*proxied, error) {
	ctx, cancel := context.WithTimeout(ctx, w.within)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", w.proxy.address)
	if err == nil && w.proxy.secure {
		secure := tls.Client(conn, w.secure)
		if err = secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
		}
		conn = secure
	}
	if err != nil {
		return nil, &proxyError{reason: "it cannot be reached: " + plain(reasonOf(err)), cause: err}
	}
	return &proxied{Conn: conn, proxy: w.proxy.address}, nil
}

// reasonOf is what a failure to connect says without the address.
func reasonOf(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// open asks the proxy for a tunnel.
func (w *throughProxy) open(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	conn, err := w.connect(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	err = w.ask(conn, to)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	conn.to = net.TCPAddrFromAddrPort(to)
	return conn, nil
}

// mostOfAnswer bounds what is read of a proxy's answer, bytes.
const mostOfAnswer = 16 << 10

func (w *throughProxy) ask(conn net.Conn, to netip.AddrPort) error {
	if err := conn.SetDeadline(time.Now().Add(w.within)); err != nil {
		return err
	}
	text := fmt.Sprintf("CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n", to)
	if w.proxy.Secret() {
		text += "Proxy-Authorization: " + w.proxy.authorization.Reveal() + "\r\n"
	}
	_, err := io.WriteString(conn, text+"\r\n")
	if err != nil {
		return &proxyError{reason: "the connection to it broke", cause: err}
	}
	answer := bufio.NewReader(io.LimitReader(conn, mostOfAnswer))
	resp, err := http.ReadResponse(answer, &http.Request{Method: http.MethodConnect})
	switch {
	case isTimeout(err):
		return &proxyError{reason: fmt.Sprintf("it has not answered within %s", w.within), beyond: true, cause: err}
	case err != nil:
		return &proxyError{reason: "what it answers is not HTTP", cause: err}
	}
	// Its body is left alone: of a tunnel there is none, of a refusal it may never end,
	// and to close it is to read it.
	switch {
	case resp.StatusCode == http.StatusProxyAuthRequired:
		return &proxyError{reason: "it wants another user or password"}
	case resp.StatusCode/100 == 5:
		return &proxyError{reason: fmt.Sprintf("it does not get there: it answered %d", resp.StatusCode), beyond: true}
	case resp.StatusCode/100 != 2:
		return &proxyError{reason: fmt.Sprintf("it refuses: it answered %d", resp.StatusCode)}
	case answer.Buffered() > 0: // and those bytes would be lost
		return &proxyError{reason: "it says more than it was asked"}
	}
	return nil
}
