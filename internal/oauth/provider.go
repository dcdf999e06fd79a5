package oauth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"charmd/internal/charm"
)

// Provider is one row of the provider table: where accounts of a kind are
// connected, and which hosts may be shown their tokens.
type Provider struct {
	Name         string            `json:"-"`
	Title        string            `json:"title"`               // for people
	Issuer       string            `json:"issuer"`              // OpenID Connect: names the endpoints that are left out
	AuthURL      string            `json:"authUrl"`             // where a person allows it
	TokenURL     string            `json:"tokenUrl"`            // where codes and refresh tokens become tokens
	DeviceURL    string            `json:"deviceUrl,omitempty"` // device codes; "" for none
	UserURL      string            `json:"userUrl"`             // whose account it is; "" leaves that open
	Scopes       []string          `json:"scopes"`              // that are asked for
	Hosts        []string          `json:"hosts"`               // that may see the token: HOST[:PORT], or .DOMAIN for all below it
	Parameters   map[string]string `json:"parameters"`          // added to AuthURL
	Integration  string            `json:"integration"`         // what charms are registered as; "" is Name
	ClientID     string            `json:"clientId"`
	ClientSecret charm.Secret      `json:"-"` // never in a file of options: from the environment or the vault
	Configured   bool              `json:"-"` // its endpoints are the operator's words, and may be private addresses
}

// SecretName is the name in the vault of a provider's client secret.
func SecretName(provider string) string { return provider + "-client-secret" }

// builtIn is the table before configuration.
func builtIn() map[string]Provider {
	return map[string]Provider{
		"google": {
			Title: "Google", Issuer: "https://accounts.google.com",
			AuthURL: "https://accounts.google.com/o/oauth2/v2/auth", TokenURL: "https://oauth2.googleapis.com/token",
			DeviceURL: "https://oauth2.googleapis.com/device/code", UserURL: "https://openidconnect.googleapis.com/v1/userinfo",
			Scopes: []string{
				"email", "profile", "https://www.googleapis.com/auth/gmail.readonly", "https://www.googleapis.com/auth/calendar.readonly",
			},
			Hosts: []string{".googleapis.com"}, Parameters: map[string]string{"access_type": "offline", "prompt": "consent"}, Integration: "gmail",
		},
		"github": {
			Title: "GitHub", AuthURL: "https://github.com/login/oauth/authorize", TokenURL: "https://github.com/login/oauth/access_token",
			DeviceURL: "https://github.com/login/device/code", UserURL: "https://api.github.com/user",
			Scopes: []string{"read:user", "notifications"}, Hosts: []string{"api.github.com"},
		},
		"microsoft": {
			Title: "Microsoft", AuthURL: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
			TokenURL:  "https://login.microsoftonline.com/common/oauth2/v2.0/token",
			DeviceURL: "https://login.microsoftonline.com/common/oauth2/v2.0/devicecode", UserURL: "https://graph.microsoft.com/oidc/userinfo",
			Scopes: []string{"openid", "email", "profile", "offline_access", "Mail.Read", "Calendars.Read"}, Hosts: []string{"graph.microsoft.com"},
		},
	}
}

// maxTable bounds the file of providers.
const maxTable = 256 << 10

var providerName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// Table is the provider table: the built-in rows, changed and added to by text, a
// JSON object of rows by name; nil adds nothing. Errors are *charm.Error with
// CodeUsage and name the row.
func Table(text []byte) (map[string]Provider, error) {
	table := builtIn()
	if len(text) > maxTable {
		return nil, charm.Errorf(charm.CodeUsage, "the provider table is larger than %d KiB", maxTable>>10)
	}
	var rows map[string]json.RawMessage
	if len(text) > 0 {
		if err := json.Unmarshal(text, &rows); err != nil {
			return nil, charm.Errorf(charm.CodeUsage, "the provider table is not a JSON object of providers by name: %w", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		p := table[name]
		d := json.NewDecoder(bytes.NewReader(rows[name]))
		d.DisallowUnknownFields()
		if err := d.Decode(&p); err != nil {
			return nil, badRow(name, err)
		}
		p.Configured = true
		table[name] = p
	}
	for name, p := range table {
		p.Name = name
		if p.Title == "" {
			p.Title = name
		}
		if p.Integration == "" {
			p.Integration = name
		}
		if err := p.check(); err != nil {
			return nil, badRow(name, err)
		}
		table[name] = p
	}
	return table, nil
}

func badRow(name string, err error) error {
	return charm.Errorf(charm.CodeUsage, "the provider %q cannot be used: %w", name, err).WithHint("docs/integrations.md says what a row of the provider table holds")
}

func (p Provider) check() error {
	if !providerName.MatchString(p.Name) {
		return fmt.Errorf("a name is up to 32 small letters, digits and hyphens")
	}
	if p.Issuer == "" && (p.AuthURL == "" || p.TokenURL == "") {
		return fmt.Errorf("it needs authUrl and tokenUrl, or issuer")
	}
	for _, address := range []string{p.Issuer, p.AuthURL, p.TokenURL, p.DeviceURL, p.UserURL} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil) {
			return fmt.Errorf("%q is not an https address", address)
		}
	}
	if len(p.Hosts) == 0 {
		return fmt.Errorf("it needs hosts: those that may be shown the token")
	}
	for _, host := range p.Hosts {
		if strings.ContainsAny(host, "/* ") || strings.Trim(host, ".") == "" || host != strings.ToLower(host) || strings.HasPrefix(host, ".") && !strings.Contains(host[1:], ".") {
			return fmt.Errorf("%q is not a host: write api.example.com, api.example.com:8443, or .example.com for all below it", host)
		}
	}
	return nil
}

// may reports whether a request to host, in its canonical form, may carry a token.
// Ports other than 443 are named.
func (p Provider) may(host string, port uint16) bool {
	for _, known := range p.Hosts {
		if domain, all := strings.CutPrefix(known, "."); all {
			if port == 443 && strings.HasSuffix(host, "."+domain) {
				return true
			}
			continue
		}
		if port == 443 && host == known || fmt.Sprintf("%s:%d", host, port) == known {
			return true
		}
	}
	return false
}

// endpoints are the hosts of its endpoints, host:port, for those that the operator
// has named: they may be private.
func (p Provider) endpoints() []string {
	var hosts []string
	for _, address := range []string{p.Issuer, p.TokenURL, p.DeviceURL, p.UserURL} {
		if u, err := url.Parse(address); err == nil && u.Host != "" && p.Configured {
			host := u.Host
			if u.Port() == "" {
				host += ":443"
			}
			hosts = append(hosts, host)
		}
	}
	return hosts
}
