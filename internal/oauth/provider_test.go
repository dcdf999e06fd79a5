package oauth

import (
	"fmt"
	"strings"
	"testing"

	"charmd/internal/charm"
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
	for what, text := range map[string]string{
		"no JSON":            `{`,
		"a list":             `[]`,
		"too much":           `{"x":"` + strings.Repeat("x", maxTable) + `"}`,
		"a name":             `{"Has Space":{"authUrl":"https://a","tokenUrl":"https://a","hosts":["a.b"]}}`,
		"an unknown field":   `{"github":{"clientID2":"x"}}`,
		"a secret":           `{"github":{"clientSecret":"x"}}`,
		"no endpoints":       `{"x":{"hosts":["a.b"]}}`,
		"no hosts":           `{"x":{"authUrl":"https://a.b","tokenUrl":"https://a.b"}}`,
		"http":               `{"x":{"authUrl":"http://a.b","tokenUrl":"https://a.b","hosts":["a.b"]}}`,
		"a user in it":       `{"x":{"authUrl":"https://u:p@a.b","tokenUrl":"https://a.b","hosts":["a.b"]}}`,
		"every host":         `{"x":{"authUrl":"https://a.b","tokenUrl":"https://a.b","hosts":["*"]}}`,
		"every host below .": `{"x":{"authUrl":"https://a.b","tokenUrl":"https://a.b","hosts":["."]}}`,
		"a whole domain":     `{"x":{"authUrl":"https://a.b","tokenUrl":"https://a.b","hosts":[".com"]}}`,
		"a URL as a host":    `{"x":{"authUrl":"https://a.b","tokenUrl":"https://a.b","hosts":["https://a.b"]}}`,
	} {
		if _, err := Table([]byte(text)); charm.CodeOf(err) != charm.CodeUsage {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestHostsOfAProvider(t *testing.T) {
	t.Parallel()
	p := Provider{Hosts: []string{".googleapis.com", "api.example", "api.example:8443"}}
	for host, want := range map[string]bool{
		"gmail.googleapis.com:443": true, "a.b.googleapis.com:443": true, "googleapis.com:443": false, "evilgoogleapis.com:443": false,
		"googleapis.com.evil.example:443": false, "gmail.googleapis.com:8443": false,
		"api.example:443": true, "api.example:8443": true, "api.example:80": false, "x.api.example:443": false,
	} {
		name, port, _ := strings.Cut(host, ":")
		var n uint16
		if _, err := fmt.Sscan(port, &n); err != nil {
			t.Fatal(err)
		}
		if got := p.may(name, n); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
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
