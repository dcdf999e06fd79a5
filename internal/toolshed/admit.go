package toolshed

import (
	"crypto/subtle"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/memory/frames"
)

// open are the routes that answer without a token, as what is below assetsPath
// does. What asks the memory is signed instead, and a link to sign in holds a secret
// of its own.
var open = []string{"GET /healthz", "GET /readyz", "GET /api/meta", "GET " + signInPath, frames.Path}

// openTo reports whether a request that goes to route needs no token. What its path
// looks like decides nothing: %2F is a slash to us and not to the mux.
func (t *Toolshed) openTo(r *http.Request, route string) bool {
	return slices.Contains(open, route) || strings.HasPrefix(route, "GET "+assetsPath) ||
		t.openBlob(r, route) || t.signedRecipe(r, route) || openCallback(r, route) || route == charmRoute && isSecretLink(r)
}

// segment is the part of the path behind base, up to the next slash, as the mux
// reads it; "" when there is none.
func segment(r *http.Request, base string) string {
	rest, _ := strings.CutPrefix(r.URL.EscapedPath(), base+"/")
	first, _, _ := strings.Cut(rest, "/")
	text, err := url.PathUnescape(first)
	if err != nil {
		return ""
	}
	return text
}

// admit refuses requests that reach us under a strange name (a page that rebinds
// its own name to our address), come from another site's page, or have neither the
// token nor, where that will do, the cookie of a browser that is signed in. It returns the request to
// answer, and what to call when that is done.
func (t *Toolshed) admit(r *http.Request) (_ *http.Request, release func(), err error) {
	if !t.ownHost(r.Host) {
		return r, nil, charm.Errorf(charm.CodeForbidden, "this service is not reached under the host name in the request")
	}
	if pages := r.Header.Values("Origin"); len(pages) > 0 && (len(pages) > 1 || !t.ownOrigin(pages[0], r)) {
		return r, nil, charm.Errorf(charm.CodeForbidden, "requests from pages of other sites are refused").
			WithHint("behind a proxy that ends TLS, start with --behind-proxy")
	}
	nothing := func() {}
	if t.authorized(r) {
		tellCrowd(r.Context(), true)
		return r, nothing, nil
	}
	_, route := t.mux.Handler(r)
	if t.openTo(r, route) {
		tellCrowd(r.Context(), false)
		return r, nothing, nil
	}
	if !profiled(route) {
		r, release, ok, err := t.bySignIn(r)
		if err != nil || ok {
			tellCrowd(r.Context(), ok)
			return r, release, err
		}
	}
	return r, nil, charm.Errorf(charm.CodeUnauthorized, "this needs the service's token").
		WithHint("send it as: Authorization: Bearer TOKEN (the file admin.token in the data directory holds it)")
}

func (t *Toolshed) authorized(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && subtle.ConstantTimeCompare([]byte(token), []byte(t.o.Token)) == 1
}

// ownHost reports whether hostport names this machine's loopback or is configured.
func (t *Toolshed) ownHost(hostport string) bool {
	host := hostOf(hostport)
	if host == "" {
		return false
	}
	if host == "localhost" || slices.Contains(t.o.Hosts, host) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// hostOf is the host of HOST or HOST:PORT in small letters, "" when it is neither. An
// IPv6 address without a port may do without brackets.
func hostOf(hostport string) string {
	if addr, err := netip.ParseAddr(hostport); err == nil {
		return addr.String()
	}
	u, err := url.Parse("//" + hostport)
	if err != nil || u.Host != hostport || u.User != nil {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	if _, err := netip.ParseAddr(host); err != nil && strings.ContainsAny(hostport, "[]") {
		return "" // brackets are for addresses
	}
	return host
}

// ownOrigin reports whether a page of ours sent the request: of the scheme, host and
// port that the request itself goes to.
func (t *Toolshed) ownOrigin(page string, r *http.Request) bool {
	scheme := "http"
	if t.overTLS(r) {
		scheme = "https"
	}
	return strings.EqualFold(page, scheme+"://"+r.Host)
}

// overTLS reports whether whoever asks speaks TLS, to us or to the proxy in front of
// us. Who asks from this machine does not come by a proxy.
func (t *Toolshed) overTLS(r *http.Request) bool {
	return r.TLS != nil || t.o.BehindProxy && !onThisMachine(r)
}
