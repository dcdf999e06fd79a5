package pages_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"charmd/charms"
	"charmd/internal/api"
	"charmd/internal/browser"
	"charmd/internal/client"
	"charmd/internal/process"
)

// feed serves an RSS feed with the titles, and returns its address.
func feed(t *testing.T, titles ...string) (url, host string) {
	t.Helper()
	var items strings.Builder
	for i, title := range titles {
		fmt.Fprintf(&items, "<item><guid>%d</guid><title><![CDATA[%s]]></title><link>https://example.org/%d</link><pubDate>Wed, %02d Nov 2026 10:00:00 GMT</pubDate></item>", i, title, i, i+1)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<?xml version="1.0"?><rss version="2.0"><channel><title>A feed</title>%s</channel></rss>`, items.String())
	}))
	t.Cleanup(s.Close)
	return s.URL + "/feed.xml", s.Listener.Addr().String()
}

// addCharm adds a charm made of a recipe's source. By itself it runs at once, and then in
// a year: when in its interval that is falls to its space, whose key is another each time,
// so a shorter one may come between two steps of a test.
func addCharm(t *testing.T, d *process.Daemon, source, space, name, argument string, change ...func(*api.AddRequest)) client.Ref {
	t.Helper()
	req := api.AddRequest{Entry: name + ".tsx", Files: map[string]string{name + ".tsx": source}, Space: space, Name: name, Every: "8760h"}
	if argument != "" {
		req.Argument = json.RawMessage(argument)
	}
	for _, fn := range change {
		fn(&req)
	}
	if _, err := d.Client.Add(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	return client.Ref{Space: space, Charm: name}
}

// run runs a charm once and waits for it; how it ends is the caller's affair.
func run(t *testing.T, d *process.Daemon, ref client.Ref) {
	t.Helper()
	if _, err := d.Client.Run(t.Context(), ref, true); err != nil {
		t.Fatal(err)
	}
}

// failing logs a line and throws.
const failing = `import { handler, recipe } from "@commontools/builder";

const fetchMail = handler({}, { type: "object", properties: { box: { type: "string", default: "" } } }, (_event, state) => {
  console.log("opening the box " + state.box);
  throw new Error("the box " + state.box + " is locked");
});

export default recipe(
  { type: "object", properties: { box: { type: "string", default: "inbox" } } },
  ({ box }) => ({ box, bgUpdater: fetchMail({ box }) }),
);
`

// lively is a daemon with charms that are well and charms that are not.
func lively(t *testing.T, d *process.Daemon, feedURL string) {
	t.Helper()
	news := addCharm(t, d, charms.Source("rss.tsx"), "feeds", "news", fmt.Sprintf(`{"settings":{"feedUrl":%q,"limit":20}}`, feedURL))
	counter := addCharm(t, d, charms.Source("counter.tsx"), "home", "counter", `{"value":41}`)
	mail := addCharm(t, d, failing, "mail", "inbox", "")
	idle := addCharm(t, d, charms.Source("counter.tsx"), "home", "steps", "")
	for range 4 {
		run(t, d, news)
	}
	for range 24 {
		run(t, d, counter)
	}
	for range 2 {
		run(t, d, mail)
	}
	if _, err := d.Client.Disable(t.Context(), idle, "not in winter"); err != nil {
		t.Fatal(err)
	}
}

// accessible holds the page that a window shows against axe-core's rules, where
// axe-core is installed: CHARMD_AXE names its folder.
func accessible(t *testing.T, w *browser.Window, name string) {
	t.Helper()
	dir := os.Getenv("CHARMD_AXE")
	if dir == "" {
		return
	}
	source, err := os.ReadFile(filepath.Join(dir, "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	browser.Eval[bool](w, string(source)+"\n; true")
	found := browser.Eval[[]string](w, `axe.run().then((r) => r.violations
		.filter((v) => v.impact === "serious" || v.impact === "critical")
		.map((v) => v.id + ": " + v.help + " " + v.nodes.map((n) => n.html).join(" ").slice(0, 600)))`)
	for _, line := range found {
		t.Errorf("%s: %s", name, line)
	}
}

// ownOnly wants all that the page was made of to have come from the daemon.
func ownOnly(t *testing.T, w *browser.Window, d *process.Daemon) {
	t.Helper()
	for _, url := range browser.Eval[[]string](w, `performance.getEntries().map((e) => e.name).filter((n) => n.includes("://"))`) {
		if !strings.HasPrefix(url, d.URL+"/") {
			t.Errorf("the page asks for %s", url)
		}
	}
}
