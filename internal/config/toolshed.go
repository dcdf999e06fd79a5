package config

import (
	"net"
	"net/netip"
	"net/url"
	"strings"

	"charmd/internal/charm"
)

// Embedded is nil when we are the toolshed: none is named, or the one that is
// named is the address we listen on. Otherwise it is a *charm.Error with code
// remote_toolshed that names the option. Commands that work without a daemon
// apply it as the daemon does.
func (c Config) Embedded() error {
	for _, named := range []struct{ option, url string }{{ToolshedURL, c.ToolshedURL}, {MemoryURL, c.MemoryURL}} {
		if named.url == "" || Names(c.Listen, named.url) {
			continue
		}
		from := c.origins[named.option]
		if from == "" {
			from = named.option
		}
		return charm.Errorf(charm.CodeRemoteToolshed,
			"%s names a toolshed at %s, and this release serves its own only", from, quote(named.url)).
			WithHint("unset it, or let it name the address charmd listens on: %s", c.LocalURL())
	}
	return nil
}

// LocalURL is where clients on this machine reach a server that listens at
// c.Listen.
func (c Config) LocalURL() string {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil || !everyAddress(host) {
		return "http://" + c.Listen
	}
	return "http://" + net.JoinHostPort("127.0.0.1", port)
}

// Names reports whether the URL leads to a server that listens on HOST:PORT of
// this machine. localhost, 127.0.0.1 and [::1] are one host; a URL without a
// port has that of its scheme; listening on all addresses includes this host.
// We serve plain http, so an https URL is somebody else's.
func Names(listen, rawURL string) bool {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || port == "0" {
		return false
	}
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "http" || strings.Trim(u.Path, "/") != "" {
		return false
	}
	named := u.Port()
	if named == "" {
		named = "80"
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
