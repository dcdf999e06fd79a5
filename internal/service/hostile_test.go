package service_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"charmd/charms"
	"charmd/internal/charm"
	"charmd/internal/fakegoogle"
)

// hostile is what one charm makes of one kind of what servers should not send. A mail of
// 20 MB is in TestGmailOnBadDays.
type hostile struct {
	charm, kind string
	answer      string // in the Latin of old where it is not UTF-8
	want        string // lines of the result; of an error, what it says
}

const (
	html      = "HTML in titles"
	charset   = "broken charset"
	negative  = "negative duration"
	twice     = "the same id twice"
	dates     = "lies about dates"
	nonsense  = "not what it should be"
	endlessly = "20 MB"
)

// hostileTable has a row for each shipped charm and each kind that can reach it.
func hostileTable() []hostile {
	soon := time.Now().UTC().AddDate(0, 0, 2).Format("20060102")
	day := time.Now().UTC().AddDate(0, 0, 2).Format(time.DateOnly)
	rss := func(items string) string {
		return `<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>` + items + `</channel></rss>`
	}
	ics := func(events ...string) string {
		var b strings.Builder
		for _, e := range events {
			b.WriteString("BEGIN:VEVENT\r\n" + e + "\r\nEND:VEVENT\r\n")
		}
		return "BEGIN:VCALENDAR\r\n" + b.String() + "END:VCALENDAR\r\n"
	}
	at := `"start":{"dateTime":"` + day + `T10:00:00+02:00"},"end":{"dateTime":"` + day + `T11:00:00+02:00"}`
	table := []hostile{
		{"rss", html, rss(`<item><guid>1</guid><title>&lt;img src=x onerror=alert(1)&gt;&lt;b&gt;Bold&lt;/b&gt; news</title></item>`), "1|Bold news||"},
		{"rss", charset, "<rss><channel><item><guid>1</guid><title>caf\xe9 \x80</title></item></channel></rss>", "1|café €||"},
		{"rss", negative, rss(`<item><guid>1</guid><title>A</title><enclosure url="https://e.org/a" length="-7"/></item>`), "1|A||0"},
		{"rss", twice, rss(`<item><guid>1</guid><title>A</title></item><item><guid>1</guid><title>B</title></item>`), "1|A||"},
		{"rss", dates, rss(`<item><guid>1</guid><title>A</title><pubDate>Fri, 31 Feb 9999 99:99:99 GMT</pubDate></item><item><guid>2</guid><title>B</title><pubDate>Fri, 01 Jan 2100 00:00:00 GMT</pubDate></item>`), "1|A||\n2|B|by now|"},
		{"rss", nonsense, `{"not":"a feed"}`, "is not well-formed XML"},

		{"json", html, `[{"id":1,"title":"<b>Bold</b>"}]`, "1|<b>Bold</b>||"},
		{"json", charset, "[{\"id\":1,\"title\":\"caf\xe9 \x80\"}]", "1|café €||"},
		{"json", twice, `[{"id":1,"title":"A"},{"id":1,"title":"B"},{"id":"1","title":"C"}]`, "1|A||"},
		{"json", dates, `[{"id":1,"title":"A","date":"9999-99-99"},{"id":2,"title":"B","date":{"__proto__":1}}]`, "1|A|9999-99-99|\n2|B|{\"__proto__\":1}|"},
		{"json", nonsense, `[null,[],7,{"id":{"a":1}}]`, "null|||\n[]|||\n7|7||\n{\"a\":1}|||"},

		{"ical", html, ics("UID:1\r\nSUMMARY:<b>Bold</b>\r\nDTSTART;VALUE=DATE:" + soon), "1|<b>Bold</b>|" + day + "|"},
		{"ical", charset, ics("UID:1\r\nSUMMARY:caf\xe9 \x80\r\nDTSTART;VALUE=DATE:" + soon), "1|café €|" + day + "|"},
		{"ical", negative, ics("UID:1\r\nSUMMARY:A\r\nDTSTART:"+soon+"T100000Z\r\nDURATION:-P3D", "UID:2\r\nSUMMARY:B\r\nDTSTART:"+soon+"T110000Z\r\nDTEND:19700101T000000Z"),
			"1|A|" + day + "T10:00:00Z|" + day + "T10:00:00Z\n2|B|" + day + "T11:00:00Z|" + day + "T11:00:00Z"},
		{"ical", twice, ics("UID:1\r\nSEQUENCE:2\r\nSUMMARY:A\r\nDTSTART;VALUE=DATE:"+soon, "UID:1\r\nSEQUENCE:1\r\nSUMMARY:B\r\nDTSTART;VALUE=DATE:"+soon), "1|A|" + day + "|"},
		{"ical", dates, ics("UID:1\r\nSUMMARY:A\r\nDTSTART:99999999T999999Z", "UID:2\r\nSUMMARY:B\r\nDTSTART;TZID=Nowhere/At All:"+soon+"T100000"), "2|B|" + day + "T10:00:00Z|"},
		{"ical", nonsense, "BEGIN:VCARD\r\nEND:VCARD", "this is not a calendar"},

		{"github", html, `[{"id":1,"number":7,"title":"<b>Bold</b>"}]`, "issue/1|#7 <b>Bold</b>||"},
		{"github", charset, "[{\"id\":1,\"number\":7,\"title\":\"caf\xe9\"}]", "issue/1|#7 caf\uFFFD||"},
		{"github", twice, `[{"id":1,"number":7,"title":"A"},{"id":1,"number":7,"title":"B"}]`, "issue/1|#7 B||"},
		{"github", dates, `[{"id":1,"number":7,"title":"A","updated_at":null},{"id":2,"number":8,"title":"B","updated_at":"yesterday"}]`, "issue/2|#8 B|yesterday|\nissue/1|#7 A||"},
		{"github", nonsense, `[null,{"id":1,"user":7}]`, "issue/1|#undefined undefined||"},

		{"discord", html, `[{"id":"1","content":"<b>Bold</b>"}]`, "1|<b>Bold</b>||"},
		{"discord", charset, "[{\"id\":\"1\",\"content\":\"caf\xe9\"}]", "1|caf\uFFFD||"},
		{"discord", twice, `[{"id":"1","content":"A"},{"id":"1","content":"B"}]`, "1|A||"},
		{"discord", dates, `[{"id":"1","content":"A","timestamp":"yesterday"}]`, "1|A|yesterday|"},
		{"discord", nonsense, `[null,7,{"id":"1&limit=0","content":"A"},{"id":"2","content":null,"attachments":[]}]`, "2|||"},

		{"gcal", html, `{"items":[{"id":"1","summary":"<b>Bold</b>",` + at + `}]}`, "ada@example.com/1|<b>Bold</b>|" + day + "T08:00:00.000Z|"},
		{"gcal", charset, "{\"items\":[{\"id\":\"1\",\"summary\":\"caf\xe9\"," + at + "}]}", "ada@example.com/1|caf\uFFFD|" + day + "T08:00:00.000Z|"},
		{"gcal", negative, `{"items":[{"id":"1","summary":"A","start":{"date":"` + day + `"},"end":{"date":"1970-01-01"}}]}`, "ada@example.com/1|A|" + day + "|" + day},
		{"gcal", twice, `{"items":[{"id":"1","summary":"A",` + at + `},{"id":"1","summary":"B",` + at + `}]}`, "ada@example.com/1|B|" + day + "T08:00:00.000Z|"},
		{"gcal", dates, `{"items":[{"id":"1","summary":"A","start":{"date":"soon"}},{"id":"2","summary":"B","start":{"dateTime":"9999-99-99T99:99:99Z"}},{"id":"3","summary":"C","start":{"date":"` + day + `"},"end":null}]}`,
			"ada@example.com/3|C|" + day + "|"},
		{"gcal", nonsense, `{"items":[null,{},{"id":"1","start":7}]}`, ""},

		{"gmail", html, `{"internalDate":"1700000000000","payload":{"headers":[{"name":"Subject","value":"<b>Bold</b>"}]}}`, "1|<b>Bold</b>|2023-11-14T22:13:20.000Z|"},
		{"gmail", charset, "{\"internalDate\":\"0\",\"payload\":{\"headers\":[{\"name\":\"subject\",\"value\":\"=?no-such?B?////?= caf\xe9\"}]}}", "1|=?no-such?B?////?= café|1970-01-01T00:00:00.000Z|"},
		{"gmail", twice, `{"internalDate":"0"}`, "1||1970-01-01T00:00:00.000Z|"},
		{"gmail", dates, `{"internalDate":"9e99"}`, "1|||"},
		{"gmail", nonsense, `{"internalDate":[],"labelIds":{"length":3},"payload":{"headers":[null,7,{"value":1}],"parts":"no parts"}}`, "1||1970-01-01T00:00:00.000Z|"},
	}
	for _, name := range []string{"rss", "json", "ical", "github", "discord", "gcal"} {
		table = append(table, hostile{name, endlessly, "", "larger than 16777216 bytes"})
	}
	return table
}

// Whatever a server sends, each shipped charm takes of it what can be taken, once, as text,
// or ends with an error that says what came.
func TestShippedCharmsAgainstHostileServers(t *testing.T) {
	t.Parallel()
	g := fakegoogle.Start(t, time.Now)
	table := hostileTable()
	of := func(r *http.Request) hostile { // by what stands first in the path
		var i int
		_, _ = fmt.Sscan(strings.Split(r.URL.Path, "/")[1], &i)
		return table[i]
	}
	send := func(w http.ResponseWriter, h hostile) {
		if h.kind == endlessly {
			w.Header().Set("Content-Length", "20971520")
			pour(w, 20<<20)
			return
		}
		_, _ = io.WriteString(w, h.answer)
	}
	url, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/releases") {
			_, _ = io.WriteString(w, "[]")
			return
		}
		send(w, of(r))
	})
	g.HandleAPI("GET /{row}/users/me/calendarList", "email", func(w http.ResponseWriter, _ *http.Request, who fakegoogle.Account) {
		fakegoogle.Answer(w, http.StatusOK, map[string]any{"items": []any{nil, map[string]any{"id": who.Email, "primary": true}}})
	})
	g.HandleAPI("GET /{row}/calendars/{id}/events", "email", func(w http.ResponseWriter, r *http.Request, _ fakegoogle.Account) { send(w, of(r)) })
	g.HandleAPI("GET /{row}/gmail/v1/users/me/profile", "email", func(w http.ResponseWriter, _ *http.Request, _ fakegoogle.Account) {
		fakegoogle.Answer(w, http.StatusOK, map[string]any{"historyId": "1"})
	})
	g.HandleAPI("GET /{row}/gmail/v1/users/me/messages", "email", func(w http.ResponseWriter, _ *http.Request, _ fakegoogle.Account) {
		fakegoogle.Answer(w, http.StatusOK, map[string]any{"messages": []any{map[string]any{"id": "1"}, map[string]any{"id": "1"}}})
	})
	g.HandleAPI("POST /{row}/batch/gmail/v1", "email", func(w http.ResponseWriter, r *http.Request, _ fakegoogle.Account) {
		w.Header().Set("Content-Type", "multipart/mixed; boundary=b")
		part := "--b\r\nContent-Type: application/http\r\nContent-ID: <response-1>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"id\":\"1\"," + of(r).answer[1:] + "\r\n"
		_, _ = io.WriteString(w, part+part+"--b--")
	})
	d := googleDaemon(t, g, t.TempDir(), "--max-retries", "0")
	for i, h := range table {
		at := fmt.Sprintf("%s/%d", url, i)
		settings := map[string]string{
			"rss": `{"feedUrl":"` + at + `"}`, "json": `{"url":"` + at + `"}`, "ical": `{"url":"` + at + `"}`, "github": `{"repo":"a/b","api":"` + at + `"}`,
			"discord": `{"token":"x","channels":"7","api":"` + at + `"}`,
			"gcal":    fmt.Sprintf(`{"api":"%s/%d"}`, g.URL, i), "gmail": fmt.Sprintf(`{"api":"%s/%d","labels":""}`, g.URL, i),
		}[h.charm]
		ref := d.add(charms.Source(h.charm+".tsx"), "home", fmt.Sprintf("%s-%d", h.charm, i), notRegistered, rarely, allow(map[bool]string{true: g.Host, false: host}[h.charm[0] == 'g' && h.charm != "github"]),
			argument(`{"settings":%s}`, settings))
		if h.charm == "gcal" || h.charm == "gmail" {
			d.connect(g, ref)
		}
		r := d.run(ref)
		type entry struct {
			ID, Title, PubDate, Date, Start, End string
			UID                                  string
			Enclosures                           []struct{ Length int }
		}
		got := result[struct{ Items, Events, Messages, Mails []entry }](t, d.show(ref))
		var lines []string
		for _, e := range append(append(append(got.Items, got.Events...), got.Messages...), got.Mails...) {
			if at, err := time.Parse(time.RFC3339, e.PubDate); err == nil && !at.After(time.Now()) {
				e.PubDate = "by now"
			}
			if e.UID != "" {
				e.ID = e.UID
			}
			last := ""
			if h.kind == negative {
				last = e.End
				for _, enclosure := range e.Enclosures {
					last = fmt.Sprint(enclosure.Length)
				}
			}
			lines = append(lines, strings.Join([]string{e.ID, e.Title, e.PubDate + e.Date + e.Start, last}, "|"))
		}
		is := strings.Join(lines, "\n")
		if r.Outcome != charm.OK {
			is = r.Error
		}
		if r.Outcome == charm.OK && is != h.want || r.Outcome != charm.OK && (h.want == "" || !strings.Contains(is, h.want)) {
			t.Errorf("%s, %s: %s (%s)\n%s\nwant\n%s\n%s", h.charm, h.kind, r.Outcome, r.Code, is, h.want, r.Log)
		}
		if h.kind == endlessly && r.Code != charm.CodeEgressLimit {
			t.Errorf("%s, %s: %s (%s)", h.charm, h.kind, r.Outcome, r.Code)
		}
	}
}
