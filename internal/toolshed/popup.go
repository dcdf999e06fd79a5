package toolshed

import (
	"bytes"
	"crypto/rand"
	"html/template"
	"net/http"
	"time"
)

// popupResult is what the page that began a login is told of its end.
type popupResult struct {
	Success bool          `json:"success"`
	Message string        `json:"message,omitempty"`
	Error   string        `json:"error,omitempty"`
	Details *popupDetails `json:"details,omitempty"`
}

// popupDetails has the original's members, without the tokens and without what
// could be used again.
type popupDetails struct {
	State     string     `json:"state"`
	Scope     string     `json:"scope"`
	TokenInfo popupToken `json:"tokenInfo"`
	UserInfo  popupUser  `json:"userInfo"`
	Timestamp time.Time  `json:"timestamp"`
}

type popupToken struct {
	TokenType string `json:"tokenType"`
	ExpiresAt int64  `json:"expiresAt"`
}

type popupUser struct {
	Email   string `json:"email"`
	Name    string `json:"name"`
	Picture string `json:"picture"`
}

// popupPage tells its opener, when that is a page of ours, and closes.
var popupPage = template.Must(template.New("popup").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>charmd</title></head>
<body><p>{{if .Result.Success}}Connected. This window closes by itself.{{else}}{{.Result.Error}}{{end}}</p>
<script nonce="{{.Nonce}}">
const message = { type: "oauth-callback", result: {{.Result}} };
if (window.opener) window.opener.postMessage(message, location.origin);
if (message.result.success) setTimeout(() => window.close(), 2000);
</script></body></html>
`))

func (t *Toolshed) popup(w http.ResponseWriter, status int, result popupResult) {
	nonce := rand.Text()
	var page bytes.Buffer
	if err := popupPage.Execute(&page, map[string]any{"Result": result, "Nonce": nonce}); err != nil {
		writeError(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src 'nonce-"+nonce+"'")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // the browser may be gone, which is its own affair
}
