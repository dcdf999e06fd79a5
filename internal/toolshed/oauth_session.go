package toolshed

import (
	"crypto/rand"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// loginCookie ties a login to the browser that began it.
const loginCookie = "charmd_login"

// The sessions in which logins are begun, and ended. What a browser says never makes it
// the one of those who have the service's token: whoever of them begins may end.
const (
	apiSession      = "api\x00"
	browserPrefix   = "browser\x00"
	shortestSession = 26 // of a browser; as long as rand.Text
)

// knownSession is the browser's session; "", in which nothing was begun, when it has none.
func knownSession(r *http.Request) string {
	if c, err := r.Cookie(loginCookie); err == nil && len(c.Value) >= shortestSession {
		return browserPrefix + c.Value
	}
	return ""
}

// session is the browser's session, made when it has none yet.
func session(w http.ResponseWriter, r *http.Request) string {
	if known := knownSession(r); known != "" {
		return known
	}
	value := rand.Text()
	http.SetCookie(w, &http.Cookie{
		Name: loginCookie, Value: value, Path: integrations + "/", MaxAge: int((10 * time.Minute).Seconds()),
		HttpOnly: true, Secure: origin(r).Scheme == "https", SameSite: http.SameSiteLaxMode,
	})
	return browserPrefix + value
}

// origin is the address that the request was sent to. http is for this machine alone.
func origin(r *http.Request) *url.URL {
	scheme := "https"
	if r.TLS == nil && onThisMachine(r) {
		scheme = "http"
	}
	return &url.URL{Scheme: scheme, Host: r.Host}
}

// onThisMachine reports whether the request comes under a name of the loopback
// interface.
func onThisMachine(r *http.Request) bool {
	host := hostOf(r.Host)
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
