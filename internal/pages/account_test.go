package pages_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"charmd/internal/api"
	"charmd/internal/browser"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/fakegoogle"
	"charmd/internal/process"
)

// withGoogle starts a Google that asks for consent on a page and has two mails, and
// a daemon that knows it.
func withGoogle(t *testing.T) (*fakegoogle.Google, *process.Daemon) {
	t.Helper()
	g := fakegoogle.Start(t, time.Now)
	g.Change(func(r *fakegoogle.Rules) { r.Consent = true })
	g.HandleAPI("GET /gmail/v1/users/me/messages", "https://www.googleapis.com/auth/gmail.readonly", func(w http.ResponseWriter, _ *http.Request, who fakegoogle.Account) {
		fakegoogle.Answer(w, http.StatusOK, map[string]any{"messages": []map[string]string{
			{"from": "Charles Babbage", "subject": "The analytical engine"}, {"from": "Mary Somerville", "subject": "Tea on Tuesday, " + who.Name + "?"},
		}})
	})
	table := filepath.Join(t.TempDir(), "providers.json")
	if err := os.WriteFile(table, g.Table(), 0o600); err != nil {
		t.Fatal(err)
	}
	return g, startIn(t, []string{"GOOGLE_CLIENT_ID=" + fakegoogle.ClientID, "GOOGLE_CLIENT_SECRET=" + fakegoogle.ClientSecret, "SSL_CERT_FILE=" + g.CertFile}, "--providers", table)
}

// mailbox adds a charm that asks the Google for mails.
func mailbox(t *testing.T, d *process.Daemon, g *fakegoogle.Google, source, space string) client.Ref {
	t.Helper()
	return addCharm(t, d, source, space, "mail", fmt.Sprintf(`{"url":%q}`, g.URL+"/gmail/v1/users/me/messages"), func(r *api.AddRequest) {
		r.AllowHosts, r.Every, r.NoRegister = []string{g.Host}, "1s", true
	})
}

// allow does what opens Google's page, and there what a person does who agrees.
func allow(w *browser.Window, g *fakegoogle.Google, open func()) {
	browser.Eval[bool](w, `(() => { const open = window.open; window.open = (...how) => window.opened = open.apply(window, how); return true; })()`)
	popup := w.Popup(g.URL, open)
	popup.AwaitText(g.Account.Email)
	popup.Click("#allow")
	w.Await(`window.opened.closed`)
}

// An account is connected on a charm's page in a window that tells the page and
// closes, is used by the charm, is lost, connected again and let go.
func TestAccountOfAPage(t *testing.T) {
	t.Parallel()
	g, d := withGoogle(t)
	ref := mailbox(t, d, g, source(t, "mail.tsx"), "home")
	w := browser.Start(t, chromedp.IgnoreCertErrors).Window(t)
	w.SignIn(d.Client)
	w.Go(d.URL + "/home/mail")
	note := part("common-google-oauth", ".note") + ".textContent"
	press := func() {
		w.Await(part("common-google-oauth", "button") + `.focus() === undefined`)
		w.Press(kb.Enter)
	}
	w.Await(note + ` === "Not connected"`)
	accessible(t, w, "a page without its account")
	allow(w, g, press)
	w.Await(note + ` === "Connected as Ada Lovelace, ada@example.com"`)
	w.AwaitText("Mail")
	w.Await(part("common-table", "table") + `.innerText.includes("Tea on Tuesday, Ada Lovelace?")`) // connecting registers the charm
	accessible(t, w, "a page with its account")
	html := browser.Eval[string](w, `document.documentElement.outerHTML`)
	for _, secret := range g.Given() {
		if strings.Contains(html, secret) {
			t.Errorf("the page holds %s", secret)
		}
	}

	g.Revoke()
	w.Await(note + `.startsWith("Its Google account ada@example.com must be connected again: Google does not accept")`)
	w.Await(`document.querySelector("#charm-page-accounts").childElementCount === 0`) // since the element says it
	accessible(t, w, "a page that lost its account")
	w.Screenshot("charm-mail-lost")
	w.Dark(true)
	accessible(t, w, "a page that lost its account, in the dark")
	other := w.Beside()
	for _, path := range []string{"/", "/home/mail/inspect", "/service"} {
		other.Go(d.URL + path)
		other.AwaitText("must be connected again: Google does not accept")
		accessible(t, other, path+" with an account that was lost")
		other.Await(`document.querySelector("[data-key=accounts] a[href='/home/mail'], [data-key=outside] a[href='/home/mail']") !== null`)
	}
	allow(w, g, press)
	w.Await(note + `.startsWith("Connected as Ada")`)
	other.Go(d.URL + "/home/mail/inspect")
	other.AwaitText("works; it is refreshed by itself")

	press()
	w.Await(note + ` === "Not connected"`)
	if list, err := d.Client.Connections(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("after it was disconnected there are %+v, %v", list, err)
	}
	if _, err := d.Client.Disable(t.Context(), ref, ""); err != nil {
		t.Fatal(err)
	}
	g.Change(func(r *fakegoogle.Rules) { r.Consent, r.Denied = false, true })
	press()
	w.Await(note + ` === "Not connected: Authentication failed: access_denied"`)

	// Somebody else's account comes beside what there is of the one before, and the window
	// says so, and stays for that to be read.
	g.Change(func(r *fakegoogle.Rules) {
		r.Consent, r.Denied, g.Account = true, false, fakegoogle.Account{Email: "bob@example.com", Name: "Bob"}
	})
	popup := w.Popup(g.URL, press)
	popup.AwaitText("bob@example.com")
	popup.Click("#allow")
	popup.AwaitText("The charm had the account ada@example.com before.")
	popup.AwaitText("This window can be closed.")
	framed(t, popup, "the end of a connecting")
	popup.Screenshot("account-connected")
	w.Await(note + ` === "Connected as Bob, bob@example.com"`)
	other.Go(d.URL + "/api/integrations/google-oauth/callback?state=AAAAAAAAAAAAAAAAAAAAAAAAAA&code=%3Cb%3E")
	other.AwaitText("this answer belongs to no connecting that was begun here")
	framed(t, other, "an answer that is refused")
	other.Dark(true)
	framed(t, other, "an answer that is refused, in the dark")
	other.Screenshot("account-refused-dark")
	if c := other.Complaints(); len(c) != 1 || !strings.Contains(c[0], "status of 400") {
		t.Errorf("the page complains: %q", c)
	}
}

// framed checks that a page has the style of the others, which its policy must let in.
func framed(t *testing.T, w *browser.Window, what string) {
	t.Helper()
	w.Await(`getComputedStyle(document.querySelector("main .card.narrow")).borderRadius === "12px"`)
	accessible(t, w, what)
}

// A charm that holds no account, and names a connection, is connected again by its
// page's frame.
func TestAccountOfNoElement(t *testing.T) {
	t.Parallel()
	g, d := withGoogle(t)
	ref := mailbox(t, d, g, source(t, "named.tsx"), "home")
	begun, err := d.Client.Connect(t.Context(), ref, api.ConnectRequest{Provider: "google", Device: true})
	if err != nil {
		t.Fatal(err)
	}
	g.Type()
	if _, err := d.Client.FinishConnect(t.Context(), api.ConnectFinish{Provider: "google", State: begun.State}); err != nil {
		t.Fatal(err)
	}
	w := browser.Start(t, chromedp.IgnoreCertErrors).Window(t)
	w.SignIn(d.Client)
	w.Go(d.URL + "/home/mail")
	w.AwaitText("2 mails")
	g.Revoke()
	w.AwaitText("Its Google account ada@example.com must be connected again: Google does not accept")
	accessible(t, w, "a frame that speaks of an account")
	allow(w, g, func() { w.Click("#charm-page-accounts button") })
	w.Await(`document.querySelector("#charm-page-accounts").childElementCount === 0`)
	c, err := d.Client.Charm(t.Context(), ref)
	if err != nil || c.Status == charm.StatusAccount {
		t.Errorf("it stands as %s, %v", c.Status, err)
	}
}

// A host that a charm did not ask before is allowed by a click, and then asked.
func TestConsentByAClick(t *testing.T) {
	t.Parallel()
	reached := make(chan string, 8)
	serve := func(name string) (url, host string) {
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached <- name }))
		t.Cleanup(s.Close)
		return s.URL, s.Listener.Addr().String()
	}
	first, host := serve("first")
	second, other := serve("second")
	d := start(t, "--consent", "ask", "--allow-hosts", host+","+other, "--max-retries", "0")
	ref := addCharm(t, d, source(t, "asks.tsx"), "home", "asks", fmt.Sprintf(`{"url":%q}`, first), func(r *api.AddRequest) { r.NoRegister = true })
	run(t, d, ref) // what it asks the first time it is made for
	if err := d.Client.SetCell(t.Context(), ref, []string{"url"}, []byte(fmt.Sprintf("%q", second))); err != nil {
		t.Fatal(err)
	}
	run(t, d, ref)
	w := browser.Start(t).Window(t)
	w.SignIn(d.Client)
	w.Go(d.URL + "/service")
	w.AwaitText("wants to ask " + other)
	accessible(t, w, "the service with a host that waits")
	w.Go(d.URL + "/home/asks/inspect")
	w.AwaitText("waits for you")
	accessible(t, w, "the inspector with a host that waits")
	w.Click("[value=allow-host]")
	w.Await(`!document.body.innerText.includes("waits for you")`)
	for len(reached) > 0 {
		if name := <-reached; name == "second" {
			t.Error("the host was asked before anybody allowed it")
		}
	}
	run(t, d, ref)
	if name := <-reached; name != "second" {
		t.Errorf("%s was asked", name)
	}
	for _, path := range []string{"/home/asks/inspect", "/service"} {
		if status, _ := post(t, d, path, map[string][]string{"do": {"allow-host"}, "charm": {"home/asks"}, "host": {"a b"}}); status != http.StatusBadRequest {
			t.Errorf("%s: a host that is none gives %d", path, status)
		}
	}
}
