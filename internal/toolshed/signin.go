package toolshed

import (
	"net"
	"net/http"
	"strings"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/signin"
)

// signInPath is where a link lets a browser in. Its secret stands in the query,
// which is not logged anywhere.
const (
	signInPath  = "/service/sign-in"
	signOutPath = "/service/sign-out"
	signInsPath = "/api/v1/sign-ins"
)

func (t *Toolshed) signInRoutes() {
	t.mux.HandleFunc("GET "+signInPath, t.signIn)
	t.mux.HandleFunc("POST "+signOutPath, t.signOut)
	t.handle("POST "+signInsPath, func(*http.Request) (any, error) {
		secret, until := t.o.SignIns.NewLink()
		return api.SignInLink{Path: signInPath + "?link=" + secret, ExpiresAt: until.UTC()}, nil
	})
	t.handle("GET "+signInsPath, func(r *http.Request) (any, error) { return t.o.SignIns.List(r.Context()) })
	t.handle("DELETE "+signInsPath, func(r *http.Request) (any, error) {
		n, err := t.o.SignIns.EndAll(r.Context())
		return api.SignedOut{Browsers: n}, err
	})
	t.handle("DELETE "+signInsPath+"/{id}", func(r *http.Request) (any, error) {
		return api.SignedOut{Browsers: 1}, t.o.SignIns.End(r.Context(), r.PathValue("id"))
	})
}

// signIn lets the browser in that follows a link. It answers with a page that goes
// on by itself, not with a redirect: after one, a browser that came from another
// site's page (a terminal in a web page, say) would not send the cookie.
func (t *Toolshed) signIn(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead || r.Header.Get("Sec-Purpose") != "" {
		w.WriteHeader(http.StatusServiceUnavailable) // it only looks ahead, and the link works once
		return
	}
	secret, err := t.o.SignIns.Redeem(r.Context(), r.URL.Query().Get("link"), r.UserAgent())
	if err != nil {
		t.fail(w, r, err)
		return
	}
	http.SetCookie(w, t.cookie(r, secret, int(cookieLife/time.Second)))
	t.o.Pages.SignedIn(w, r)
}

// cookieLife is as long as browsers allow; how long a sign-in lasts the store knows.
const cookieLife = 400 * 24 * time.Hour

func (t *Toolshed) signOut(w http.ResponseWriter, r *http.Request) {
	if id := signin.Current(r.Context()); id != "" {
		if err := t.o.SignIns.End(r.Context(), id); err != nil {
			t.fail(w, r, err)
			return
		}
	}
	http.SetCookie(w, t.cookie(r, "", -1))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// cookie is the one of a browser that is signed in; a negative age, seconds, takes it
// away.
func (t *Toolshed) cookie(r *http.Request, secret string, age int) *http.Cookie {
	return &http.Cookie{
		Name: t.cookieName(r), Value: secret, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: t.overTLS(r),
	}
}

// cookieName has the port in it: browsers send a host's cookies to all its ports,
// and another charmd may listen on one of them. Over TLS it has the prefix by which
// browsers take it from nobody but this host, over TLS.
func (t *Toolshed) cookieName(r *http.Request) string {
	name := "charmd"
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		name += "-" + port
	}
	if t.overTLS(r) {
		name = "__Host-" + name
	}
	return name
}

// bySignIn reports whether a browser asks that is signed in, and returns its
// request with the context of the sign-in. What it asks must come from a page of
// ours: cookies alone do not say which page sent it, since all ports of a host are
// one site.
func (t *Toolshed) bySignIn(r *http.Request) (_ *http.Request, release func(), ok bool, err error) {
	cookie, err := r.Cookie(t.cookieName(r))
	if err != nil {
		return r, nil, false, nil // there is none
	}
	ctx, release, ok := t.o.SignIns.Admit(r.Context(), cookie.Value)
	if !ok {
		return r, nil, false, nil
	}
	if !fromOurPage(r) {
		release()
		return r, nil, false, charm.Errorf(charm.CodeForbidden, "a browser may ask this only from a page of this service")
	}
	return r.WithContext(ctx), release, true, nil
}

// fromOurPage reports whether a page of ours sent the request, or a person by
// following a link. Browsers say so in Origin, whenever something is sent; in
// Sec-Fetch-Site, where they know it, also when something is only read.
func fromOurPage(r *http.Request) bool {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if !reads || r.Header.Get("Upgrade") != "" {
		return r.Header.Get("Origin") != "" // it was checked to be ours
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return true
	}
	return r.Header.Get("Sec-Fetch-Mode") == "navigate"
}

// wantsPage reports whether a person looks at the answer, in a browser.
func wantsPage(r *http.Request) bool {
	return !strings.HasPrefix(r.URL.Path, "/api/") && strings.Contains(r.Header.Get("Accept"), "text/html")
}
