package service_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"charmd/charms"
	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/testbin"
)

// answers is a server whose answers a test changes; what is asked again with the tag of
// the last answer has not changed.
type answers struct {
	mu        sync.Mutex
	kind      string
	tag, text string
	same      int // how often nothing had changed
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tag != "" && r.Header.Get("If-None-Match") == a.tag {
		a.same++
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", a.kind)
	if a.tag != "" {
		w.Header().Set("ETag", a.tag)
	}
	_, _ = w.Write([]byte(a.text))
}

// set is what it answers from now on.
func (a *answers) set(kind, tag, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kind, a.tag, a.text = kind, tag, text
}

func (a *answers) notChanged() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.same
}

func TestFeedsOfTheWild(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	a := &answers{}
	url, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			_, _ = w.Write([]byte(`<!doctype html><html><head><link rel="alternate" type="application/rss+xml" href="feed.xml"></head><body>blog`))
			return
		}
		a.ServeHTTP(w, r)
	})
	ref := d.add(charms.Source("rss.tsx"), "feeds", "wild", notRegistered, allow(host), argument(`{"settings":{"feedUrl":%q}}`, url))
	a.set("text/html", `"one"`, "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><rss version=\"2.0\"><channel>"+
		"<item><guid>1</guid><title>&lt;b&gt;Caf\xe9&lt;/b&gt; &amp;amp; more</title><link>https://e.org/1</link><pubDate>Fri, 01 Jan 2100 00:00:00 GMT</pubDate><enclosure url=\"https://e.org/1.mp3\" type=\"audio/mpeg\" length=\"42\"/></item>"+
		"<item><guid>1</guid><title>The same id</title><link>https://e.org/2</link><pubDate>yesterday</pubDate></item>"+
		"<item><guid>1</guid><title>Twice</title><link>https://e.org/1</link></item></channel></rss>")
	type item struct {
		feedItem
		Enclosures []struct {
			URL, Type string
			Length    int
		}
	}
	d.runOK(ref)
	got := result[struct{ Items []item }](t, d.show(ref)).Items
	if len(got) != 2 || got[0].Title != "Café & more" || got[1].Title != "The same id" || got[1].PubDate != "" {
		t.Fatalf("items %+v", got)
	}
	if seen, err := time.Parse(time.RFC3339, got[0].PubDate); err != nil || seen.After(time.Now()) || len(got[0].Enclosures) != 1 || got[0].Enclosures[0].Length != 42 {
		t.Errorf("the first item is %+v", got[0])
	}
	if r := d.runOK(ref); r.Changed != 0 || r.Requests != 1 || a.notChanged() != 1 {
		t.Errorf("asked again: %d documents changed, %d requests, %d not changed", r.Changed, r.Requests, a.notChanged())
	}
	a.set("application/xml; charset=utf-8", `"two"`, "<rss><channel><item><guid>9</guid><title>Na\xefve, says it is UTF-8</title></item></channel></rss>")
	d.runOK(ref)
	if got := result[feedResult](t, d.show(ref)).Items; len(got) != 3 || got[0].Title != "Naïve, says it is UTF-8" {
		t.Errorf("a text that is not in the encoding it names: %+v", got)
	}
}

// add with an address, by the real command, finds the recipe and makes a charm that runs.
func TestAddAnAddress(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	url, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/feed" {
			_, _ = w.Write([]byte(rss2(3)))
			return
		}
		_, _ = w.Write([]byte(`<!doctype html><title>Ada's blog</title><link rel="alternate" type="application/rss+xml" href="/feed">`))
	})
	cmd := exec.CommandContext(t.Context(), testbin.Path(t), "add", url, "--space", "feeds", "--allow-host", host, "--json")
	cmd.Env = append(os.Environ(), "CHARMD_URL="+d.URL, "CHARMD_TOKEN="+d.token())
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	var added api.Added
	if err != nil || json.Unmarshal(out, &added) != nil || added.Name != "ada-s-blog" {
		t.Fatalf("it printed %s and said %s, %v", out, &said, err)
	}
	if want := url + ": the page names its feed, so the recipe is rss\n"; said.String() != want {
		t.Errorf("it said %q, want %q", &said, want)
	}
	ref := client.Ref{Space: added.Space, Charm: added.CharmID}
	d.run(ref)
	d.await(ref, "its items", 30*time.Second, func(c api.Charm) bool { return len(result[feedResult](t, c).Items) == 3 && c.Integration == "rss" })
	cmd = exec.CommandContext(t.Context(), testbin.Path(t), "add", url+"/feed", "--argument", "{}", "--allow-host", host)
	cmd.Env = append(os.Environ(), "CHARMD_URL="+d.URL, "CHARMD_TOKEN="+d.token())
	if text, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(text), "--argument is for recipes") {
		t.Errorf("with an argument: %s, %v", text, err)
	}
}

func TestJSONIsPolled(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	const kind = "application/json"
	a := &answers{kind: kind, tag: `"a"`, text: `{"data":{"list":[{"n":1,"name":"<i>one</i>","at":"2026-01-01"},{"n":1,"name":"again"},{"n":null,"name":null},"bare"]}}`}
	url, host := serve(t, a.ServeHTTP)
	ref := d.add(charms.Source("json.tsx"), "feeds", "poll", notRegistered, allow(host),
		argument(`{"settings":{"url":%q,"list":"data.list","id":"n","title":"name","date":"at"}}`, url))
	type items struct {
		Items []struct{ ID, Title, Date string }
	}
	d.runOK(ref)
	if got := result[items](t, d.show(ref)).Items; len(got) != 3 || got[0].Title != "<i>one</i>" || got[0].ID != "1" || got[0].Date != "2026-01-01" || got[2].Title != "bare" {
		t.Fatalf("items %+v", got)
	}
	if r := d.runOK(ref); r.Changed != 0 || a.notChanged() != 1 {
		t.Errorf("asked again: %d changed, %d not changed", r.Changed, a.notChanged())
	}
	a.set(kind, "", `{"data":{"list":[{"n":2,"name":"two"},{"n":1,"name":"renamed"}]}}`)
	d.runOK(ref)
	if got := result[items](t, d.show(ref)).Items; len(got) != 4 || got[0].ID != "2" || got[1].Title != "renamed" {
		t.Errorf("after one new entry and a new name: %+v", got)
	}
	for text, message := range map[string]string{`{"data":`: "is not JSON", `{"data":{"list":7}}`: "has no list at data.list", `{"__proto__":[]}`: "has no list"} {
		a.set(kind, "", text)
		if r := d.run(ref); r.Outcome != charm.Errored || !strings.Contains(r.Error, message) {
			t.Errorf("%s: %s %s", text, r.Outcome, r.Error)
		}
	}
}

func TestCalendarsByAddress(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	day := time.Now().UTC().Truncate(24 * time.Hour)
	stamp := func(days int) string { return day.AddDate(0, 0, days).Format("20060102") }
	const kind = "text/calendar"
	a := &answers{}
	calendar := func(events ...string) string {
		return "BEGIN:VCALENDAR\r\nX-WR-CALNAME:Work\r\n" + strings.Join(events, "") + "END:VCALENDAR\r\n"
	}
	daily := "BEGIN:VEVENT\r\nUID:d\r\nSUMMARY:Daily\\, short\r\nDTSTART;TZID=Europe/Berlin:" + stamp(1) + "T090000\r\nDURATION:-PT15M\r\nRRULE:FREQ=DAILY;COUNT=4\r\nEXDATE;TZID=Europe/Berlin:" + stamp(2) + "T090000\r\nEND:VEVENT\r\n"
	a.set(kind, `"a"`, calendar(daily, "BEGIN:VEVENT\r\nUID:d\r\nRECURRENCE-ID;TZID=Europe/Berlin:"+stamp(3)+"T090000\r\nSUMMARY:Moved\r\nDTSTART:"+stamp(3)+"T200000Z\r\nEND:VEVENT\r\n",
		"BEGIN:VEVENT\r\nUID:old\r\nDTSTART:19990101\r\nEND:VEVENT\r\n", "BEGIN:VEVENT\r\nUID:bad\r\nDTSTART:whenever\r\nEND:VEVENT\r\n"))
	url, host := serve(t, a.ServeHTTP)
	ref := d.add(charms.Source("ical.tsx"), "home", "work", notRegistered, allow(host), argument(`{"settings":{"url":%q}}`, url))
	type events struct {
		Name   string
		Events []struct {
			ID, UID, Title, Start, End string
			Recurring                  bool
		}
	}
	r := d.runOK(ref)
	got := result[events](t, d.show(ref))
	if got.Name != "Work" || len(got.Events) != 3 || got.Events[0].Title != "Daily, short" || got.Events[1].Title != "Moved" || got.Events[1].Start != day.AddDate(0, 0, 3).Format(time.DateOnly)+"T20:00:00Z" {
		t.Fatalf("%+v", got)
	}
	if got.Events[0].End != got.Events[0].Start || !strings.Contains(r.Log, `"whenever" is not a time`) {
		t.Errorf("a negative duration ends at %s; the log says %s", got.Events[0].End, r.Log)
	}
	if r := d.runOK(ref); r.Changed != 0 || a.notChanged() != 1 {
		t.Errorf("asked again: %d changed, %d not changed", r.Changed, a.notChanged())
	}
	a.set(kind, `"b"`, calendar(fmt.Sprintf("BEGIN:VEVENT\r\nUID:x\r\nDTSTART;VALUE=DATE:%s\r\nEND:VEVENT\r\n", stamp(5))))
	d.runOK(ref)
	if got := result[events](t, d.show(ref)); len(got.Events) != 1 || got.Events[0].UID != "x" || got.Events[0].End != day.AddDate(0, 0, 6).Format(time.DateOnly) {
		t.Errorf("after the others were deleted: %+v", got)
	}
	a.set(kind, "", "<html>")
	if r := d.run(ref); r.Outcome != charm.Errored || !strings.Contains(r.Error, "this is not a calendar") {
		t.Errorf("a page: %s %s", r.Outcome, r.Error)
	}
}

func TestGitHubIsWatched(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	var limited atomic.Bool
	var asked notes
	url, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.add(r.URL.Path)
		switch {
		case limited.Load():
			w.Header().Set("X-RateLimit-Remaining", "0")
			w.Header().Set("X-RateLimit-Reset", fmt.Sprint(time.Now().Add(time.Hour).Unix()))
			w.WriteHeader(http.StatusForbidden)
		case r.Header.Get("If-None-Match") == `"`+r.URL.Path+`"`:
			w.WriteHeader(http.StatusNotModified)
		case strings.HasSuffix(r.URL.Path, "/releases"):
			w.Header().Set("ETag", `"`+r.URL.Path+`"`)
			_, _ = w.Write([]byte(`[{"id":1,"tag_name":"v1.0","name":null,"html_url":"https://github.com/a/b/1","published_at":"2026-01-02T00:00:00Z","author":null}]`))
		default:
			w.Header().Set("ETag", `"`+r.URL.Path+`"`)
			_, _ = w.Write([]byte(`[{"id":2,"number":7,"title":"It breaks","state":"open","html_url":"https://github.com/a/b/7","updated_at":"2026-01-03T00:00:00Z","user":{"login":"ada"}},{"id":3,"number":8,"title":"Fix","state":"closed","pull_request":{},"updated_at":"2026-01-01T00:00:00Z"}]`))
		}
	})
	ref := d.add(charms.Source("github.tsx"), "home", "b", notRegistered, allow(host), argument(`{"settings":{"repo":"a/b","api":%q}}`, url))
	d.runOK(ref)
	got := result[struct {
		Items []struct{ Kind, Title, State, Author string }
	}](t, d.show(ref)).Items
	if len(got) != 3 || got[0].Title != "#7 It breaks" || got[0].Author != "ada" || got[1].Title != "v1.0" || got[2].Kind != "pull request" {
		t.Fatalf("items %+v", got)
	}
	if r := d.runOK(ref); r.Changed != 0 {
		t.Errorf("asked again, %d documents changed", r.Changed)
	}
	limited.Store(true)
	asked.take()
	d.runOK(ref)
	limited.Store(false)
	d.runOK(ref)
	if paths := asked.take(); len(paths) != 1 {
		t.Errorf("when the limit was used up it asked %v", paths)
	}
}

func TestDiscordChannels(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	var newest atomic.Int32
	newest.Store(150)
	url, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bot secret" || r.URL.Path != "/channels/77/messages" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		newest, after := int(newest.Load()), 0
		_, _ = fmt.Sscan(r.URL.Query().Get("after"), &after)
		first, last := max(1, newest-99), newest // without after the newest, with it the next
		if after > 0 {
			first, last = after+1, min(newest, after+100)
		}
		list := []string{}
		for i := last; i >= first; i-- {
			list = append(list, fmt.Sprintf(`{"id":"%d","content":"Hello %d\nmore","timestamp":"2026-01-01T00:00:00Z","author":{"username":"ada"},"attachments":[]}`, i, i))
		}
		_, _ = w.Write([]byte("[" + strings.Join(list, ",") + "]"))
	})
	ref := d.add(charms.Source("discord.tsx"), "home", "chat", notRegistered, allow(host), argument(`{"settings":{"token":"secret","channels":"77","api":%q}}`, url))
	d.runOK(ref)
	type messages struct{ Messages []struct{ ID, Title string } }
	if got := result[messages](t, d.show(ref)).Messages; len(got) != 100 || got[0].ID != "150" || got[99].Title != "Hello 51" {
		t.Fatalf("%d messages, %+v", len(got), got[:1])
	}
	newest.Store(290)
	for d.runOK(ref).Log != "" && len(result[messages](t, d.show(ref)).Messages) < 240 {
	}
	if got := result[messages](t, d.show(ref)).Messages; len(got) != 240 || got[0].ID != "290" {
		t.Errorf("after 140 more: %d messages, the first %+v", len(got), got[0])
	}
	if r := d.runOK(ref); r.Changed != 0 {
		t.Errorf("with nothing new, %d documents changed", r.Changed)
	}
}
