package pages_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"charmd/charms"
	"charmd/internal/browser"
	"charmd/internal/client"
	"charmd/internal/process"
)

// look checks and pictures the page that a window shows.
func look(t *testing.T, w *browser.Window, d *process.Daemon, name string) {
	t.Helper()
	accessible(t, w, name)
	ownOnly(t, w, d)
	w.Screenshot(name)
}

// unfold shows all that can be folded out.
func unfold(w *browser.Window) {
	browser.Eval[bool](w, `document.querySelectorAll("main details").forEach((d) => { d.open = true; }), true`)
}

// TestPages goes through the pages as a person does who looks after charms.
func TestPages(t *testing.T) {
	t.Parallel()
	url, host := feed(t, "First of all", "A second look", "Third time lucky")
	d := start(t, "--allow-hosts", host, "--max-retries", "0")
	lively(t, d, url)
	w := browser.Start(t).Window(t)
	w.SignIn(d.Client)
	t.Run("home", func(t *testing.T) { home(t, w, d, url) })
	t.Run("inspect", func(t *testing.T) { inspect(t, w, d) })
	t.Run("service", func(t *testing.T) { service(t, w, d) })
	t.Run("charm", func(t *testing.T) {
		w.Go(d.URL + "/feeds/news")
		w.AwaitText("Third time lucky")
		look(t, w, d, "charm-rss")
	})
	t.Run("dark and small", func(t *testing.T) {
		w.Dark(true)
		w.Go(d.URL + "/home/counter/inspect")
		look(t, w, d, "inspect-dark")
		w.Resize(390, 844)
		for name, path := range map[string]string{"home-phone": "/", "inspect-phone": "/mail/inbox/inspect", "service-phone": "/service"} {
			w.Go(d.URL + path)
			look(t, w, d, name)
			if wide := browser.Eval[int](w, "document.documentElement.scrollWidth"); wide > 390 {
				t.Errorf("%s is %d pixels wide on a screen of 390", name, wide)
			}
		}
	})
}

func home(t *testing.T, w *browser.Window, d *process.Daemon, feedURL string) {
	w.AwaitText("heartbeat")
	look(t, w, d, "home")
	first := w.Text(`[data-key] a[href="/home/heartbeat/inspect"]`)
	if !strings.Contains(first, "Inspect") {
		t.Errorf("the link says %q", first)
	}

	w.Fill("[type=search]", "mail err")
	w.Await(`!document.body.innerText.includes("heartbeat") && document.body.innerText.includes("inbox")`)
	if at := browser.Eval[string](w, "location.search"); at != "?q=mail+err" {
		t.Errorf("the search's address is %s", at)
	}
	w.Fill("[type=search]", "nothing like this")
	w.AwaitText("No charm matches")
	w.Go(d.URL + "/")

	// A mistake is told where it was made, and what was typed stays.
	w.Click("#add summary")
	const broken = "export default recipe(\n  <div\n"
	w.Fill("[name=source]", broken)
	w.Fill("[name=file]", "mine.tsx")
	w.Click("form:has([name=source]) button")
	w.Await(`document.querySelector("#add [role=alert]")`)
	if text := w.Text("#add [role=alert]"); !regexp.MustCompile(`mine\.tsx:\d+:\d+`).MatchString(text) {
		t.Errorf("the mistake is told as %q", text)
	}
	if kept := browser.Eval[string](w, `document.querySelector("[name=source]").value`); kept != broken {
		t.Errorf("what was typed became %q", kept)
	}
	look(t, w, d, "add-mistake")
	expect(t, w, "422") // the browser's own word on it

	w.Fill("[name=feed]", feedURL)
	w.Fill("form:has([name=feed]) [name=space]", "reading")
	w.Click("form:has([name=feed]) button")
	w.Await(`location.pathname.endsWith("/inspect")`)
	// The log of its first run; the second may be due at once, when the charm's minute turns.
	w.Await(`/(3 new of|nothing new in) 3 items/.test(document.body.innerText)`)
	unfold(w)
	w.AwaitText("Third time lucky")

	w.Go(d.URL + "/")
	w.Click("#add summary")
	w.Fill("form:has([name=template]) [name=every]", "1s")
	w.Click("form:has([name=template]) button")
	w.Await(`location.pathname.endsWith("/inspect") && document.title.includes("counter-2")`)
	w.Await(`Number(document.querySelector(".leaf .number")?.innerText) > 2`) // by itself
}

func inspect(t *testing.T, w *browser.Window, d *process.Daemon) {
	runs := func() int {
		c, err := d.Client.Charm(t.Context(), client.Ref{Space: "home", Charm: "counter"})
		if err != nil {
			t.Fatal(err)
		}
		return int(c.State.TotalExecutions)
	}
	w.Go(d.URL + "/home/counter/inspect")
	w.AwaitText("Counter: ")
	browser.Eval[bool](w, "window.stays = true")
	before := runs()
	w.Click("[value=run]")
	w.AwaitText(fmt.Sprintf("%d ok, 0 failed", before+1))
	w.Click("[value=disable]")
	w.AwaitText("disabled by a person")
	w.Click("[value=enable]")
	w.Await(`document.querySelector("[value=disable]")`)
	w.Click("[value=pause]")
	w.Await(`document.querySelector("[value=resume]")`)
	w.Click("[value=resume]")
	w.Await(`document.querySelector("[value=pause]")`)

	// What is being written stays while the page changes around it.
	w.Click("section:has(> #argument) details:not(.tree) summary")
	w.Fill("[name=argument]", `{"value": 1000`)
	before = runs()
	run(t, d, client.Ref{Space: "home", Charm: "counter"})
	w.AwaitText(fmt.Sprintf("%d ok, 0 failed", before+1))
	w.Click("[value=argument]")
	w.AwaitText("the argument is not JSON")
	expect(t, w, "400")
	if kept := browser.Eval[string](w, `document.querySelector("[name=argument]").value`); kept != `{"value": 1000` {
		t.Errorf("what was typed became %q", kept)
	}
	w.Fill("[name=argument]", `{"value": 1000}`)
	w.Click("[value=argument]")
	w.Await(`!document.querySelector("[role=alert]") && document.body.innerText.includes("1000")`)
	w.Click("[value=run]")
	w.AwaitText("Counter: 1001")
	if !browser.Eval[bool](w, "window.stays") {
		t.Error("the page was loaded anew")
	}

	w.Go(d.URL + "/mail/inbox/inspect")
	w.AwaitText("opening the box inbox")
	w.AwaitText("inbox.tsx:5:")
	look(t, w, d, "inspect")
	w.Click(".rows tbody tr:last-child a")
	w.AwaitText("Log of the run of")

	w.Go(d.URL + "/home/counter-2/inspect")
	w.Click("[value=remove]")
	w.Await(`location.pathname === "/"`)
	w.Await(`!document.body.innerText.includes("counter-2")`)
}

func service(t *testing.T, w *browser.Window, d *process.Daemon) {
	w.Go(d.URL + "/service")
	w.AwaitText("ready")
	w.Click("[value=pause]")
	w.Await(`document.querySelector("[value=resume].main")`)
	w.Click("[value=resume].main")
	w.Await(`document.querySelector("[value=pause]")`)
	w.Click("[value=cleanup]")
	w.Await(`document.querySelector("[data-key=cleanup] .good")`)
	failed := func() int {
		c, err := d.Client.Charm(t.Context(), client.Ref{Space: "mail", Charm: "inbox"})
		if err != nil {
			t.Fatal(err)
		}
		return int(c.State.TotalFailures)
	}
	before := failed()
	w.Click("[value=retry]")
	w.AwaitText(strconv.Itoa(before+1) + " times")
	w.Await(`document.querySelectorAll(".plot svg rect").length > 3`) // from the store, once they are counted
	look(t, w, d, "service")

	// Another browser is seen, and signed out from here.
	link, err := d.Client.SignInLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(d.URL + link.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	w.AwaitText("Go-http-client")
	w.Click("[value=sign-out]")
	w.Await(`!document.body.innerText.includes("Go-http-client")`)
	if list, err := d.Client.SignIns(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("signed in: %v, %v", list, err)
	}
}

// TestKeyboard does with keys alone what the pages are for.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	d := start(t)
	w := browser.Start(t).Window(t)
	w.SignIn(d.Client)
	w.AwaitText("heartbeat")
	focus := func(css string) {
		t.Helper()
		for range 60 {
			w.Press(kb.Tab)
			if browser.Eval[bool](w, fmt.Sprintf("document.activeElement.matches(%q)", css)) {
				if !browser.Eval[bool](w, `getComputedStyle(document.activeElement).outlineStyle !== "none"`) {
					t.Errorf("%s has the focus, and nothing shows it", css)
				}
				return
			}
		}
		t.Fatalf("Tab never comes to %s", css)
	}
	focus(".skip")
	w.Press(kb.Enter)
	w.Await(`document.activeElement === document.querySelector("main")`)
	focus(`a[href="/home/heartbeat/inspect"]`)
	w.Press(kb.Enter)
	w.Await(`location.pathname === "/home/heartbeat/inspect"`)
	focus("[value=disable]")
	w.Press(kb.Enter)
	w.AwaitText("disabled by a person")
	focus("[value=enable]")
	w.Press(" ")
	w.Await(`document.querySelector("[value=disable]")`)
	if c, err := d.Client.Charm(t.Context(), client.Ref{Space: "home", Charm: "heartbeat"}); err != nil || !c.Enabled {
		t.Errorf("enabled: %v, %v", c.Enabled, err)
	}
}

// hostile puts markup wherever a recipe has a say.
const hostile = `import { handler, NAME, recipe } from "@commontools/builder";

const evil = "<img src=x onerror=alert(1)></script><script>alert(2)</script>";

const act = handler({}, { type: "object", properties: { text: { type: "string", default: "" } } }, (_event, state) => {
  console.log("log " + evil + state.text);
  throw new Error("error " + evil);
});

export default recipe(
  { type: "object", properties: { text: { type: "string", default: "" } } },
  ({ text }) => ({ [NAME]: "name " + evil, [evil]: evil, link: "javascript:alert(3)", text, bgUpdater: act({ text }) }),
);
`

// TestFault25_MarkupIsText: what charms, feeds and addresses say is text on every
// page. Windows fail their test when a dialog opens or a script is refused.
func TestFault25_MarkupIsText(t *testing.T) {
	t.Parallel()
	const evil = `<img src=x onerror=alert(4)>"'><script>alert(5)</script>`
	url, host := feed(t, evil, "javascript:alert(6)")
	d := start(t, "--allow-hosts", host, "--max-retries", "0")
	quoted, err := json.Marshal(map[string]string{"text": evil, evil: "</textarea>" + evil})
	if err != nil {
		t.Fatal(err)
	}
	run(t, d, addCharm(t, d, hostile, "evil", "charm", string(quoted)))
	run(t, d, addCharm(t, d, hostileRSS(), "evil", "feed", fmt.Sprintf(`{"settings":{"feedUrl":%q,"limit":5}}`, url)))
	if err := d.Client.Remove(t.Context(), client.Ref{Space: "home", Charm: "heartbeat"}); err != nil {
		t.Fatal(err)
	}
	w := browser.Start(t).Window(t)
	w.SignIn(d.Client)
	clean := func(where string, texts ...string) {
		t.Helper()
		unfold(w)
		for _, text := range texts {
			w.AwaitText(text)
		}
		if n := browser.Eval[int](w, `document.querySelectorAll("main img, main script, main [onerror], a[href^='javascript']").length`); n > 0 {
			t.Errorf("%s: %d elements are what a charm wrote", where, n)
		}
	}
	clean("home", "charm")
	w.Go(d.URL + "/evil/charm/inspect")
	clean("inspect", "log <img", "error <img", "name <img", "javascript:alert(3)")
	if draft := browser.Eval[string](w, `document.querySelector("[name=argument]").value`); !strings.Contains(draft, "</textarea><img") {
		t.Errorf("the argument to be edited is %s", draft)
	}
	w.Go(d.URL + "/evil/feed/inspect")
	clean("feed", `"'>alert(5)`, "javascript:alert(6)") // rss takes tags out of titles
	w.Go(d.URL + "/service")
	clean("service", "error <img")
	w.Go(d.URL + "/?q=%3Cscript%3Ealert(7)%3C/script%3E%22%3E%3Cimg%20src=x%20onerror=alert(8)%3E")
	clean("search", "No charm matches “<script>")
	w.Go(d.URL + "/evil/charm/inspect?run=%22%3E%3Cscript%3Ealert(9)%3C/script%3E")
	clean("run", "error <img")
	w.Go(d.URL + "/%3Cimg%20src=x%20onerror=alert(10)%3E/x/inspect")
	clean("no such charm", "there is no space <img")
	expect(t, w, "404")
}

// hostileRSS is the shipped recipe of feeds, integrated under a name that is markup.
func hostileRSS() string {
	return strings.ReplaceAll(charms.Source("rss.tsx"), `integration="rss"`, `integration="<b>rss</b>"`)
}

// TestFirstLoadIsSmall counts what a browser loads that has nothing of us yet.
func TestFirstLoadIsSmall(t *testing.T) {
	t.Parallel()
	d := start(t)
	token, err := os.ReadFile(filepath.Join(d.Dir, client.TokenFile))
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) (size int, text string, h http.Header) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
		req.Header.Set("Accept", "text/html")
		req.Header.Set("Accept-Encoding", "gzip")
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK || res.Header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s: %s, %v, %v", path, res.Status, res.Header, err)
		}
		plain, err := gzip.NewReader(strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(plain)
		if err != nil {
			t.Fatal(err)
		}
		return len(body), string(all), res.Header
	}
	for page, opener := range map[string]string{
		"/": "same-origin", "/service": "same-origin", "/home/heartbeat/inspect": "same-origin", "/home/heartbeat": "same-origin-allow-popups",
	} {
		sum, text, h := get(page)
		if got := h.Get("Cross-Origin-Opener-Policy"); got != opener {
			t.Errorf("%s: what it opens may be %s, want %s", page, got, opener)
		}
		policy := h.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'; script-src "+strings.TrimPrefix(d.URL, "http://")+"/assets/; style-src 'self'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: its policy is %s", page, policy)
		}
		if inline := regexp.MustCompile(`<style|<script[^>]*>[^<]|\sstyle=|\son[a-z]+=`).FindString(text); inline != "" {
			t.Errorf("%s holds %q", page, inline)
		}
		assets := regexp.MustCompile(`(?:href|src)="(/assets/[^"]+)"`).FindAllStringSubmatch(text, -1)
		loaded := map[string]bool{}
		for _, asset := range assets {
			if loaded[asset[1]] {
				continue
			}
			loaded[asset[1]] = true
			size, _, h := get(asset[1])
			if sum += size; !strings.Contains(h.Get("Cache-Control"), "immutable") {
				t.Errorf("%s: %v", asset[1], h)
			}
		}
		t.Logf("%s: %d bytes in %d requests", page, sum, len(loaded)+1)
		if sum > 100_000 || len(loaded) < 3 {
			t.Errorf("%s: the first load is %d bytes of %d assets", page, sum, len(loaded))
		}
	}
}
