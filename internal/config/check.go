package config

import (
	"net"
	"net/netip"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/egress"
)

// check refuses what no single option is to blame for.
func (c Config) check() error {
	if c.Dev && c.AllowRemote {
		return charm.Errorf(charm.CodeUsage, "dev (%s) and allow-remote (%s) exclude each other", c.origins["dev"], c.origins["allow-remote"]).
			WithHint("with --dev everybody who reaches the server may write: keep it to this machine")
	}
	if err := c.checkToolshed(); err != nil {
		return err
	}
	if c.NotifyCommand != "" && c.NotifyURL != "" {
		return charm.Errorf(charm.CodeUsage, "notify-command (%s) and notify-url (%s) exclude each other", c.origins[NotifyCommand], c.origins[NotifyURL]).
			WithHint("let the command post to the address as well")
	}
	if origin := c.origins[EgressProxy]; strings.HasPrefix(origin, "flag ") {
		if p, err := egress.ParseProxy(c.Proxy); err == nil && p.Secret() {
			return charm.Errorf(charm.CodeUsage, "%s (%s) holds a password, which everybody on this machine may read in the list of processes", EgressProxy, origin).
				WithHint("give it as CHARMD_EGRESS_PROXY, in the environment or in the file of --config")
		}
	}
	if !c.AllowRemote && !loopbackOnly(c.Listen) {
		return charm.Errorf(charm.CodeUsage, "listen (%s) is %s, which other machines may reach", c.origins[Listen], quote(c.Listen)).
			WithHint("listen on 127.0.0.1, or say --allow-remote")
	}
	if given, lacks := TLSCert, TLSKey; (c.TLSCert == "") != (c.TLSKey == "") {
		if c.TLSCert == "" {
			given, lacks = lacks, given
		}
		return charm.Errorf(charm.CodeUsage, "%s (%s) without %s", given, c.origins[given], lacks).
			WithHint("TLS takes a certificate and its key: name both files")
	}
	if c.AllowRemote && !c.BehindProxy && !c.TLS() && !loopbackOnly(c.Listen) {
		return charm.Errorf(charm.CodeUsage, "allow-remote (%s) without TLS: the service's token and what charms keep would pass the network readable", c.origins["allow-remote"]).
			WithHint("name a certificate with --tls-cert and --tls-key; or put a proxy in front that ends TLS, let only it reach the address, and say --behind-proxy")
	}
	return nil
}

// loopbackOnly reports whether listening on the address reaches this machine only.
func loopbackOnly(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err == nil && isLoopback(host)
}

func isLoopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
