package oauth

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/egress"
)

// Who gets what for a stand-in: the token goes to the provider's hosts over TLS, for
// charms of the connection's space, and nowhere else.
func TestWhoIsLentAToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect()
	standIn := w.cell().Token
	other := charm.Charm{Space: home, ID: "baedreother"}
	foreign := charm.Charm{Space: away, ID: mail.ID}
	for name, c := range map[string]struct {
		charm  charm.Charm
		change func(*egress.Outgoing)
		lent   bool
	}{
		"its charm":              {mail, nil, true},
		"another of its space":   {other, nil, true},
		"after a redirect":       {mail, func(o *egress.Outgoing) { o.First = false }, true},
		"a charm of elsewhere":   {foreign, nil, false},
		"another host":           {mail, func(o *egress.Outgoing) { o.Host = "evil.example" }, false},
		"a host that ends alike": {mail, func(o *egress.Outgoing) { o.Host = "not" + o.Host }, false},
		"a host below it":        {mail, func(o *egress.Outgoing) { o.Host = "evil." + o.Host }, false},
		"another port":           {mail, func(o *egress.Outgoing) { o.Port = 8443 }, false},
		"without TLS":            {mail, func(o *egress.Outgoing) { o.Secure, o.Port = false, 80 }, false},
		"without TLS, port 443":  {mail, func(o *egress.Outgoing) { o.Secure = false }, false},
		"the refresh token":      {mail, func(o *egress.Outgoing) { o.Header.Set("Authorization", "Bearer "+w.cell().RefreshToken) }, false},
	} {
		out := w.outgoing(standIn)
		if c.change != nil {
			c.change(out)
		}
		before := out.Header.Get("Authorization")
		_, loan, err := w.lentTo(c.charm, out)
		after := out.Header.Get("Authorization")
		if err != nil || (loan != nil) != c.lent || (after != before) != c.lent || c.lent && !strings.HasPrefix(after, "Bearer ya29.") {
			t.Errorf("%s: the header is %q, %v", name, after, err)
		}
	}
}

// A stand-in is replaced as a whole Authorization alone. Anywhere else, a host that
// stores what it is sent would hand the token to the charm.
func TestWhereAStandInIsReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect()
	s := w.cell().Token
	for value, lent := range map[string]bool{
		"Bearer " + s: true, "bearer  " + s: true, "token " + s: true,
		s: false, "Basic " + s: false, "Bearer " + s + "x": false, "Bearer x" + s: false, "Bearer " + s + ", Bearer x": false, "Bearer x; name=" + s: false, "Bearer " + s + " ": false,
	} {
		out := w.outgoing(s)
		out.Header = http.Header{"Authorization": {value}, "X-Name": {s, "Bearer " + s}, "Cookie": {"a=" + s}, "Range": {"bytes=1-9"}, "If-Range": {"x"}}
		_, loan, err := w.lentTo(mail, out)
		if err != nil || (loan != nil) != lent {
			t.Errorf("%q: %v, %v", value, loan, err)
		}
		got := out.Header.Get("Authorization")
		if scheme := strings.TrimSuffix(value, s); lent && !strings.HasPrefix(got, scheme+"ya29.") || !lent && got != value {
			t.Errorf("%q is sent as %q", value, got)
		}
		if out.Header["X-Name"][0] != s || out.Header["X-Name"][1] != "Bearer "+s || out.Header.Get("Cookie") != "a="+s {
			t.Errorf("the other headers are %v", out.Header)
		}
		if asked := out.Header.Get("Range") + out.Header.Get("If-Range"); (asked == "") != lent {
			t.Errorf("with %q a part is asked for: %q", value, asked)
		}
	}
	two := w.outgoing(s)
	two.Header["Authorization"] = append(two.Header["Authorization"], "Bearer mine")
	if _, loan, err := w.lentTo(mail, two); loan != nil || err != nil || two.Header["Authorization"][0] != "Bearer "+s {
		t.Errorf("beside another Authorization: %v, %v", two.Header, err)
	}
	token, loan, err := w.lentTo(mail, w.outgoing(s))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(loan.Scrub([]byte("you sent " + token))); got != "you sent "+s {
		t.Errorf("the reply is %q", got)
	}
	plain := &egress.Outgoing{Host: w.google.Host, Port: 443, Secure: true, First: true, Header: http.Header{}}
	if loan, err := w.Credentials(mail).Lend(t.Context(), "", plain); loan != nil || err != nil {
		t.Errorf("a request without stand-ins: %v, %v", loan, err)
	}
}

func TestNamedConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := func(c charm.Charm, name string, change func(*egress.Outgoing)) (string, error) {
		out := &egress.Outgoing{Host: w.google.Host, Port: 443, Secure: true, First: true, Header: http.Header{}}
		if change != nil {
			change(out)
		}
		_, err := w.Credentials(c).Lend(t.Context(), name, out)
		return out.Header.Get("Authorization"), err
	}
	if _, err := ask(mail, "google", nil); reconnect(err) != "it is not connected to a Google account" {
		t.Errorf("before it is connected: %v", err)
	}
	w.connect()
	if header, err := ask(mail, "google", nil); err != nil || !strings.HasPrefix(header, "Bearer ya29.") {
		t.Errorf("connected: %q, %v", header, err)
	}
	if header, err := ask(mail, "google", func(o *egress.Outgoing) { o.Header.Set("Authorization", "Basic x") }); err != nil || header != "Basic x" {
		t.Errorf("with a header of its own: %q, %v", header, err)
	}
	if _, err := ask(charm.Charm{Space: home, ID: "baedreother"}, "google", nil); reconnect(err) == "" {
		t.Errorf("a charm that nobody connected: %v", err)
	}
	for what, c := range map[string]struct {
		name   string
		change func(*egress.Outgoing)
	}{
		"another host":     {"google", func(o *egress.Outgoing) { o.Host = "evil.example" }},
		"without TLS":      {"google", func(o *egress.Outgoing) { o.Secure = false }},
		"no such provider": {"goggle", nil},
	} {
		header, err := ask(mail, c.name, c.change)
		held, ok := errors.AsType[*egress.Withheld](err)
		if !ok || held.Reconnect || header != "" {
			t.Errorf("%s: %q, %v", what, header, err)
		}
	}
	if header, err := ask(mail, "google", func(o *egress.Outgoing) { o.Host, o.First = "evil.example", false }); err != nil || header != "" {
		t.Errorf("redirected to another host: %q, %v", header, err)
	}
}

// What a recipe or a page writes into the auth cell: nonsense is put right, the empty
// value is a logout.
func TestTheAuthCellIsKeptRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect()
	want := w.cell()
	for _, nonsense := range []string{`{"error":"No refreshToken provided"}`, `null`, `7`, `{"token":"x","refreshToken":"y"}`, `{"token":"","refreshToken":"kept"}`} {
		w.writes([]byte(nonsense))
		w.runsOK()
		if got := w.cell(); got.Token != want.Token || got.RefreshToken != want.RefreshToken || got.User != want.User {
			t.Errorf("after %s it is %+v", nonsense, got)
		}
	}
	w.writes(emptyCell())
	if err := w.Prepare(t.Context(), mail, 0); err != nil || len(w.List()) != 0 {
		t.Errorf("after a logout there is %+v, %v", w.List(), err)
	}
	if w.cell().Token != "" {
		t.Error("the cell was written again")
	}
	w.restart()
	if len(w.List()) != 0 {
		t.Error("after a restart it is there again")
	}
	if _, loan, err := w.lentTo(mail, w.outgoing(want.Token)); loan != nil || !strings.Contains(reconnect(err), "the Google account in its cell is not connected here") {
		t.Errorf("the old stand-in is worth something: %v, %v", loan, err)
	}
	elsewhere := w.outgoing(want.Token)
	elsewhere.Host = "evil.example"
	if _, loan, err := w.lentTo(mail, elsewhere); loan != nil || err != nil {
		t.Errorf("a host of no provider hears of it: %v, %v", loan, err)
	}
}

func TestDeviceCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	begun, err := w.BeginDevice(t.Context(), "google", Target{Space: home, Charm: mail.ID}, "mine")
	if err != nil || begun.Code != "ABCD-EFGH" || begun.URL != "https://www.google.com/device" {
		t.Fatalf("%+v, %v", begun, err)
	}
	w.google.Type()
	conn, err := w.Finish(t.Context(), "google", "mine", Answer{State: begun.State})
	if err != nil || conn.Account.Email != w.google.Account.Email || conn.Cell.ID != "" {
		t.Errorf("%+v, %v", conn, err)
	}
	if _, err := w.BeginDevice(t.Context(), "nobody", Target{}, "mine"); charm.CodeOf(err) != charm.CodeNotFound {
		t.Errorf("no such provider: %v", err)
	}
	if _, err := w.Begin(t.Context(), "github", Target{}, "x", "mine"); charm.CodeOf(err) != charm.CodeInvalid || !strings.Contains(err.Error(), "client id") {
		t.Errorf("a provider without a client: %v", err)
	}
}
