package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/egress"
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
	Hosts        []string          `json:"hosts"`               // that may see the token: HOST[:PORT][/PATH], or .DOMAIN[/PATH] for all below it
	Parameters   map[string]string `json:"parameters"`          // added to AuthURL
	Integration  string            `json:"integration"`         // what charms are registered as; "" is Name
	ClientID     string            `json:"clientId"`
	BasicAuth    bool              `json:"basicAuth"` // the endpoints take the client's secret in an Authorization header alone
	ClientSecret charm.Secret      `json:"-"`         // never in a file of options: from the environment or the vault
	Configured   bool              `json:"-"`         // its endpoints are the operator's words, and may be private addresses
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
			// Not .googleapis.com: other products store what they are sent, and show it to others.
			Hosts: []string{
				"gmail.googleapis.com", "people.googleapis.com", "openidconnect.googleapis.com", "www.googleapis.com/gmail/v1", "www.googleapis.com/calendar/v3",
				"www.googleapis.com/batch/gmail/v1", "www.googleapis.com/batch/calendar/v3", "www.googleapis.com/oauth2/v2/userinfo", "www.googleapis.com/oauth2/v3/userinfo",
			},
			Parameters: map[string]string{"access_type": "offline", "prompt": "consent"}, Integration: "gmail",
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
			return nil, badRow(name, misread(name, err))
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

// misread is an error of the JSON of a row in the words of the table.
func misread(name string, err error) error {
	text := strings.TrimPrefix(err.Error(), "json: ")
	if strings.EqualFold(text, `unknown field "clientSecret"`) {
		return fmt.Errorf("its secret does not belong into a file: charmd secret set %s", SecretName(name))
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
		return fmt.Errorf("its %s cannot be a %s", e.Field, e.Value)
	}
	return errors.New(text)
}

func badRow(name string, err error) error {
	return charm.Errorf(charm.CodeUsage, "the provider %q cannot be used: %w", name, err).WithHint("docs/integrations.md says what a row of the provider table holds")
}

func (p Provider) check() error {
	if !IsProviderName(p.Name) {
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
	for _, known := range p.Hosts {
		host, below, limited := strings.Cut(known, "/")
		if limited && (path.Clean("/"+below) != "/"+below || below == "" || strings.ContainsAny(below, "%?#* ")) {
			return fmt.Errorf("%q is not a host with a path: write api.example.com/mail/v1", known)
		}
		if strings.ContainsAny(host, "* ") || strings.Trim(host, ".") == "" || host != strings.ToLower(host) || strings.HasPrefix(host, ".") && !strings.Contains(host[1:], ".") {
			return fmt.Errorf("%q is not a host: write api.example.com, api.example.com:8443, or .example.com for all below it", host)
		}
	}
	return nil
}

// may reports whether a request may carry a token. Ports other than 443 are named.
func (p Provider) may(out *egress.Outgoing) bool {
	return slices.ContainsFunc(p.Hosts, func(known string) bool {
		host, below, _ := strings.Cut(known, "/")
		if domain, all := strings.CutPrefix(host, "."); all {
			return out.Port == 443 && strings.HasSuffix(out.Host, "."+domain) && within(out.Path, below)
		}
		named := out.Port == 443 && out.Host == host || fmt.Sprintf("%s:%d", out.Host, out.Port) == host
		return named && within(out.Path, below)
	})
}

// unescapedAgain is how a server reads a path that unescapes it twice, whatever else is
// in it.
var unescapedAgain = strings.NewReplacer("%2e", ".", "%2E", ".", "%2f", "/", "%2F", "/", "%5c", `\`, "%5C", `\`, "%3b", ";", "%3B", ";")

// within reports whether an unescaped path is the one given or below it. One that a
// server may read as another is within none.
func within(path, below string) bool {
	if below == "" {
		return true
	}
	for _, step := range strings.FieldsFunc(unescapedAgain.Replace(path), func(r rune) bool { return r == '/' || r == '\\' }) {
		if name, _, _ := strings.Cut(step, ";"); name == "." || name == ".." {
			return false
		}
	}
	rest, ok := strings.CutPrefix(path, "/"+below)
	return ok && (rest == "" || rest[0] == '/')
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

// IsProviderName reports whether a provider may have the name.
func IsProviderName(name string) bool { return providerName.MatchString(name) }
