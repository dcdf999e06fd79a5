package egress

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"charmd/internal/charm"
)

// maxURLBytes bounds an address; servers accept far less.
const maxURLBytes = 64 << 10

// target is a checked destination: what the rules are applied to and what is
// dialled are the same canonical host, so no second reading of the address can
// disagree with the first.
type target struct {
	url  *url.URL // absolute, canonical host, no user info, no fragment
	host string   // lower-case ASCII without brackets and final dot; an address in its usual form
	port uint16
}

// origin is scheme, host and port as the web compares them.
type origin struct {
	scheme, host string
	port         uint16
}

func (t target) origin() origin { return origin{t.url.Scheme, t.host, t.port} }

// name is the host for people, with the port when it is not the usual one.
func (t target) name() string {
	if t.port == defaultPort(t.url.Scheme) {
		return t.host
	}
	return joinHostPort(t.host, t.port)
}

// parseTarget checks an absolute address.
func parseTarget(raw string) (target, *Error) {
	if len(raw) > maxURLBytes {
		return target{}, newError(CodeTooLarge, hostOf(raw), "the address is longer than %d bytes", maxURLBytes)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return target{}, newError(CodeProtocol, hostOf(raw), "the address is not a valid URL")
	}
	return checkTarget(u)
}

// resolve checks the address that a redirect from t points to.
func (t target) resolve(location string) (target, *Error) {
	if len(location) > maxURLBytes {
		return target{}, newError(CodeTooLarge, t.name(), "it redirects to an address longer than %d bytes", maxURLBytes)
	}
	u, err := t.url.Parse(location)
	if err != nil {
		return target{}, newError(CodeProtocol, t.name(), "it redirects to something that is not a valid URL")
	}
	return checkTarget(u)
}

func checkTarget(u *url.URL) (target, *Error) {
	name := clip(u.Hostname(), 255)
	if u.Scheme != "http" && u.Scheme != "https" {
		if u.Scheme == "" {
			return target{}, newError(CodeScheme, name, "the address is not absolute; only http and https addresses can be fetched")
		}
		return target{}, newError(CodeScheme, name, "%q addresses cannot be fetched, only http and https", clip(u.Scheme, 32))
	}
	if u.User != nil {
		return target{}, newError(CodeBlocked, name, "the address holds a user name or password; send an Authorization header instead")
	}
	host, err := canonicalHost(u.Hostname())
	if err != nil {
		return target{}, err
	}
	port := defaultPort(u.Scheme)
	if p := u.Port(); p != "" {
		n, convErr := strconv.ParseUint(p, 10, 16)
		if convErr != nil || n == 0 {
			return target{}, newError(CodePort, host, "%q is not a port number", clip(p, 16))
		}
		port = uint16(n)
	}
	t := target{host: host, port: port}
	c := *u
	c.Fragment, c.RawFragment = "", ""
	c.Host = joinHostPort(host, port)
	if port == defaultPort(u.Scheme) {
		c.Host = strings.TrimSuffix(c.Host, ":"+strconv.Itoa(int(port)))
	}
	t.url = &c
	return t, nil
}

// canonicalHost brings a host name or address into the one form that rules and
// resolver see. Short, octal, hexadecimal and single-number forms of IPv4
// addresses are refused: programs disagree about what they mean.
func canonicalHost(raw string) (string, *Error) {
	shown := clip(raw, 255)
	if raw == "" {
		return "", newError(CodeProtocol, "", "the address names no host")
	}
	if strings.Contains(raw, ":") {
		addr, err := netip.ParseAddr(raw)
		if err != nil {
			return "", newError(CodeProtocol, shown, "not a valid IPv6 address")
		}
		return addr.Unmap().String(), nil
	}
	host := raw
	if !isASCII(raw) {
		ascii, err := idna.Lookup.ToASCII(raw)
		if err != nil {
			return "", newError(CodeProtocol, shown, "not a valid host name")
		}
		host = ascii
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if !validHostName(host) {
		return "", newError(CodeProtocol, shown, "not a valid host name")
	}
	if looksNumeric(host) {
		addr, err := netip.ParseAddr(host)
		if err != nil || !addr.Is4() {
			return "", newError(CodeBlocked, shown, "an unusual form of an IPv4 address; write four decimal numbers")
		}
		return addr.String(), nil
	}
	return host, nil
}

// validHostName accepts letters, digits, hyphens and underscores in labels of
// 1 to 63 bytes, 253 in all.
func validHostName(host string) bool {
	if len(host) == 0 || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if len(label) == 0 || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

// looksNumeric reports whether some program would take host for an IPv4
// address: its last label is a decimal, octal or hexadecimal number.
func looksNumeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

func parseOrigins(list []string) (map[origin]bool, error) {
	set := make(map[origin]bool, len(list))
	for _, entry := range list {
		t, err := parseTarget(entry)
		if err != nil {
			return nil, charm.Errorf(charm.CodeUsage, "%q is not an origin: %w", entry, err).
				WithHint("write it as scheme://host:port, for example http://127.0.0.1:8000")
		}
		set[t.origin().folded()] = true
	}
	return set, nil
}

// folded makes the names of this machine's loopback interface one.
func (o origin) folded() origin {
	if isLocalhost(o.host) {
		o.host = "localhost"
	} else if addr, err := netip.ParseAddr(o.host); err == nil && addr.IsLoopback() {
		o.host = "localhost"
	}
	return o
}

func isLocalhost(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func defaultPort(scheme string) uint16 {
	if scheme == "https" {
		return 443
	}
	return 80
}

func joinHostPort(host string, port uint16) string {
	if strings.Contains(host, ":") {
		return fmt.Sprintf("[%s]:%d", host, port)
	}
	return fmt.Sprintf("%s:%d", host, port)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
