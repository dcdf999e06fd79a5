package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"code.dny.dev/ssrf"
)

// Code names a kind of failure for programs.
type Code string

// The codes of an Error.
const (
	CodeBlocked     Code = "blocked"      // the destination is private, or ours, or hides what it is
	CodeScheme      Code = "scheme"       // neither http nor https
	CodePort        Code = "port"         // not 80 or 443, and not opened by name
	CodeDNS         Code = "dns"          // the name does not resolve
	CodeConnect     Code = "connect"      // no connection, or not in time
	CodeTLS         Code = "tls"          // no secure connection
	CodeTimeout     Code = "timeout"      // connected, but headers or body did not come in time
	CodeTooLarge    Code = "too_large"    // address, headers or a body over the limit
	CodeRedirects   Code = "redirects"    // too many, or forbidden by the request
	CodeProtocol    Code = "protocol"     // the request or the reply is not valid HTTP
	CodeCanceled    Code = "canceled"     // the run ended first
	CodeLimit       Code = "limit"        // no place beside other requests in time, or too much of the run's is under way
	CodeConsent     Code = "consent"      // the host is new to the charm, and nobody has allowed it yet: nothing was sent
	CodeNotRecorded Code = "not_recorded" // a run is made again from its record, which does not have it
	CodeReconnect   Code = "reconnect"    // an account must be connected again by a person: nothing was sent
	CodeProxy       Code = "proxy"        // the operator's proxy is not there, or does not let it through
	CodeHeldOff     Code = "held_off"     // the host asked not to be asked yet, or has failed too often: nothing was sent
)

// Error is a request that brought no reply. It names the host, never the rest
// of the address nor a header.
type Error struct {
	Code      Code
	Host      string
	Message   string // one line, with the host
	Retryable bool   // the same request may succeed later

	reason string // the message without the host
	cause  error
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Unwrap is what the network said; nil when the request never got that far.
func (e *Error) Unwrap() error { return e.cause }

// Remote reports whether the failure lies on the other side: nothing there, it
// does not speak properly, or somebody has to speak first. Such a failure is not
// counted against the charm.
func (c Code) Remote() bool {
	return c == CodeConsent || c == CodeDNS || c == CodeConnect || c == CodeTLS || c == CodeProtocol || c == CodeProxy || c == CodeHeldOff
}

// Limit reports whether one of the Limits ended the request.
func (c Code) Limit() bool {
	return c == CodeTimeout || c == CodeTooLarge || c == CodeRedirects || c == CodeLimit
}

func (c Code) verdict() Verdict {
	switch {
	case c == CodeBlocked, c == CodeScheme, c == CodePort, c == CodeReconnect:
		return VerdictRefused
	case c == CodeCanceled:
		return VerdictCanceled
	case c == CodeHeldOff:
		return VerdictHeldOff
	case c == CodeConsent:
		return VerdictAsked
	case c.Limit():
		return VerdictLimited
	}
	return VerdictFailed
}

var errTotalTimeout = errors.New("total time used up")

func newError(code Code, host, format string, args ...any) *Error {
	reason := fmt.Sprintf(format, args...)
	host = printable(host)
	message := reason
	if host != "" {
		message = host + ": " + reason
	}
	return &Error{Code: code, Host: host, Message: message, reason: reason}
}

// networkError says what err of a connection to t means. ctx is the request's.
func (c *Client) networkError(ctx context.Context, t target, err error) *Error {
	e := c.describe(ctx, t, err)
	e.cause = err
	e.Retryable = e.Code == CodeDNS || e.Code == CodeConnect || e.Code == CodeProxy || e.Code == CodeTimeout || e.Code == CodeLimit
	return e
}

func (c *Client) describe(ctx context.Context, t target, err error) *Error {
	host := t.name()
	if cause := context.Cause(ctx); cause != nil {
		if errors.Is(cause, errTotalTimeout) {
			return newError(CodeTimeout, host, "the request took longer than %s in all", c.limits.TotalTimeout)
		}
		return newError(CodeCanceled, host, "the request was cancelled")
	}
	if atProxy, ok := errors.AsType[*proxyError](err); ok {
		code := CodeProxy
		if atProxy.beyond {
			code = CodeConnect
		}
		return newError(code, host, "by the proxy %s: %s", c.proxy, atProxy.reason)
	}
	dial, dialing := errors.AsType[*net.OpError](err)
	dialing = dialing && dial.Op == "dial"
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP):
		return newError(CodeBlocked, host, "refused: %s is not a public address; add --allow-host %s opens it to one charm, start --allow-hosts to all", address(dial), host)
	case errors.Is(err, errOwnNetwork):
		return newError(CodeBlocked, host, "refused: %s is in this machine's own network; add --allow-host %s opens it to one charm, start --allow-hosts to all", address(dial), host)
	case errors.Is(err, ssrf.ErrProhibitedPort):
		return portError(t)
	case errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrInvalidHostPort):
		return newError(CodeBlocked, host, "refused: not an internet address")
	case isDNS(err):
		return newError(CodeDNS, host, "%s", dnsReason(err))
	case dialing && isTimeout(err):
		return newError(CodeConnect, host, "no connection within %s", c.limits.ConnectTimeout)
	case dialing:
		return newError(CodeConnect, host, "cannot connect: %s", plain(dial.Err))
	case isTLS(err):
		return newError(CodeTLS, host, "no secure connection: %s", plain(err))
	case strings.Contains(err.Error(), "response headers exceeded"):
		return newError(CodeTooLarge, host, "the reply's headers are larger than %d bytes", c.limits.HeaderBytes)
	case isTimeout(err):
		return newError(CodeTimeout, host, "no response headers within %s", c.limits.HeaderTimeout)
	}
	return newError(CodeProtocol, host, "the exchange failed: %s", plain(err))
}

// ours are the errors of a machine that has no descriptor, port or way to
// anywhere left. A router's word that a host is not to be reached looks the same.
var ours = []error{
	syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
	syscall.EADDRNOTAVAIL, syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTUNREACH,
}

// isOurs reports whether err may be the fault of this machine or its name server,
// which then says nothing of the host. Only that there is no such name does.
func isOurs(err error) bool {
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return !e.IsNotFound
	}
	return slices.ContainsFunc(ours, func(e error) bool { return errors.Is(err, e) })
}

func portError(t target) *Error {
	return newError(CodePort, t.host, "port %d is not open to charms, only 80 and 443; add --allow-host %s opens it to one charm, start --allow-hosts to all",
		t.port, joinHostPort(t.host, t.port))
}

func address(dial *net.OpError) string {
	if dial == nil || dial.Addr == nil {
		return "its address"
	}
	if tcp, ok := dial.Addr.(*net.TCPAddr); ok {
		return tcp.IP.String()
	}
	return dial.Addr.String()
}

func isDNS(err error) bool {
	_, ok := errors.AsType[*net.DNSError](err)
	return ok
}

func dnsReason(err error) string {
	e, _ := errors.AsType[*net.DNSError](err)
	switch {
	case e.IsNotFound:
		return "there is no such host"
	case e.IsTimeout:
		return "the name server did not answer in time"
	}
	return "the name could not be resolved"
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

func isTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	text := err.Error()
	return strings.HasPrefix(text, "tls: ") || strings.HasPrefix(text, "remote error: tls: ") || strings.Contains(text, "TLS handshake timeout")
}

// plain is the text of err on one line of bounded length.
func plain(err error) string { return clip(printable(err.Error()), 200) }

// printable replaces what could deceive a reader of a terminal or log: parts of
// a message may be bytes of a hostile server or charm.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
