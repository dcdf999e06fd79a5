package oauth

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/egress"
)

func TestTable(t *testing.T) {
	t.Parallel()
	table, err := Table(nil)
	if err != nil || len(table) != 3 {
		t.Fatalf("%v, %v", table, err)
	}
	for name, p := range table {
		if p.Name != name || p.Title == "" || p.Integration == "" || len(p.Scopes) == 0 || len(p.endpoints()) != 0 {
			t.Errorf("%s is %+v", name, p)
		}
	}
	table, err = Table([]byte(`{"github":{"clientId":"me"},"zulip":{"issuer":"https://id.example:8443","hosts":["api.example:8443"],"clientId":"z"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if p := table["github"]; p.ClientID != "me" || p.TokenURL != "https://github.com/login/oauth/access_token" {
		t.Errorf("github is %+v", p)
	}
	if p := table["zulip"]; p.Title != "zulip" || p.Integration != "zulip" || fmt.Sprint(p.endpoints()) != "[id.example:8443]" {
		t.Errorf("zulip is %+v, %v", p, p.endpoints())
	}
	for what, c := range map[string]struct{ text, says string }{
		"no JSON":                 {`{`, "is not a JSON object"},
		"a list":                  {`[]`, "is not a JSON object"},
		"too much":                {`{"x":"` + strings.Repeat("x", maxTable) + `"}`, "larger than"},
		"a name":                  {`{"Has Space":{"authUrl":"https://a","tokenUrl":"https://a","hosts":["a.b"]}}`, "small letters"},
		"an unknown field":        {`{"github":{"clientID2":"x"}}`, "unknown field \"clientID2\""},
		"a secret":                {`{"github":{"clientSecret":"x"}}`, "charmd secret set github-client-secret"},
		"no endpoints":            {`{"x":{"hosts":["a.b"]}}`, "authUrl and tokenUrl, or issuer"},
		"no hosts":                {`{"x":{"authUrl":"https://a.b","tokenUrl":"https://a.b"}}`, "needs hosts"},
		"http":                    {`{"x":{"authUrl":"http://a.b","tokenUrl":"https://a.b","hosts":["a.b"]}}`, "not an https address"},
		"a user in it":            {`{"x":{"authUrl":"https://u:p@a.b","tokenUrl":"https://a.b","hosts":["a.b"]}}`, "not an https address"},
		"every host":              {`{"x":{"authUrl":"https://a.b","tokenUrl":"https://a.b","hosts":["*"]}}`, "is not a host"},
		"every host below .":      {`{"x":{"authUrl":"https://a.b","tokenUrl":"https://a.b","hosts":["."]}}`, "is not a host"},
		"a whole domain":          {`{"x":{"authUrl":"https://a.b","tokenUrl":"https://a.b","hosts":[".com"]}}`, "is not a host"},
		"a path with ..":          {`{"x":{"authUrl":"https://a.b","tokenUrl":"https://a.b","hosts":["a.b/c/../d"]}}`, "not a host with a path"},
		"a path escaped":          {`{"x":{"authUrl":"https://a.b","tokenUrl":"https://a.b","hosts":["a.b/c%2fd"]}}`, "not a host with a path"},
		"an empty path":           {`{"x":{"authUrl":"https://a.b","tokenUrl":"https://a.b","hosts":["a.b/"]}}`, "not a host with a path"},
		"a value of another kind": {`{"x":{"authUrl":"https://a.b","tokenUrl":"https://a.b","hosts":"a.b"}}`, "its hosts cannot be a string"},
		"a URL as a host":         {`{"x":{"authUrl":"https://a.b","tokenUrl":"https://a.b","hosts":["https://a.b"]}}`, "is not a host"},
	} {
		if _, err := Table([]byte(c.text)); charm.CodeOf(err) != charm.CodeUsage || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestHostsOfAProvider(t *testing.T) {
	t.Parallel()
	p := Provider{Name: "p", Issuer: "https://id.example", Hosts: []string{".wide.example", "api.example", "api.example:8443", "one.example/mail/v1"}}
	if err := p.check(); err != nil {
		t.Fatal(err)
	}
	mayBeSent(t, p, map[string]bool{
		"https://a.wide.example/": true, "https://a.b.wide.example/": true, "https://wide.example/": false, "https://evilwide.example/": false,
		"https://wide.example.evil.example/": false, "https://a.wide.example:8443/": false,
		"https://api.example/": true, "https://api.example:8443/": true, "https://api.example:80/": false, "https://x.api.example/": false,
		"https://one.example/mail/v1": true, "https://one.example/mail/v1/me?q=1": true, "https://one.example/mail/v10": false, "https://one.example/": false,
		"https://one.example/files": false, "https://one.example/mail/v1/../../files": false, "https://one.example/mail/v1/%2e%2e/%2E%2e/files": false,
		"https://one.example/mail/v1/..%2f..%2ffiles": false, "https://one.example/mail/v1/..%5c..%5cfiles": false, "https://one.example/mail/v1/..;/..;/files": false,
		"https://one.example/mail/v1/%252e%252e/%252E./files": false, "https://one.example/mail/v1/..%252f..%255cfiles": false, "https://one.example/mail%252fv1/x": false, "https://one.example/mail/v1/a%2525b": true,
		"https://one.example/mail/v1/%252e%252e/files/%25": false, "https://one.example/mail/v1/100%25/%252e%252e%253bx/%252E%252E/files": false, "https://one.example/mail/v1/100%25": true,
		"https://one.example/mail/v1/a..b/.c": true, "https://one.example//mail/v1": false,
	})
}

// mayBeSent checks which addresses may be sent the provider's token.
func mayBeSent(t *testing.T, p Provider, addresses map[string]bool) {
	t.Helper()
	for address, want := range addresses {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		out := &egress.Outgoing{Host: u.Hostname(), Port: 443, Path: u.Path}
		if u.Port() != "" {
			if _, err := fmt.Sscan(u.Port(), &out.Port); err != nil {
				t.Fatal(err)
			}
		}
		if got := p.may(out); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

// Google has many products under one domain: the token goes to those whose permissions
// are asked for, not to those that store what they are sent.
func TestAddressesOfGoogle(t *testing.T) {
	t.Parallel()
	mayBeSent(t, builtIn()["google"], map[string]bool{
		"https://gmail.googleapis.com/gmail/v1/users/me/messages": true, "https://gmail.googleapis.com/batch/gmail/v1": true,
		"https://www.googleapis.com/calendar/v3/calendars/primary/events": true, "https://www.googleapis.com/calendar/v3/calendars/a%23b%40c/events": true,
		"https://www.googleapis.com/gmail/v1/users/me/profile": true, "https://www.googleapis.com/batch/gmail/v1": true,
		"https://people.googleapis.com/v1/people/me": true, "https://www.googleapis.com/oauth2/v3/userinfo": true, "https://openidconnect.googleapis.com/v1/userinfo": true,
		"https://storage.googleapis.com/upload/storage/v1/b/mine/o": false, "https://www.googleapis.com/upload/storage/v1/b/mine/o": false,
		"https://www.googleapis.com/storage/v1/b": false, "https://www.googleapis.com/drive/v3/files": false, "https://pubsub.googleapis.com/v1/projects": false,
		"https://logging.googleapis.com/v2/entries:write": false, "https://firestore.googleapis.com/v1/projects": false, "https://www.googleapis.com/": false,
	})
}

// A provider that names its issuer alone is found by it, and its secret in the vault.
func TestDiscoveryAndSecretOfTheVault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	google := w.o.Providers["google"]
	generic := Provider{
		Name: "generic", Title: "Generic", Issuer: w.google.URL, Scopes: google.Scopes, Hosts: google.Hosts, ClientID: google.ClientID, Configured: true,
	}
	w.o.Providers["generic"] = generic
	begin := func() Begun {
		begun, err := w.Begin(t.Context(), "generic", Target{Space: home, Charm: mail.ID}, "http://127.0.0.1:8000/back", "mine")
		if err != nil {
			t.Fatal(err)
		}
		return begun
	}
	_, err := w.Finish(t.Context(), "generic", "mine", w.allow(begin()))
	if charm.CodeOf(err) != charm.CodeUnavailable || !strings.Contains(err.Error(), "client id and secret") {
		t.Errorf("without its secret: %v", err)
	}
	if err := w.vault.Set(t.Context(), SecretName("generic"), google.ClientSecret); err != nil {
		t.Fatal(err)
	}
	conn, err := w.Finish(t.Context(), "generic", "mine", w.allow(begin()))
	if err != nil || conn.Account.Email == "" {
		t.Errorf("%+v, %v", conn, err)
	}
	w.connect()
	cell := w.cell()
	conn, err = w.Finish(t.Context(), "generic", "mine", w.allow(func() Begun {
		begun, err := w.Begin(t.Context(), "generic", Target{Space: home, Charm: mail.ID, Cell: authPlace}, "http://127.0.0.1:8000/back", "mine")
		if err != nil {
			t.Fatal(err)
		}
		return begun
	}()))
	if list := w.List(); err != nil || len(list) != 2 || w.cell().Token == cell.Token || w.cell().Token != accessStandIn+conn.ID {
		t.Errorf("a cell that gets an account of another provider: %+v, %v", list, err)
	}
	if n := w.google.Asked("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("its endpoints were asked for %d times", n)
	}
	generic.Name, generic.Issuer = "liar", w.google.URL+"/"
	w.o.Providers["liar"] = generic
	if _, err := w.Begin(t.Context(), "liar", Target{}, "x", "mine"); charm.CodeOf(err) != charm.CodeUnavailable {
		t.Errorf("another issuer than the one that was asked: %v", err)
	}
}

// Whatever is configured, what comes of it is a table whose rows can be used, or an
// error that names the row.
func FuzzTable(f *testing.F) {
	f.Add([]byte(`{"x":{"issuer":"https://id.example","hosts":["api.example"]}}`))
	f.Add([]byte(`{"google":{"hosts":[".."]}}`))
	f.Add([]byte(`{"x":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		table, err := Table(text)
		if err != nil {
			if charm.CodeOf(err) != charm.CodeUsage {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		for name, p := range table {
			if p.Name != name || p.check() != nil || len(p.Hosts) == 0 || p.ClientSecret != "" {
				t.Errorf("%q makes the row %+v", text, p)
			}
		}
	})
}
