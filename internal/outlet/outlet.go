// Package outlet gives the items of a charm to other programs: as an Atom feed, as a
// calendar, as JSON. It exists so that what charms collect can be read in a feed reader
// or a calendar app. Items are what recipes keep, which is anything: what is there under
// the usual names is used, and nothing in them can break out of its place.
package outlet

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"charmd/internal/charm"
)

// Source is what is given.
type Source struct {
	ID    string          // of the charm, which makes ids of items the world's
	Title string          // of the charm, for people
	URL   string          // of its page
	Items json.RawMessage // a list
	Made  time.Time       // when the charm was
	Ran   time.Time       // when it did last; the zero time for never
}

// Most is how many items are given, from the start of the list.
const Most = 500

// Formats are the endings of addresses that there is something under.
var Formats = []string{"atom", "ics", "json"}

// Write is the source in a format, and its Content-Type. An error is a *charm.Error:
// the source has no list.
func Write(s Source, format string) (text []byte, contentType string, err error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(s.Items, &raw); err != nil {
		return nil, "", charm.Errorf(charm.CodeInvalid, "%s has no list of items there", s.Title)
	}
	raw = raw[:min(len(raw), Most)]
	switch format {
	case "atom":
		text, err = atom(s, items(raw))
		return text, "application/atom+xml; charset=utf-8", err
	case "ics":
		return calendar(s, items(raw)), "text/calendar; charset=utf-8", nil
	}
	text, err = json.Marshal(map[string]any{"id": s.ID, "title": s.Title, "items": append([]json.RawMessage{}, raw...)})
	return text, "application/json; charset=utf-8", err
}

// item is what is known of one.
type item struct {
	id, title, link, text, author, place string
	start, end                           when
}

// when is a time, or a day; the zero value is neither.
type when struct {
	time.Time
	day bool
}

func items(raw []json.RawMessage) (list []item) {
	seen := map[string]bool{}
	for _, one := range raw {
		var fields map[string]any
		if json.Unmarshal(one, &fields) != nil {
			fields = map[string]any{"title": plain(decoded(one))}
		}
		get := func(names ...string) string {
			for _, name := range names {
				if text := plain(fields[name]); text != "" {
					return text
				}
			}
			return ""
		}
		it := item{
			title: get("title", "subject", "name", "summary"), link: webLink(get("link", "url", "htmlLink")),
			text: get("description", "text", "content", "snippet", "summary"), author: get("author", "from", "organizer"), place: get("location"),
			start: whenOf(get("start", "pubDate", "date", "published", "updated", "timestamp")), end: whenOf(get("end")),
		}
		it.id = get("id", "uid", "guid")
		if it.id == "" {
			it.id = it.link + "#" + it.title
		}
		if !seen[it.id] {
			seen[it.id] = true
			list = append(list, it)
		}
	}
	return list
}

func decoded(one json.RawMessage) (v any) {
	_ = json.Unmarshal(one, &v) // it was marshalled
	return v
}

// plain is a text or number; all else is "".
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// webLink is the address if it is one of the web: others could be code.
func webLink(text string) string {
	if u, err := url.Parse(text); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		return u.String()
	}
	return ""
}

func whenOf(text string) when {
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil && t.Year() > 0 && t.Year() < 9999 {
			return when{t.UTC(), form == time.DateOnly}
		}
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms > 1e11 && ms < 1e14 {
		return when{time.UnixMilli(ms).UTC(), false}
	}
	return when{}
}

// latest is the newest start that is not to come, or else when the charm was made: the
// same as long as the items are.
func latest(s Source, list []item) time.Time {
	at := s.Made
	for _, it := range list {
		if it.start.After(at) && !it.start.After(s.Ran) {
			at = it.start.Time
		}
	}
	return at.UTC()
}

// calendar is the items that have a time as iCalendar (RFC 5545).
func calendar(s Source, list []item) []byte {
	var b bytes.Buffer
	line(&b, "BEGIN", "VCALENDAR")
	line(&b, "VERSION", "2.0")
	line(&b, "PRODID", "-//charmd//charmd//EN")
	line(&b, "X-WR-CALNAME", escaped(s.Title))
	for _, it := range list {
		if it.start.IsZero() {
			continue
		}
		line(&b, "BEGIN", "VEVENT")
		line(&b, "UID", escaped(it.id+"@"+s.ID))
		line(&b, "DTSTAMP", latest(s, list).Format(stamp))
		line(&b, "DTSTART"+it.start.ical())
		if !it.end.IsZero() && it.end.day == it.start.day && it.end.After(it.start.Time) {
			line(&b, "DTEND"+it.end.ical())
		}
		for _, p := range [][2]string{{"SUMMARY", it.title}, {"DESCRIPTION", it.text}, {"LOCATION", it.place}} {
			if p[1] != "" {
				line(&b, p[0], escaped(p[1]))
			}
		}
		if it.link != "" {
			line(&b, "URL", it.link)
		}
		line(&b, "END", "VEVENT")
	}
	line(&b, "END", "VCALENDAR")
	return b.Bytes()
}

const stamp = "20060102T150405Z"

// ical is the end of a DTSTART or DTEND line.
func (w when) ical() string {
	if w.day {
		return ";VALUE=DATE:" + w.Format("20060102")
	}
	return ":" + w.Format(stamp)
}

var texts = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`)

// escaped is a text as it stands in a line; control characters are left out.
func escaped(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7F {
			return -1
		}
		return r
	}, texts.Replace(text))
}

// line writes NAME:value in pieces of at most 75 bytes that cut no character.
func line(b *bytes.Buffer, parts ...string) {
	text := strings.ToValidUTF8(strings.Join(parts, ":"), "\uFFFD")
	width := 0
	for _, r := range text {
		size := len(string(r))
		if width+size > 75 {
			b.WriteString("\r\n ")
			width = 1
		}
		b.WriteRune(r)
		width += size
	}
	b.WriteString("\r\n")
}
