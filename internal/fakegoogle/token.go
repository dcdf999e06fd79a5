package fakegoogle

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// lost is the status of an answer that does not arrive.
const lost = 599

// refuse answers as the token endpoint does. The caller holds mu.
func (g *Google) refuse(w http.ResponseWriter, r *http.Request, status int, code, description string) {
	if g.rules.Echo {
		description += " You sent: " + r.Form.Encode()
	}
	Answer(w, status, map[string]string{"error": code, "error_description": description})
}

// authorize is the page on which a person allows the access; this one is quick.
func (g *Google) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || back.Host == "" || q.Get("client_id") != ClientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" {
		http.Error(w, "Error 400: invalid_request", http.StatusBadRequest)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	answer := url.Values{"state": {q.Get("state")}}
	if g.rules.Denied {
		answer.Set("error", "access_denied")
	} else {
		grant := g.grant(strings.Fields(q.Get("scope")))
		grant.challenge, grant.redirect = q.Get("code_challenge"), q.Get("redirect_uri")
		code := g.secret("4/0A")
		g.codes[code] = grant
		answer.Set("code", code)
		answer.Set("scope", strings.Join(grant.scopes, " "))
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// grant is what the person allows of the scopes. The caller holds mu.
func (g *Google) grant(scopes []string) *grant {
	scopes = slices.DeleteFunc(scopes, func(s string) bool { return slices.Contains(g.rules.Withheld, s) })
	return &grant{account: g.Account, scopes: scopes}
}

func (g *Google) device(w http.ResponseWriter, r *http.Request) {
	id := r.FormValue("client_id")
	g.mu.Lock()
	defer g.mu.Unlock()
	if id != ClientID {
		g.refuse(w, r, http.StatusUnauthorized, "invalid_client", "The OAuth client was not found.")
		return
	}
	grant := g.grant(strings.Fields(r.FormValue("scope")))
	grant.user = "ABCD-EFGH"
	code := g.secret("AH-1Ng")
	g.devices[code] = grant
	Answer(w, http.StatusOK, map[string]any{
		"device_code": code, "user_code": grant.user, "expires_in": 1800, "interval": 1, "verification_url": "https://www.google.com/device",
	})
}

// Type is the person typing the user codes of all devices that wait.
func (g *Google) Type() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, grant := range g.devices {
		grant.user = ""
	}
}

func (g *Google) token(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	hold, status := g.rules.Hold, g.rules.Status
	g.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return
		}
	}
	id, secret := r.FormValue("client_id"), r.FormValue("client_secret")
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case status != 0:
		http.Error(w, "<html><title>Error</title>"+http.StatusText(status)+"</html>", status)
	case id != ClientID:
		g.refuse(w, r, http.StatusUnauthorized, "invalid_client", "The OAuth client was not found.")
	case secret != ClientSecret:
		g.refuse(w, r, http.StatusUnauthorized, "invalid_client", "Unauthorized")
	default:
		g.exchange(w, r)
	}
}

// exchange gives tokens for what was shown. The caller holds mu.
func (g *Google) exchange(w http.ResponseWriter, r *http.Request) {
	switch r.FormValue("grant_type") {
	case "authorization_code":
		grant := g.codes[r.FormValue("code")]
		delete(g.codes, r.FormValue("code"))
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		switch {
		case grant == nil || grant.revoked:
			g.refuse(w, r, http.StatusBadRequest, "invalid_grant", "Malformed auth code.")
		case grant.redirect != r.FormValue("redirect_uri"):
			g.refuse(w, r, http.StatusBadRequest, "redirect_uri_mismatch", "Bad Request")
		case grant.challenge != base64.RawURLEncoding.EncodeToString(sum[:]):
			g.refuse(w, r, http.StatusBadRequest, "invalid_grant", "Invalid code verifier.")
		default:
			g.begin(w, grant)
		}
	case "urn:ietf:params:oauth:grant-type:device_code":
		grant := g.devices[r.FormValue("device_code")]
		switch {
		case grant == nil:
			g.refuse(w, r, http.StatusBadRequest, "invalid_grant", "Malformed device code.")
		case grant.user != "":
			g.refuse(w, r, http.StatusPreconditionRequired, "authorization_pending", "Precondition Required")
		default:
			delete(g.devices, r.FormValue("device_code"))
			g.begin(w, grant)
		}
	case "refresh_token":
		g.renew(w, r)
	default:
		g.refuse(w, r, http.StatusBadRequest, "unsupported_grant_type", "Invalid grant_type: "+r.FormValue("grant_type"))
	}
}

// week is how long an access lasts that was given to an app in testing.
const week = 7 * 24 * time.Hour

// begin gives the first tokens of a grant.
func (g *Google) begin(w http.ResponseWriter, grant *grant) {
	if g.rules.Testing {
		grant.ends = g.now().Add(week)
	}
	token := g.secret("1//0e")
	g.refresh[token] = grant
	g.tokens(w, grant, token)
}

// renew gives a new access token for a refresh token.
func (g *Google) renew(w http.ResponseWriter, r *http.Request) {
	token := r.FormValue("refresh_token")
	grant := g.refresh[token]
	if grant == nil || grant.revoked || !grant.ends.IsZero() && g.now().After(grant.ends) {
		g.refuse(w, r, http.StatusBadRequest, "invalid_grant", "Token has been expired or revoked.")
		return
	}
	next := ""
	delete(g.refresh, g.before[token])
	if g.rules.Rotate {
		next = g.secret("1//0e")
		g.refresh[next], g.before[next] = grant, token
	}
	if g.rules.Rotate && g.rules.Strict {
		delete(g.refresh, token)
	}
	g.tokens(w, grant, next)
}

// tokens answers with an access token, and a refresh token unless that is "".
func (g *Google) tokens(w http.ResponseWriter, grant *grant, refresh string) {
	lifetime := g.rules.Lifetime
	if lifetime == 0 {
		lifetime = 3599 * time.Second
	}
	token := g.secret("ya29.a0")
	g.access[token] = access{grant, g.now().Add(lifetime)}
	if g.rules.Forget > 0 {
		g.rules.Forget--
		if c, ok := w.(http.Hijacker); ok { // the connection breaks before anything is sent
			if conn, _, err := c.Hijack(); err == nil {
				_ = conn.Close()
			}
			return
		}
		w.WriteHeader(lost)
		return
	}
	reply := map[string]any{
		"access_token": token, "expires_in": int(lifetime.Seconds()), "scope": strings.Join(grant.scopes, " "), "token_type": "Bearer",
	}
	if refresh != "" {
		reply["refresh_token"] = refresh
	}
	if !grant.ends.IsZero() {
		reply["refresh_token_expires_in"] = int(grant.ends.Sub(g.now()).Seconds())
	}
	Answer(w, http.StatusOK, reply)
}

func (g *Google) revoke(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	grant := g.refresh[r.FormValue("token")]
	if a, ok := g.access[r.FormValue("token")]; ok {
		grant = a.grant
	}
	if grant == nil || grant.revoked {
		g.refuse(w, r, http.StatusBadRequest, "invalid_token", "Token expired or revoked")
		return
	}
	grant.revoked = true
	Answer(w, http.StatusOK, map[string]string{})
}

func (g *Google) discovery(w http.ResponseWriter, _ *http.Request) {
	Answer(w, http.StatusOK, map[string]string{
		"issuer": g.URL, "authorization_endpoint": g.URL + "/o/oauth2/v2/auth", "token_endpoint": g.URL + "/token",
		"device_authorization_endpoint": g.URL + "/device/code", "userinfo_endpoint": g.URL + "/v1/userinfo", "revocation_endpoint": g.URL + "/revoke",
	})
}
