package oauth

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
)

// scripted is a provider that answers with what it is given.
type scripted struct {
	kind        string
	token, user []byte
}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	body, kind := s.user, "application/json"
	if r.Method == http.MethodPost {
		body, kind = s.token, s.kind
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
}

// planted are the secrets in the answers below.
const (
	plantedAccess  = "planted-access-2b6f"
	plantedRefresh = "planted-refresh-77a1"
)

// A provider's answers are anybody's bytes to us. Whatever they are, an account is
// connected with times that can be, or refused with an error that can be shown; tokens
// are neither in that, in the log nor in the cell.
func FuzzAnswers(f *testing.F) {
	w := newWorld(f)
	var log bytes.Buffer
	w.o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	provider := &scripted{}
	w.o.HTTP = func(Provider) http.RoundTripper { return provider }
	token := fmt.Sprintf(`{"access_token":%q,"refresh_token":%q,"token_type":"Bearer","expires_in":3600,"scope":"email a,b"}`, plantedAccess, plantedRefresh)
	user := []byte(`{"email":"a@example.org","name":"A","picture":"https://example.org/a.png"}`)
	f.Add("application/json", []byte(token), user)
	f.Add("application/x-www-form-urlencoded", []byte("access_token="+plantedAccess+"&expires_in=1e9&refresh_token_expires_in=5"), []byte(`{"login":"a","avatar_url":7}`))
	f.Add("application/json; charset=x", []byte(strings.Replace(token, "3600", `"99999999999999999999"`, 1)), []byte(`[`))
	f.Add("text/plain", []byte(strings.Replace(token, "3600", `-1,"refresh_token_expires_in":1e300`, 1)), []byte(`null`))
	f.Add("application/json", []byte(`{"error":"invalid_grant","error_description":"`+plantedAccess+`"}`), user)
	f.Add("", []byte(`{"access_token":["`+plantedAccess+`"]}`), []byte(plantedRefresh))
	f.Fuzz(func(t *testing.T, kind string, token, user []byte) {
		w.t, provider.kind, provider.token, provider.user = t, kind, token, user
		log.Reset()
		now := w.now()
		conn, err := w.Finish(t.Context(), "google", "mine", Answer{State: w.begin("mine").State, Code: "code"})
		told := log.String()
		if err != nil {
			e := charm.CodeOf(err)
			if e != charm.CodeUnavailable || strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("code %s: %v", e, err)
			}
			told += err.Error()
		} else {
			for _, at := range []time.Time{conn.Expires, conn.Ends} {
				if !at.IsZero() && (at.Before(now) || at.After(now.Add(11*365*day))) {
					t.Errorf("%q: connected until %v", token, at)
				}
			}
			if open := fmt.Sprint(conn.Scopes, conn.Account); !strings.Contains(open, "planted") { // what the provider itself tells everybody
				cell, _ := w.ReadCell(nil, home, authPlace)
				told += string(cell)
			}
		}
		if strings.Contains(told, plantedAccess) || strings.Contains(told, plantedRefresh) {
			t.Errorf("%q: a token is told in %s", token, told)
		}
	})
}

// What an issuer says of its endpoints is used when all of it is https and it names
// itself, and is no reason to send a client's secret elsewhere otherwise.
func FuzzDiscovery(f *testing.F) {
	w := newWorld(f)
	const issuer = "https://id.example"
	f.Add([]byte(`{"issuer":"https://id.example","authorization_endpoint":"https://id.example/a","token_endpoint":"https://id.example/t","userinfo_endpoint":"https://id.example/u"}`))
	f.Add([]byte(`{"issuer":"https://id.example","authorization_endpoint":"http://id.example/a","token_endpoint":"https://u:p@id.example/t"}`))
	f.Add([]byte(`{"issuer":"https://other.example","authorization_endpoint":"https://id.example/a","token_endpoint":"javascript:x"}`))
	f.Add([]byte(`[]`))
	provider := &scripted{}
	w.o.HTTP = func(Provider) http.RoundTripper { return provider }
	w.o.Providers["id"] = Provider{Name: "id", Title: "ID", Issuer: issuer, ClientID: "c", ClientSecret: "s", Hosts: []string{"api.example"}}
	f.Fuzz(func(t *testing.T, body []byte) {
		provider.user = body
		w.Accounts.mu.Lock()
		clear(w.rows)
		w.Accounts.mu.Unlock()
		p, err := w.row(t.Context(), "id")
		if err != nil {
			if charm.CodeOf(err) != charm.CodeUnavailable || strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		if !bytes.Contains(body, []byte("id.example")) && !bytes.Contains(body, []byte(`\`)) {
			t.Errorf("%q names the issuer", body)
		}
		for _, address := range []string{p.AuthURL, p.TokenURL, p.DeviceURL, p.UserURL} {
			if address != "" && !strings.HasPrefix(strings.ToLower(address), "https://") || p.AuthURL == "" || p.TokenURL == "" {
				t.Errorf("%q: the endpoint %q", body, address)
			}
		}
	})
}
