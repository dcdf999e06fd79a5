package toolshed

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"charmd/internal/api"
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/jsontext"
	"charmd/internal/oauth"
)

// The endpoints of runtime spec §5, /api/integrations/PROVIDER-oauth/…, with the
// original's JSON. Tokens are never in it: what stands for them are stand-ins.
const (
	integrations  = "/api/integrations"
	callbackRoute = "GET " + integrations + "/{integration}/callback"
)

func (t *Toolshed) oauthRoutes() {
	const one = integrations + "/{integration}"
	t.mux.HandleFunc("POST "+one+"/login", t.login)
	t.mux.HandleFunc(callbackRoute, t.callback)
	t.mux.HandleFunc("POST "+one+"/refresh", t.refresh)
	t.mux.HandleFunc("POST "+one+"/logout", t.logout)
	t.mux.HandleFunc("GET "+one+"/status", t.authStatus)
}

// provider is the provider that a path names, "google" for "google-oauth".
func provider(r *http.Request) string {
	name, _ := strings.CutSuffix(r.PathValue("integration"), "-oauth")
	return name
}

// openCallback reports whether r is a provider's answer, which a browser brings: it
// is judged by its state and by the cookie of the browser that began.
func openCallback(r *http.Request, route string) bool {
	return route == callbackRoute && r.Method == http.MethodGet && strings.HasSuffix(segment(r, integrations), "-oauth")
}

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

// authCell reads the link to an auth cell, and follows it to where the account is kept.
func (t *Toolshed) authCell(ctx context.Context, text string) (space string, at charm.AuthCell, err error) {
	if space, at, err = parseAuthCell(text); err == nil {
		at, err = t.o.Manager.Follow(ctx, space, at)
	}
	return space, at, err
}

// parseAuthCell reads a link in the text form in which pages send it.
func parseAuthCell(text string) (space string, at charm.AuthCell, err error) {
	var link struct {
		Space string
		Cell  struct {
			ID string `json:"/"`
		}
		Path []any
	}
	err = jsontext.Decode([]byte(text), &link)
	to, ok := cell.ParseLink(link.Cell.ID, link.Path)
	if err != nil || !ok || !charm.IsDID(link.Space) {
		return "", at, charm.Errorf(charm.CodeInvalid, "authCellId is not the link of a cell")
	}
	return link.Space, charm.AuthCell{ID: to.ID, Path: to.Path}, nil
}

type authRequest struct{ AuthCellID, IntegrationCharmID, ConnectionID, RefreshToken string }

func readAuth(r *http.Request) (req authRequest, err error) {
	body, err := readBody(r)
	if err == nil {
		err = jsontext.Decode(body, &req)
	}
	return req, err
}

func (t *Toolshed) login(w http.ResponseWriter, r *http.Request) {
	fail := func(text string, err error) {
		if e, ok := asCharmError(err); ok && e.Code != charm.CodeInternal {
			text += ": " + e.Message
		}
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": text})
	}
	req, err := readAuth(r)
	if err == nil && req.AuthCellID == "" && req.ConnectionID == "" {
		fail("Missing authCellId in request", nil)
		return
	}
	if err == nil {
		err = t.mayConnect()
	}
	var to oauth.Target
	if err == nil {
		to, err = t.target(r.Context(), provider(r), req)
	}
	var begun oauth.Begun
	if err == nil {
		back := origin(r).JoinPath(integrations, r.PathValue("integration"), "callback").String()
		begun, err = t.o.Accounts.Begin(r.Context(), provider(r), to, back, session(w, r))
	}
	if err != nil {
		t.o.Logger.Warn("a login was refused", "provider", provider(r), "err", err)
		fail("Failed to process login request", err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"url": begun.URL})
}

// mayConnect refuses accounts to a toolshed alone: no requests of charms leave here, and
// whoever runs them elsewhere could do nothing with a stand-in of ours.
func (t *Toolshed) mayConnect() error {
	if t.o.Alone {
		return charm.Errorf(charm.CodeInvalid, "no charms run in this toolshed, so no account can be used here").
			WithHint("connect it at the charmd beside it that runs the charm")
	}
	return nil
}

// target is what a page asks to connect an account for: an auth cell, or what a
// connection was made for that is to be connected again.
func (t *Toolshed) target(ctx context.Context, provider string, req authRequest) (to oauth.Target, err error) {
	if req.ConnectionID == "" {
		to.Charm = req.IntegrationCharmID
		to.Space, to.Cell, err = t.authCell(ctx, req.AuthCellID)
		return to, err
	}
	conn, ok := t.o.Accounts.ByID(req.ConnectionID)
	if !ok || conn.Provider != provider {
		return to, charm.Errorf(charm.CodeNotFound, "that account is not connected any more")
	}
	return oauth.Target{Space: conn.Space, Charm: conn.Charm, Cell: conn.Cell}, nil
}

// callback is where the provider sends the browser back to.
func (t *Toolshed) callback(w http.ResponseWriter, r *http.Request) {
	q, name := r.URL.Query(), provider(r)
	answer := oauth.Answer{State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Issuer: q.Get("iss")}
	if answer.State == "" {
		t.o.Accounts.Refuse(r.Context(), name, sender(r), errors.New("it has no state"))
		t.o.Pages.Answered(w, r, http.StatusBadRequest, api.AccountAnswer{Error: "No state parameter received"})
		return
	}
	conn, err := t.o.Accounts.Finish(r.Context(), name, knownSession(r), answer)
	if err != nil {
		status, text, warn := http.StatusOK, "Failed to process callback", t.o.Logger.Warn
		if errors.Is(err, oauth.ErrForged) {
			status, warn = http.StatusBadRequest, t.forged.Warn
			t.o.Accounts.Refuse(r.Context(), name, sender(r), err)
		}
		warn("the answer of a provider was refused", "provider", name, "from", r.RemoteAddr, "err", err)
		if e, ok := asCharmError(err); ok && e.Code != charm.CodeInternal {
			text = "Authentication failed: " + e.Message
			switch {
			case status == http.StatusOK && answer.Error != "": // the original's words
				text = "Authentication failed: " + oauth.Denied(answer.Error)
			case answer.Error == "" && answer.Code == "":
				text = e.Message
			}
		}
		t.o.Pages.Answered(w, r, status, api.AccountAnswer{Error: text})
		return
	}
	t.connected(r.Context(), conn.Connection)
	t.o.Pages.Answered(w, r, http.StatusOK, api.AccountAnswer{Success: true, Message: "Authentication successful", Notes: t.notes(conn), Details: &api.AccountDetails{
		State: answer.State, Scope: strings.Join(conn.Scopes, " "), Timestamp: time.Now().UTC(),
		TokenInfo: api.AccountToken{TokenType: "Bearer", ExpiresAt: conn.Expires.UnixMilli()},
		UserInfo:  api.AccountUser(conn.Account),
	}})
}

// sender is the address that a request came from.
func sender(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// notes are what a person should know who has connected an account.
func (t *Toolshed) notes(conn oauth.Connected) (notes []string) {
	if conn.Before != "" {
		notes = append(notes, "The charm had the account "+conn.Before+" before. What it has brought in from there stays, and what it brings in from now on comes beside it.")
	}
	if missing := t.o.Accounts.Missing(conn.Connection); len(missing) > 0 {
		notes = append(notes, "Not given: "+strings.Join(missing, ", ")+". To give it, connect again.")
	}
	return notes
}

// connected registers the charm of a new connection, as the original does.
func (t *Toolshed) connected(ctx context.Context, conn charm.Connection) {
	p, err := t.o.Accounts.Provider(conn.Provider)
	if err != nil || conn.Charm == "" {
		return
	}
	if err := t.o.Manager.Register(ctx, conn.Space, conn.Charm, p.Integration); err != nil {
		t.o.Logger.Warn("the charm of an account could not be registered", "charm", conn.Charm, "err", err)
	}
}

// tokenReply answers a request to refresh.
type tokenReply struct {
	Success   bool             `json:"success"`
	Message   string           `json:"message"`
	TokenInfo *oauth.TokenInfo `json:"tokenInfo"`
}

func (t *Toolshed) refresh(w http.ResponseWriter, r *http.Request) {
	req, err := readAuth(r)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "Failed to process refresh request"})
		return
	}
	status, reply := t.refreshed(r.Context(), provider(r), "", req)
	writeJSON(w, status, reply)
}

// refreshed answers a refresh for who is of the space, "" for any.
func (t *Toolshed) refreshed(ctx context.Context, provider, space string, req authRequest) (int, any) {
	conn, ok := t.asked(ctx, space, req)
	switch {
	case req.RefreshToken == "" && req.AuthCellID == "":
		return http.StatusBadRequest, map[string]string{"error": "No refreshToken provided"}
	case !ok || conn.Provider != provider:
		return http.StatusBadRequest, map[string]string{"error": "Failed to refresh token"}
	}
	info, err := t.o.Accounts.Refresh(ctx, conn)
	if err != nil {
		t.o.Logger.Warn("a token was not refreshed", "connection", conn.ID, "err", err)
		return http.StatusBadRequest, map[string]string{"error": "Failed to refresh token"}
	}
	return http.StatusOK, tokenReply{true, "success", &info}
}

// asked is the connection whose refresh is asked for by who is of the space.
func (t *Toolshed) asked(ctx context.Context, space string, req authRequest) (charm.Connection, bool) {
	if req.RefreshToken != "" || req.AuthCellID == "" {
		return t.o.Accounts.ByRefreshToken(space, req.RefreshToken)
	}
	of, at, err := t.authCell(ctx, req.AuthCellID)
	if err != nil || space != "" && of != space {
		return charm.Connection{}, false
	}
	return t.o.Accounts.ByCell(of, at)
}

func (t *Toolshed) logout(w http.ResponseWriter, r *http.Request) {
	fail := func(status int, text string) { writeJSON(w, status, map[string]any{"success": false, "error": text}) }
	req, err := readAuth(r)
	switch {
	case err != nil:
		fail(http.StatusBadRequest, "Failed to process logout request")
		return
	case req.AuthCellID == "":
		fail(http.StatusBadRequest, "Missing authCellId in request")
		return
	}
	space, at, err := t.authCell(r.Context(), req.AuthCellID)
	if err == nil {
		err = t.loggedOut(r.Context(), space, at)
	}
	if err != nil {
		t.o.Logger.Warn("a logout failed", "err", err)
		fail(api.ProblemOf(err).Status(), "Failed to process logout request")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"success": true, "message": "Successfully logged out"})
}

// loggedOut ends the connection of a cell, and empties a cell that has none.
func (t *Toolshed) loggedOut(ctx context.Context, space string, at charm.AuthCell) error {
	if conn, ok := t.o.Accounts.ByCell(space, at); ok {
		return t.o.Accounts.End(ctx, conn.ID)
	}
	return t.o.Accounts.Empty(ctx, space, at)
}

// authStatus says how the connection of a cell stands.
func (t *Toolshed) authStatus(w http.ResponseWriter, r *http.Request) {
	space, at, err := t.authCell(r.Context(), r.URL.Query().Get("authCellId"))
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{"success": false, "error": err.Error()})
		return
	}
	conn, ok := t.o.Accounts.ByCell(space, at)
	if !ok || conn.Provider != provider(r) {
		writeJSON(w, http.StatusOK, map[string]any{"success": true, "connected": false})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"success": true, "connected": conn.State == charm.Connected, "connection": t.connectionJSON(r.Context(), conn),
	})
}

// Local answers a request of a charm of the space to the toolshed's address. Of all that
// is here, a charm needs only what the era's recipes ask for: the refresh of its token.
// When that is one that another toolshed keeps, there is no answer, and theirs is what
// to ask the toolshed that we are a client of: made anew of what was judged, since it
// may read a name in other letters, or one that stands twice, otherwise than we do.
func (t *Toolshed) Local(ctx context.Context, space string, req egress.Request) (reply egress.Reply, theirs *egress.Request, ok bool) {
	u, err := url.Parse(req.URL)
	if err != nil || req.Method != http.MethodPost {
		return egress.Reply{}, nil, false
	}
	rest, ours := strings.CutPrefix(u.Path, integrations+"/")
	name, ends := strings.CutSuffix(rest, "-oauth/refresh")
	if !ours || !ends || !oauth.IsProviderName(name) || t.o.Accounts == nil {
		return egress.Reply{}, nil, false
	}
	var asked authRequest
	status, answer := http.StatusBadRequest, any(map[string]string{"error": "Failed to process refresh request"})
	if jsontext.Decode(req.Body, &asked) == nil {
		if t.o.Beside != "" && t.theirs(ctx, space, asked) {
			to := url.URL{Scheme: u.Scheme, Host: u.Host, Path: integrations + "/" + name + "-oauth/refresh"}
			req.URL, req.Body = to.String(), asked.refresh()
			return egress.Reply{}, &req, false
		}
		status, answer = t.refreshed(ctx, name, space, asked)
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return egress.Reply{}, nil, false
	}
	return egress.Reply{Status: status, StatusText: http.StatusText(status), URL: req.URL, Headers: [][2]string{{"content-type", "application/json"}}, Body: body}, nil, true
}

// refresh is the body that asks for a refresh, and for nothing else.
func (a authRequest) refresh() []byte {
	name, value := "refreshToken", a.RefreshToken
	if value == "" {
		name, value = "authCellId", a.AuthCellID
	}
	body, _ := json.Marshal(map[string]string{name: value}) // texts always marshal
	return body
}

// theirs reports whether a refresh is of a token that another toolshed keeps: it is no
// stand-in, or stands in a cell of the charm's space to which nothing of ours is connected.
func (t *Toolshed) theirs(ctx context.Context, space string, req authRequest) bool {
	if _, ok := t.asked(ctx, space, req); ok {
		return false
	}
	if req.RefreshToken != "" {
		return !oauth.IsStandIn(req.RefreshToken)
	}
	of, _, err := parseAuthCell(req.AuthCellID)
	return err == nil && of == space
}
