package egress

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// purse lends a token to one host, in the place of the word TOKEN.
type purse struct {
	host  string
	err   error // instead of lending
	judge error // of every reply

	mu    sync.Mutex
	token string
	asked []string
}

func (p *purse) Lend(_ context.Context, connection string, out *Outgoing) (Loan, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, connection)
	if p.err != nil {
		return nil, p.err
	}
	if joinHostPort(out.Host, out.Port) != p.host {
		return nil, nil
	}
	swap := func(s string) string { return strings.ReplaceAll(s, "TOKEN", p.token) }
	for _, values := range out.Header {
		for i := range values {
			values[i] = swap(values[i])
		}
	}
	out.Query, out.Body = swap(out.Query), []byte(swap(string(out.Body)))
	return paid{p, p.token}, nil
}

type paid struct {
	purse *purse
	token string
}

func (p paid) Judge(_ context.Context, status int, _ http.Header, _ []byte) (bool, error) {
	p.purse.mu.Lock()
	defer p.purse.mu.Unlock()
	if p.purse.judge != nil {
		return false, p.purse.judge
	}
	if status == http.StatusUnauthorized {
		p.purse.token = "second"
	}
	return status == http.StatusUnauthorized, nil
}

func (p paid) Scrub(text []byte) []byte {
	return []byte(strings.ReplaceAll(string(text), p.token, "TOKEN"))
}

// book is what a server was sent.
type book struct {
	mu   sync.Mutex
	sent []string
}

func (b *book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	line := r.URL.RawQuery + "|" + r.Header.Get("Authorization") + "|" + r.Header.Get("X-Key") + "|" + string(body)
	b.mu.Lock()
	b.sent = append(b.sent, line)
	b.mu.Unlock()
	switch {
	case strings.Contains(line, "first") && r.URL.Path == "/strict":
		w.WriteHeader(http.StatusUnauthorized)
	case strings.HasPrefix(r.URL.Path, "/to/"):
		w.Header().Set("Location", "http://"+strings.TrimPrefix(r.URL.Path, "/to/")+"?"+r.URL.RawQuery)
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
	w.Header().Set("X-Echo", line)
	_, _ = io.WriteString(w, line)
}

func (b *book) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.sent)
}

func TestCredentialsAreLentHopByHop(t *testing.T) {
	t.Parallel()
	own, other := &book{}, &book{}
	ownURL, ownPort := serve(t, publicIP, own.ServeHTTP)
	otherURL, otherPort := serve(t, publicIP, other.ServeHTTP)
	client := clientFor(t, Options{}, ownPort, otherPort)
	purse := &purse{host: hostPort(ownURL), token: "first"}
	ask := func(address string) (Reply, Entry) {
		t.Helper()
		reply, entry, err := client.Do(t.Context(), Policy{Credentials: purse}, Request{
			Method: "POST", URL: address, Headers: [][2]string{{"Authorization", "Bearer TOKEN"}, {"X-Key", "TOKEN"}}, Body: []byte("b TOKEN"), Connection: "name",
		})
		if err != nil {
			t.Fatal(err)
		}
		return reply, entry
	}
	reply, entry := ask(ownURL + "/?q=TOKEN")
	if got := own.lines(); len(got) != 1 || got[0] != "q=first|Bearer first|first|b first" {
		t.Errorf("its host was sent %q", got)
	}
	// What comes back does not hold it, nor does the ledger, nor the address.
	echo := ""
	for _, h := range reply.Headers {
		if h[0] == "x-echo" {
			echo = h[1]
		}
	}
	if string(reply.Body) != "q=TOKEN|Bearer TOKEN|TOKEN|b TOKEN" || echo != string(reply.Body) || !strings.HasSuffix(reply.URL, "?q=TOKEN") || strings.Contains(entry.URL, "first") {
		t.Errorf("the charm got %+v, the ledger %+v", reply, entry)
	}
	ask(ownURL + "/to/" + hostPort(otherURL) + "/?q=TOKEN")
	if got := other.lines(); len(got) != 1 || strings.Contains(got[0], "first") || got[0] != "q=TOKEN||TOKEN|b TOKEN" {
		t.Errorf("a host that it was redirected to was sent %q", got)
	}
	for _, way := range []string{otherURL, ownURL + "/to/" + hostPort(otherURL)} {
		ask(way + "/to/" + hostPort(ownURL) + "/?q=TOKEN")
		if got := own.lines(); got[len(got)-1] != "q=TOKEN||TOKEN|b TOKEN" {
			t.Errorf("where another host leads, its host was sent %q", got)
		}
	}
	before := len(own.lines())
	ask(ownURL + "/strict")
	if got := own.lines()[before:]; len(got) != 2 || !strings.Contains(got[0], "first") || !strings.Contains(got[1], "second") {
		t.Errorf("with a token that is out of date its host was sent %q", got)
	}
	if slices.ContainsFunc(purse.asked, func(name string) bool { return name != "name" }) {
		t.Errorf("asked for were %q", purse.asked)
	}
}

func TestCredentialsThatAreWithheld(t *testing.T) {
	t.Parallel()
	own := &book{}
	address, port := serve(t, publicIP, own.ServeHTTP)
	client := clientFor(t, Options{}, port)
	later := time.Now().Add(time.Hour)
	for _, c := range []struct {
		held Withheld
		want Code
	}{
		{Withheld{Message: "connect it again", Reconnect: true}, CodeReconnect},
		{Withheld{Message: "not now", NotBefore: later}, CodeHeldOff},
		{Withheld{Message: "not for this host"}, CodeBlocked},
	} {
		for _, p := range []*purse{{err: &c.held}, {judge: &c.held, host: hostPort(address)}} {
			before := len(own.lines())
			_, entry, err := client.Do(t.Context(), Policy{Credentials: p}, Request{URL: address})
			e := wantCode(t, err, entry, c.want)
			if !strings.Contains(e.Message, c.held.Message) {
				t.Errorf("the message is %q", e.Message)
			}
			if c.want == CodeHeldOff && entry.NotBefore.Sub(later).Abs() > time.Second {
				t.Errorf("asked again at %v", entry.NotBefore)
			}
			if sent := len(own.lines()) - before; p.err != nil && sent != 0 {
				t.Errorf("%d requests were sent", sent)
			}
		}
	}
	if held := client.Hosts(); len(held) != 0 {
		t.Errorf("the host itself is held off: %+v", held)
	}
}
