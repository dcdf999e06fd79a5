package service_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"charmd/charms"
	"charmd/internal/charm"
)

// feed is a server whose document a test may change.
type feed struct {
	mu   sync.Mutex
	text string
	code int
}

func (f *feed) set(code int, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.code, f.text = code, text
}

func (f *feed) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.WriteHeader(f.code)
	_, _ = w.Write([]byte(f.text))
}

// The kinds of feeds, with items numbered from n down to 1, newest first.
func rss2(n int) string {
	return `<?xml version="1.0"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>F</title>` +
		items(n, `<item><guid isPermaLink="false">id-%[1]d</guid><title>Title &amp; %[1]d</title><link>https://example.org/%[1]d</link><description><![CDATA[<b>%[1]d</b>]]></description><dc:creator>A</dc:creator><pubDate>%[2]s</pubDate></item>`, "Mon, 02 Mar 2026 10:%02d:00 GMT") + `</channel></rss>`
}

func rss1(n int) string {
	return `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>F</title></channel>` +
		items(n, `<item rdf:about="id-%[1]d"><title>Title &amp; %[1]d</title><link>https://example.org/%[1]d</link><description>&lt;b&gt;%[1]d&lt;/b&gt;</description><dc:creator>A</dc:creator><dc:date>%[2]s</dc:date></item>`, "2026-03-02T10:%02d:00Z") + `</rdf:RDF>`
}

func atom(n int) string {
	return `<feed xmlns="http://www.w3.org/2005/Atom"><title>F</title>` +
		items(n, `<entry><id>id-%[1]d</id><title>Title &amp; %[1]d</title><link rel="self" href="https://example.org/self"/><link href="https://example.org/%[1]d"/><summary type="html">&lt;b&gt;%[1]d&lt;/b&gt;</summary><author><name>A</name></author><updated>%[2]s</updated></entry>`, "2026-03-02T10:%02d:00Z") + `</feed>`
}

func items(n int, form, date string) string {
	var b strings.Builder
	for i := n; i > 0; i-- {
		fmt.Fprintf(&b, form, i, fmt.Sprintf(date, i))
	}
	return b.String()
}

type feedItem struct{ ID, Title, Link, Description, Author, PubDate string }

type feedResult struct{ Items []feedItem }

func TestFeedsLandInCells(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := startDaemon(t, dir)
	for name, make := range map[string]func(int) string{"rss2": rss2, "rss1": rss1, "atom": atom} {
		f := &feed{}
		url, host := serve(t, f.ServeHTTP)
		f.set(200, make(3))
		ref := d.add(charms.Source("rss.tsx"), "feeds", name, notRegistered, allow(host), argument(`{"settings":{"feedUrl":%q,"limit":100}}`, url))
		if r := d.runOK(ref); r.Requests != 1 {
			t.Errorf("%s: %d requests in the first run", name, r.Requests)
		}
		got := result[feedResult](t, d.show(ref)).Items
		want := feedItem{"id-3", "Title & 3", "https://example.org/3", "<b>3</b>", "A", "2026-03-02T10:03:00.000Z"}
		if len(got) != 3 || got[0] != want {
			t.Fatalf("%s: the first run left %+v", name, got)
		}
		f.set(200, make(5))
		d.runOK(ref)
		got = result[feedResult](t, d.show(ref)).Items
		if len(got) != 5 || got[0].ID != "id-5" || got[4].ID != "id-1" {
			t.Errorf("%s: the second run, with two new items, left %+v", name, got)
		}
		if r := d.runOK(ref); r.Changed != 0 {
			t.Errorf("%s: a run with nothing new changed %d documents", name, r.Changed)
		}
	}
	if err := d.Stop(); err != nil {
		t.Fatalf("stopping: %v", err)
	}
	d = startDaemon(t, dir)
	list, err := d.Client.Charms(t.Context(), "feeds")
	if err != nil || len(list) != 3 {
		t.Fatalf("after a restart there are %d charms, %v", len(list), err)
	}
	for _, c := range list {
		shown, err := d.Client.Charm(t.Context(), refOf(c))
		if err != nil || len(result[feedResult](t, shown).Items) != 5 || c.Integration != "rss" {
			t.Errorf("after a restart %s is %s with %s, %v", c.Name, c.Integration, shown.Result, err)
		}
	}
}

func TestFeedLimit(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	f := &feed{}
	url, host := serve(t, f.ServeHTTP)
	f.set(200, rss2(9))
	ref := d.add(charms.Source("rss.tsx"), "feeds", "short", notRegistered, allow(host), argument(`{"settings":{"feedUrl":%q,"limit":4}}`, url))
	for range 2 {
		d.runOK(ref)
		got := result[feedResult](t, d.show(ref)).Items
		if len(got) != 4 || got[0].ID != "id-9" || got[3].ID != "id-6" {
			t.Fatalf("a limit of 4 left %+v", got)
		}
	}
	f.set(200, rss2(10))
	d.runOK(ref)
	if got := result[feedResult](t, d.show(ref)).Items; len(got) != 4 || got[0].ID != "id-10" || got[3].ID != "id-7" {
		t.Errorf("after one new item: %+v", got)
	}
}

func TestFeedsThatAreNone(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	f := &feed{}
	url, host := serve(t, f.ServeHTTP)
	ref := d.add(charms.Source("rss.tsx"), "feeds", "broken", notRegistered, allow(host), argument(`{"settings":{"feedUrl":%q}}`, url))
	for _, c := range []struct {
		name    string
		code    int
		text    string
		outcome charm.Outcome
		message string
	}{
		{"a page", 200, "<html><body>hello</body></html>", charm.Errored, "its root element is <html>"},
		{"cut off", 200, rss2(3)[:300], charm.Errored, "not well-formed XML"},
		{"nothing", 200, "", charm.Errored, "not well-formed XML"},
		{"gone", 404, "no", charm.Errored, "answered 404"},
		{"down", 503, "no", charm.Remote, "answered 503"},
	} {
		f.set(c.code, c.text)
		r := d.run(ref)
		if r.Outcome != c.outcome || !strings.Contains(r.Error, c.message) || !strings.HasPrefix(r.Position, "broken.tsx:") {
			t.Errorf("%s: ended as %s: %s (%s)", c.name, r.Outcome, r.Error, r.Position)
		}
	}
	closed := d.add(charms.Source("rss.tsx"), "feeds", "guarded", notRegistered, argument(`{"settings":{"feedUrl":%q}}`, url))
	if r := d.run(closed); r.Outcome != charm.Errored || !strings.Contains(r.Error, "127.0.0.1") || r.Position == "" {
		t.Errorf("a loopback address without --allow-host: %s: %s (%s)", r.Outcome, r.Error, r.Position)
	}
	f.set(200, rss2(2))
	d.runOK(ref)
	if got := result[feedResult](t, d.show(ref)).Items; len(got) != 2 {
		t.Errorf("after the failures a good feed left %+v", got)
	}
}
