package toolshed

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/jsontext"
	"charmd/internal/oauth"
)

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
