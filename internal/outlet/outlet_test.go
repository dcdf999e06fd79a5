package outlet_test

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"charmd/internal/outlet"
)

func source(items string) outlet.Source {
	return outlet.Source{ID: "baedreitest", Title: "home/a <b>", URL: "http://127.0.0.1:8000/home/a", Items: json.RawMessage(items),
		Made: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Ran: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}
}

func write(t *testing.T, items, format string) string {
	t.Helper()
	text, _, err := outlet.Write(source(items), format)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const hostile = `[
	{"id":"1","title":"</title><script>alert(1)</script>","link":"javascript:alert(1)","description":"<p onclick='x'>&amp; more</p>","pubDate":"2026-03-02T10:00:00.000Z","author":"A \u0001\ud800 B"},
	{"id":"1","title":"the id is taken"},
	{"uid":"2","subject":"Meeting\r\nATTENDEE:mailto:x","start":"2026-05-04","end":"2026-05-04","location":"a;b,c\\d","url":"https://example.org/2"},
	{"title":"ends too early","start":"2027-01-01T10:00:00Z","end":"2026-01-01T10:00:00Z"},
	"bare", 7, null, {"title":{"not":"a text"}}
]`

func TestAtom(t *testing.T) {
	t.Parallel()
	text := write(t, hostile, "atom")
	var feed struct {
		ID      string `xml:"id"`
		Title   string `xml:"title"`
		Updated string `xml:"updated"`
		Entry   []struct {
			ID      string `xml:"id"`
			Title   string `xml:"title"`
			Updated string `xml:"updated"`
			Link    []struct {
				Href string `xml:"href,attr"`
			} `xml:"link"`
			Author struct {
				Name string `xml:"name"`
			} `xml:"author"`
			Content struct {
				Type string `xml:"type,attr"`
				Text string `xml:",chardata"`
			} `xml:"content"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal([]byte(text), &feed); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if feed.ID != "urn:charmd:baedreitest" || feed.Title != "home/a <b>" || feed.Updated != "2026-05-04T00:00:00Z" || len(feed.Entry) < 5 {
		t.Errorf("the feed is %+v", feed)
	}
	e := feed.Entry[0]
	if e.ID != "urn:charmd:baedreitest:1" || e.Title != "</title><script>alert(1)</script>" || len(e.Link) != 0 || e.Content.Type != "html" || e.Content.Text != "<p onclick='x'>&amp; more</p>" || e.Updated != "2026-03-02T10:00:00Z" || !strings.HasPrefix(e.Author.Name, "A ") {
		t.Errorf("the first entry is %+v", e)
	}
	if second := feed.Entry[1]; len(second.Link) != 1 || second.Link[0].Href != "https://example.org/2" {
		t.Errorf("the second entry is %+v", second)
	}
	if !strings.Contains(write(t, `[]`, "atom"), "<updated>2026-01-01T00:00:00Z</updated>") {
		t.Error("a feed without entries is not as old as its charm")
	}
}

func TestCalendar(t *testing.T) {
	t.Parallel()
	text := write(t, hostile, "ics")
	for l := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if len(l) > 75 || strings.ContainsAny(l, "\r\n\x01") {
			t.Errorf("the line %q", l)
		}
	}
	flat := strings.ReplaceAll(text, "\r\n ", "")
	for _, want := range []string{
		"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "\r\nUID:2@baedreitest\r\n", "\r\nSUMMARY:Meeting\\nATTENDEE:mailto:x\r\n", "\r\nDTSTART;VALUE=DATE:20260504\r\n",
		"\r\nLOCATION:a\\;b\\,c\\\\d\r\n", "\r\nDTSTART:20260302T100000Z\r\n", "\r\nSUMMARY:ends too early\r\n",
	} {
		if !strings.Contains(flat, want) {
			t.Errorf("there is no %q in\n%s", want, flat)
		}
	}
	if strings.Contains(flat, "DTEND") || strings.Contains(flat, "\r\nATTENDEE") || strings.Contains(flat, "javascript:") || strings.Count(flat, "BEGIN:VEVENT") != 3 {
		t.Errorf("what should not be there is:\n%s", flat)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var got struct {
		Title string
		Items []any
	}
	if err := json.Unmarshal([]byte(write(t, hostile, "json")), &got); err != nil || got.Title != "home/a <b>" || len(got.Items) != 8 {
		t.Errorf("%+v, %v", got, err)
	}
	if text := write(t, "[0"+strings.Repeat(",0", 2*outlet.Most)+"]", "json"); strings.Count(text, ",0") != outlet.Most-1 {
		t.Errorf("a long list gives %d items", strings.Count(text, ",0")+1)
	}
	for _, items := range []string{`{}`, `"x"`, ``} {
		for _, format := range outlet.Formats {
			if _, _, err := outlet.Write(source(items), format); err == nil {
				t.Errorf("%q as %s went well", items, format)
			}
		}
	}
}
