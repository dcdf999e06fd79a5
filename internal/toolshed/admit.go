package toolshed

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/memory/frames"
)

// open are the addresses that answer without a token. What asks the memory is
// signed instead.
var open = []string{"/healthz", "/readyz", "/api/meta", frames.Path}

// admit refuses requests that reach us under a strange name (a page that rebinds
// its own name to our address), come from another site's page, or have no token.
func (t *Toolshed) admit(r *http.Request) error {
	if !t.ownHost(r.Host) {
		return charm.Errorf(charm.CodeForbidden, "this service is not reached under the host name in the request")
	}
	if origin := r.Header.Get("Origin"); origin != "" && !t.ownOrigin(origin, r.Host) {
		return charm.Errorf(charm.CodeForbidden, "requests from pages of other sites are refused")
	}
	if slices.Contains(open, r.URL.Path) || t.openBlob(r) || openCallback(r) || isSecretLink(r) {
		return nil
	}
	if !t.authorized(r) {
		return charm.Errorf(charm.CodeUnauthorized, "this needs the service's token").
			WithHint("send it as: Authorization: Bearer TOKEN (the file admin.token in the data directory holds it)")
	}
	return nil
}

func (t *Toolshed) authorized(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && subtle.ConstantTimeCompare([]byte(token), []byte(t.o.Token)) == 1
}

// ownHost reports whether hostport names this machine's loopback or is configured.
func (t *Toolshed) ownHost(hostport string) bool {
	host := hostOf(hostport)
	if host == "localhost" || slices.Contains(t.o.Hosts, host) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// hostOf is the host of HOST or HOST:PORT in small letters.
func hostOf(hostport string) string {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	return strings.Trim(strings.ToLower(host), "[]")
}

// ownOrigin reports whether a page of ours sent the request: the same host and
// port as the request itself goes to.
func (t *Toolshed) ownOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, host)
}
