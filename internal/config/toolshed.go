package config

import (
	"net"
	"net/netip"
	"net/url"
	"strings"

	"charmd/internal/charm"
)

// BesideListen is where we serve beside another toolshed, which has the default
// address as a rule.
const BesideListen = "127.0.0.1:8100"

// Foreign is the toolshed that we are a client of, and its memory server; both are
// "" when we are the toolshed: none is named, or the one that is named is the
// address we listen on.
func (c Config) Foreign() (toolshed, memory string) {
	toolshed, memory = c.ToolshedURL, c.MemoryURL
	if toolshed == "" {
		toolshed = memory
	}
	if memory == "" {
		memory = toolshed
	}
	if toolshed == "" || c.Names(toolshed) && c.Names(memory) {
		return "", ""
	}
	return strings.TrimRight(toolshed, "/"), strings.TrimRight(memory, "/")
}

// checkToolshed refuses a toolshed of which one half is ours and one is not.
func (c Config) checkToolshed() error {
	toolshed, memory := c.Foreign()
	if toolshed == "" || c.Names(toolshed) == c.Names(memory) {
		return nil
	}
	return charm.Errorf(charm.CodeUsage, "%s (%s) and %s (%s) name two toolsheds, of which one is the address that charmd listens on",
		ToolshedURL, quote(toolshed), MemoryURL, quote(memory)).WithHint("let both name the same one, or leave %s out", MemoryURL)
}

// Aside is c for a service beside whatever has the address that we would listen
// on, if the toolshed that is named is there and no address was chosen.
func (c Config) Aside() Config {
	if c.ToolshedURL+c.MemoryURL != "" && c.origins[Listen] == "" {
		c.Listen = BesideListen
	}
	return c
}

var usualPort = map[string]string{"http": "80", "https": "443"}

// SameToolshed is the form of a toolshed's address in which equal ones are equal
// texts.
func SameToolshed(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	host, port := oneHost(u.Hostname()), u.Port()
	if port == "" {
		port = usualPort[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(host, trimZeros(port)) + strings.TrimRight(u.Path, "/")
}

// LocalURL is where clients on this machine reach a server that listens at
// c.Listen.
func (c Config) LocalURL() string {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil || !everyAddress(host) {
		return c.scheme() + "://" + c.Listen
	}
	return c.scheme() + "://" + net.JoinHostPort("127.0.0.1", port)
}

// At is c for a service that is reached at the address.
func (c Config) At(address string) Config {
	scheme, listen, _ := strings.Cut(address, "://")
	c.Listen, c.TLSCert = listen, ""
	if scheme == "https" {
		c.TLSCert = "of the service there"
	}
	return c
}

// TLS reports whether we serve over TLS.
func (c Config) TLS() bool { return c.TLSCert != "" }

func (c Config) scheme() string {
	if c.TLS() {
		return "https"
	}
	return "http"
}

// Names reports whether the URL leads to a server that listens at c.Listen of this
// machine. localhost, 127.0.0.1 and [::1] are one host; a URL without a port has
// that of its scheme; listening on all addresses includes this host. We serve one
// scheme, so a URL of another is somebody else's.
func (c Config) Names(rawURL string) bool {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil || port == "0" {
		return false
	}
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != c.scheme() || strings.Trim(u.Path, "/") != "" {
		return false
	}
	named := u.Port()
	if named == "" {
		named = usualPort[u.Scheme]
	}
	if trimZeros(named) != trimZeros(port) {
		return false
	}
	if everyAddress(host) {
		return oneHost(u.Hostname()) == oneHost("localhost") || everyAddress(u.Hostname())
	}
	return oneHost(host) == oneHost(u.Hostname())
}

// oneHost is the host in the form in which equal hosts are equal texts.
func oneHost(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if ip = ip.Unmap(); ip == netip.IPv6Loopback() {
		return "127.0.0.1"
	}
	return ip.String()
}

func everyAddress(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

func trimZeros(port string) string { return strings.TrimLeft(port, "0") }
