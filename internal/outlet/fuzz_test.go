package outlet_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/outlet"
)

// lines are the properties that a calendar of ours may have.
var lines = map[string]bool{
	"BEGIN": true, "END": true, "VERSION": true, "PRODID": true, "X-WR-CALNAME": true, "UID": true, "DTSTAMP": true, "DTSTART": true, "DTEND": true,
	"SUMMARY": true, "DESCRIPTION": true, "LOCATION": true, "URL": true,
}

// Whatever a charm keeps and however it is called, what feed readers and calendars are
// given is well-formed, and says nothing under a name that we did not give.
func FuzzWrite(f *testing.F) {
	f.Add("home/a <b>", []byte(hostile))
	f.Add("x\r\nBEGIN:VEVENT", []byte(`[{"id":"\u2028","title":"`+strings.Repeat("ä", 80)+`","start":"2026-05-04T10:00:00+14:00","url":"https://a/?x=%0d%0a"}]`))
	f.Add("", []byte(`[{"start":1780000000000,"link":"http://[::1]:8000/%zz"},[[]],{"updated":"0001-01-01T00:00:00+14:00"}]`))
	f.Add("none", []byte(`{"not":"a list"}`))
	f.Fuzz(func(t *testing.T, title string, items []byte) {
		s := source(string(items))
		s.Title = title
		for _, format := range outlet.Formats {
			text, _, err := outlet.Write(s, format)
			if err != nil {
				if charm.CodeOf(err) != charm.CodeInvalid || json.Valid(items) && items[0] == '[' {
					t.Errorf("%s: %v", format, err)
				}
				continue
			}
			switch format {
			case "atom":
				d := xml.NewDecoder(bytes.NewReader(text))
				for err = nil; err == nil; {
					_, err = d.Token()
				}
				if !errors.Is(err, io.EOF) {
					t.Errorf("%v in %q", err, text)
				}
			case "ics":
				checkCalendar(t, string(text))
			case "json":
				var got struct{ Items []any }
				if err := json.Unmarshal(text, &got); err != nil || len(got.Items) > outlet.Most {
					t.Errorf("%d items, %v in %s", len(got.Items), err, text)
				}
			}
		}
	})
}

func checkCalendar(t *testing.T, text string) {
	t.Helper()
	whole, ends := strings.CutSuffix(text, "\r\n")
	if !ends || strings.Count(text, "\n") != strings.Count(text, "\r\n") || strings.Count(text, "\r") != strings.Count(text, "\r\n") {
		t.Fatalf("lines end otherwise than by CR LF in %q", text)
	}
	for l := range strings.SplitSeq(whole, "\r\n") {
		if len(l) > 75 {
			t.Errorf("a line of %d bytes: %q", len(l), l)
		}
	}
	open := 0
	for l := range strings.SplitSeq(strings.ReplaceAll(whole, "\r\n ", ""), "\r\n") {
		name := l[:max(strings.IndexAny(l, ":;"), 0)]
		if !lines[name] {
			t.Errorf("a line that is not ours: %q", l)
		}
		switch {
		case l == "BEGIN:VCALENDAR", l == "BEGIN:VEVENT":
			open++
		case name == "END":
			open--
		}
	}
	if open != 0 {
		t.Errorf("%d ends are missing in %q", open, text)
	}
}
