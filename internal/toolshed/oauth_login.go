package toolshed

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/oauth"
)

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
