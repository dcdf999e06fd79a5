package toolshed

import (
	"context"
	"net/http"
	"strings"

	"charmd/internal/api"
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
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
