package fakegoogle

import (
	"net/http"
	"slices"
	"strings"
)

// HandleAPI adds an API: fn answers requests with a good access token of an account
// that has given the scope, all others get Google's errors.
func (g *Google) HandleAPI(pattern, scope string, fn func(w http.ResponseWriter, r *http.Request, who Account)) {
	g.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if token == "" {
			token = r.URL.Query().Get("access_token")
		}
		g.mu.Lock()
		a, ok := g.access[token]
		good := ok && !a.grant.revoked && g.now().Before(a.expires)
		g.mu.Unlock()
		switch {
		case !good:
			w.Header().Set("WWW-Authenticate", `Bearer realm="https://accounts.google.com/", error="invalid_token"`)
			apiError(w, http.StatusUnauthorized, "UNAUTHENTICATED", "authError",
				"Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.")
		case !slices.Contains(a.grant.scopes, scope):
			w.Header().Set("WWW-Authenticate", `Bearer realm="https://accounts.google.com/", error="insufficient_scope", scope="`+scope+`"`)
			apiError(w, http.StatusForbidden, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "Request had insufficient authentication scopes.")
		default:
			fn(w, r, a.grant.account)
		}
	})
}

// apiError answers as Google's APIs do.
func apiError(w http.ResponseWriter, status int, name, reason, message string) {
	Answer(w, status, map[string]any{"error": map[string]any{
		"code": status, "message": message, "status": name,
		"errors":  []map[string]string{{"message": message, "domain": "global", "reason": reason}},
		"details": []map[string]string{{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}},
	}})
}
