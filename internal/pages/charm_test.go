package pages_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"charmd/internal/api"
	"charmd/internal/browser"
	"charmd/internal/client"
	"charmd/internal/process"
)

// add adds a charm that nothing runs by itself, and returns its page's address.
func add(t *testing.T, d *process.Daemon, name, source string, change ...func(*api.AddRequest)) string {
	t.Helper()
	req := api.AddRequest{Entry: name + ".tsx", Files: map[string]string{name + ".tsx": source}, Space: "home", Name: name, NoRegister: true}
	for _, fn := range change {
		fn(&req)
	}
	added, err := d.Client.Add(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return d.URL + "/home/" + added.CharmID
}

// part names a part of one of our elements, as a JavaScript expression.
func part(element, css string) string {
	return fmt.Sprintf("document.querySelector(%q).shadowRoot.querySelector(%q)", "#charm "+element, css)
}

// A newcomer's first minute: from the printed link to the heartbeat that counts.
func TestNewcomerSeesTheHeartbeatCount(t *testing.T) {
	t.Parallel()
	d := start(t, "--interval", "1s")
	w := browser.Start(t).Window(t)
	w.SignIn(d.Client)
	w.Click(`a[href="/home/heartbeat"]`)
	w.AwaitText("This charm has run")
	first := browser.Eval[int](w, `parseInt(/has run (\d+)/.exec(document.body.innerText)[1])`)
	w.Await(fmt.Sprintf(`parseInt(/has run (\d+)/.exec(document.body.innerText)[1]) >= %d`, first+2))
	w.Await(part("common-updater", ".note") + `.textContent.includes("Registered: runs in the background (heartbeat)")`)
	accessible(t, w, "heartbeat")
}

// A feed's items appear once <common-updater> was clicked, and new ones by themselves.
func TestUpdaterStartsAFeed(t *testing.T) {
	t.Parallel()
	var items atomic.Int64
	items.Store(2)
	feed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<rss version="2.0"><channel>`)
		for i := range items.Load() {
			fmt.Fprintf(w, `<item><guid>%d</guid><title>Story &lt;b&gt;%d&lt;/b&gt;</title><link>https://example.org/%d</link></item>`, i, i, i)
		}
		fmt.Fprint(w, `</channel></rss>`)
	}))
	t.Cleanup(feed.Close)
	source, err := os.ReadFile("../../charms/rss.tsx")
	if err != nil {
		t.Fatal(err)
	}
	d := start(t)
	url := add(t, d, "news", string(source), func(r *api.AddRequest) {
		r.Argument = json.RawMessage(fmt.Sprintf(`{"settings":{"feedUrl":%q}}`, feed.URL))
		r.AllowHosts, r.Every = []string{feed.Listener.Addr().String()}, "1s"
	})
	w := browser.Start(t).Window(t)
	w.SignIn(d.Client)
	w.Go(url)
	w.Await(part("common-updater", ".note") + `.textContent === "Does not run in the background yet"`)
	w.Await(part("common-updater", "button") + `.click() === undefined`)
	w.AwaitText("Story 1") // without the tags
	w.Await(part("common-updater", ".note") + `.textContent === "Registered: runs in the background (rss)"`)
	accessible(t, w, "feed")
	items.Store(3)
	w.AwaitText("Story 2")

	if _, err := d.Client.Disable(t.Context(), client.Ref{Space: "home", Charm: "news"}, "the owner said so"); err != nil {
		t.Fatal(err)
	}
	w.Await(part("common-updater", ".note") + `.textContent === "Disabled: the owner said so"`)
	w.Await(part("common-updater", "button") + `.textContent === "Enable again"`)
	w.Await(part("common-updater", "button") + `.click() === undefined`)
	w.Await(part("common-updater", ".note") + `.textContent === "Registered: runs in the background (rss)"`)
	if _, err := d.Client.Pause(t.Context(), api.PauseRequest{Space: "home", Charm: "news"}); err != nil {
		t.Fatal(err)
	}
	w.Await(part("common-updater", ".note") + `.textContent === "Registered, and paused"`)
}

func source(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// typeInto puts a text into a field within one of our elements, key by key.
func typeInto(w *browser.Window, field, text string) {
	w.Await(field + ` && (` + field + `.focus(), true)`)
	w.Press(text)
}

// Every element does what it is for, and a second window shows the same.
func TestElementsInTwoWindows(t *testing.T) {
	t.Parallel()
	d := start(t)
	url := add(t, d, "everything", source(t, "everything.tsx"))
	w := browser.Start(t).Window(t)
	w.SignIn(d.Client)
	w.Go(url)
	w.AwaitText("in a fragment")
	other := w.Beside()
	other.Go(url)
	other.AwaitText("in a fragment")
	both := func(expression string) {
		t.Helper()
		w.Await(expression)
		other.Await(expression)
	}
	w.Await(`document.title === "Everything: Things"`)
	w.Await(`document.querySelector("#charm-none") !== null`)
	for i, css := range []string{"common-button", "sl-button", "#charm-plain"} {
		w.Click("#charm " + css)
		both(fmt.Sprintf(`document.querySelector("#charm-count").textContent === "%d so far"`, i+1))
	}
	both(`document.querySelector("#charm-some") !== null`)

	typeInto(w, part("common-vstack common-input", "input"), "Ada")
	both(`document.querySelector("#charm-greeting").textContent === "Hello Ada!"`)
	other.Await(part("common-vstack common-input", "input") + `.value === "Ada"`)
	typeInto(other, part("common-vstack common-input", "input"), " L.")
	both(`document.querySelector("#charm-greeting").textContent === "Hello Ada L.!"`)

	typeInto(w, `document.querySelector("#charm-note")`, "remember me\r")
	both(`document.querySelector("#charm-last").textContent === "note: remember me"`)
	typeInto(w, `document.querySelector("#charm-city")`, "Riga\r")
	both(`document.querySelector("#charm-last").textContent === "sent Riga"`)
	w.Click("#charm-agree")
	both(`document.querySelector("#charm-agreed").textContent === "agreed" && document.querySelector("#charm-agree").checked`)

	typeInto(w, part("common-send-message", "input"), "water the plants\r")
	both(part("common-todo", `input[type="text"]`) + `.value === "water the plants"`)
	typeInto(w, part("common-send-message", "input"), "call home\r")
	both(`document.querySelectorAll("#charm common-todo").length === 2`)
	w.Await(part("common-todo", `input[type="checkbox"]`) + `.click() === undefined`)
	both(part("common-todo", `input[type="checkbox"]`) + `.checked`)
	typeInto(other, part("common-input", "input"), " to do")
	other.Await(`(document.activeElement.blur(), true)`)
	both(`document.querySelector("#charm h2").textContent === "Things to do"`)
	w.Await(part("common-table", "table") + `.innerText.includes("Riga")`)
	w.Await(part("common-google-oauth", ".note") + `.textContent === "Not connected"`)

	w.Click("#charm-fail")
	w.AwaitText("the moon is full (everything.tsx:")
	accessible(t, w, "elements")
	w.Screenshot("charm-elements")
	w.Dark(true)
	accessible(t, w, "elements in the dark")
	w.Resize(390, 844)
	w.Await(`document.documentElement.scrollWidth <= innerWidth`)
	w.Screenshot("charm-elements-phone-dark")
}

// The daemon dies with the page open; what was typed and what was done meanwhile
// is there when it is back, once.
func TestPageOutlivesTheDaemon(t *testing.T) {
	t.Parallel()
	address, release, err := process.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	d := start(t, "--listen", address)
	url := add(t, d, "everything", source(t, "everything.tsx"))
	w := browser.Start(t).Window(t)
	w.SignIn(d.Client)
	w.Go(url)
	w.AwaitText("in a fragment")
	note := `document.querySelector("#charm-city")`
	typeInto(w, note, "half a thou")
	w.Await(note + `.setSelectionRange(4, 4) === undefined`)
	d.Kill()
	w.AwaitText("The connection is lost")
	w.Await(`document.querySelector("#charm-plain").click() === undefined`)
	w.AwaitText("1 change is kept")
	again(t, d)
	w.Await(`document.querySelector("#charm-count").textContent === "1 so far"`)
	w.Await(`document.querySelector("#charm-page-status").hidden`)
	w.Await(note + `.value === "half a thou" && document.activeElement === ` + note + ` && ` + note + `.selectionStart === 4`)
	w.Press("-X-")
	w.Await(note + `.value === "half-X- a thou"`)
	// What the browser says when a connection is refused.
	expect(t, w, "ERR_CONNECTION_REFUSED")
}

// Nothing of what a recipe or its data tries runs, loads or leads anywhere.
func TestHostileCharm(t *testing.T) {
	t.Parallel()
	d := start(t)
	url := add(t, d, "hostile", source(t, "hostile.tsx"), func(r *api.AddRequest) {
		r.Argument = json.RawMessage(`{"text":"</p><img src=x onerror='window.hacked=true'>","url":"javascript:window.hacked=true","handler":"window.hacked=true"}`)
	})
	w := browser.Start(t).Window(t)
	w.SignIn(d.Client)
	w.Go(url)
	w.AwaitText("</p><img src=x onerror='window.hacked=true'>")
	w.AwaitText("strange name")
	for expression, want := range map[string]string{
		`[...document.querySelectorAll("#charm *")].filter(e => /^(script|style|iframe|object|embed|meta|base|link|img|template|noscript|svg|math)$/i.test(e.localName)).length`: "0",
		`[...document.querySelectorAll("#charm *")].filter(e => e.namespaceURI !== "http://www.w3.org/1999/xhtml").length`:                                                       "0",
		`[...document.querySelectorAll("#charm *")].flatMap(e => [...e.attributes]).filter(a => /^on|src|action|ping|is$|popover|nonce|data-(live|key)/i.test(a.name)).length`:   "0",
		`[...document.querySelectorAll("#charm a")].filter(a => a.href).map(a => a.href + a.rel).join()`:                                                                         "https://example.org/noopener noreferrer",
		`document.querySelector("#charm-styled").style.cssText`:                                                                                                                  "color: red;",
		`document.querySelector("#charm-cover").style.backgroundImage`:                                                                                                           "",
		`document.elementFromPoint(60, 25).closest("header") !== null`:                                                                                                           "true",
		`document.querySelectorAll("#main").length`:                                                                                                                              "1",
		`document.title`: "</p><img src=x onerror='window.hacked=true'>",
	} {
		if got := browser.Eval[string](w, "String("+expression+")"); got != want {
			t.Errorf("%s is %q, want %q", expression, got, want)
		}
	}
	w.Await(`[...document.querySelectorAll("#charm *")].every(e => (e.matches("a[target]") || e.click(), e.focus(), true))`)
	w.Await(`location.pathname.startsWith("/home/")`)
	if browser.Eval[bool](w, `window.hacked === true`) {
		t.Error("something of the charm's ran")
	}
}

// Whoever uses no mouse gets everywhere and does everything.
func TestKeyboardAlone(t *testing.T) {
	t.Parallel()
	d := start(t)
	url := add(t, d, "everything", source(t, "everything.tsx"))
	w := browser.Start(t).Window(t)
	w.SignIn(d.Client)
	w.Go(url)
	w.AwaitText("in a fragment")
	tabTo := func(what string) {
		t.Helper()
		const focus = `(function deep(e) { return e.shadowRoot?.activeElement ? deep(e.shadowRoot.activeElement) : e; })(document.activeElement)`
		for range 60 {
			w.Press(kb.Tab)
			if browser.Eval[bool](w, fmt.Sprintf(`(%s.ariaLabel || %[1]s.textContent || document.activeElement.textContent).trim() === %q`, focus, what)) {
				return
			}
		}
		t.Fatalf("the tab key never leads to %q", what)
	}
	tabTo("+1")
	w.Press(kb.Enter)
	w.AwaitText("1 so far")
	tabTo("also +1")
	w.Press(" ")
	w.AwaitText("2 so far")
	tabTo("Your name")
	w.Press("Grace")
	w.AwaitText("Hello Grace!")
	tabTo("What is to do")
	w.Press("rest" + kb.Enter)
	w.Await(part("common-todo", `input[type="text"]`) + `.value === "rest"`)
	tabTo("Movable with the arrow keys")
	w.Press(kb.ArrowRight)
	w.Await(part("common-draggable", "div") + `.style.transform === "translate(16px, 0px)"`)
	tabTo("Run in the background")
	w.Press(kb.Enter)
	w.Await(part("common-updater", ".note") + `.textContent.startsWith("Registered")`)
	w.Await(`document.activeElement.localName === "common-updater"`)
	tabTo("fail")
	w.Press(kb.Enter)
	w.AwaitText("the moon is full")
	tabTo("Dismiss")
	w.Press(kb.Enter)
	w.Await(`!document.body.innerText.includes("the moon is full")`)
}
