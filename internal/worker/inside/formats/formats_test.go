package formats_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"charmd/internal/worker/inside/formats"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ bytes, contentType, want string }{
		{"caf\xc3\xa9", "", "café"},
		{"caf\xe9", "", "café"},
		{"caf\xe9", "text/xml; charset=utf-8", "café"},
		{"caf\xc3\xa9", "text/xml; charset=ISO-8859-1", "café"},
		{"\xef\xbb\xbfcaf\xc3\xa9", "text/plain; charset=koi8-r", "café"},
		{"<?xml version='1.0' encoding='koi8-r'?>\xcd\xc9\xd2", "application/xml", "<?xml version='1.0' encoding='koi8-r'?>мир"},
		{"<meta charset=shift_jis>\x82\xb1", "text/html", "<meta charset=shift_jis>こ"},
		{"\xff\xfeh\x00i\x00", "", "hi"},
		{"caf\xc3\xa9", "text/plain; charset=nonsense", "café"},
		{"caf\xc3\xa9", "text/plain; charset", "café"},
		{"", "", ""},
	} {
		if got, err := formats.Text([]byte(c.bytes), c.contentType); err != nil || got != c.want {
			t.Errorf("%q as %q: %q, %v", c.bytes, c.contentType, got, err)
		}
	}
	if _, err := formats.Text(make([]byte, 17<<20), ""); err == nil {
		t.Error("17 MiB were read")
	}
}

func TestHeaderAndBase64(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"=?iso-8859-1?Q?Caf=E9?= =?utf-8?B?4oKs?=": "Café€", "=?iso-2022-jp?B?GyRCJDMbKEI=?=": "こ", "plain": "plain",
		"=?nonsense?Q?x?=": "=?nonsense?Q?x?=", "=?utf-8?Q?broken": "=?utf-8?Q?broken", "": "",
	} {
		if got := formats.Header(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{"aGk": "hi", "aGk=": "hi", "_-8": "\xff\xef", "/+ 8=\r\n": "\xff\xef"} {
		if got, err := formats.Base64(text); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if _, err := formats.Base64("!"); err == nil {
		t.Error("! is base64")
	}
}

func TestMultipart(t *testing.T) {
	t.Parallel()
	const kind = "multipart/mixed; boundary=b"
	body := "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-ID: <1>\r\n\r\ncaf\xe9\r\n--b\r\n\r\ntwo\r\n--b--"
	type parsed struct {
		Parts []struct {
			Headers map[string]string
			Body    string
		}
		Complete bool
	}
	for cut := range len(body) + 1 {
		text, err := formats.Multipart([]byte(body[:cut]), kind)
		var got parsed
		if err != nil || json.Unmarshal([]byte(text), &got) != nil || got.Complete != (cut == len(body)) {
			t.Fatalf("cut at %d: %s, %v", cut, text, err)
		}
		if len(got.Parts) > 0 && (got.Parts[0].Body != "café" || got.Parts[0].Headers["content-id"] != "<1>") {
			t.Fatalf("cut at %d: %+v", cut, got)
		}
		if cut == len(body) && (len(got.Parts) != 2 || got.Parts[1].Body != "two") {
			t.Errorf("%+v", got)
		}
	}
	for _, kind := range []string{"text/plain", "multipart/mixed", "", ";;"} {
		if _, err := formats.Multipart([]byte(body), kind); err == nil {
			t.Errorf("%q is multipart", kind)
		}
	}
}

const window = `{"from":"2026-03-01T00:00:00Z","to":"2026-04-15T00:00:00Z","zone":%q}`

type calendar struct {
	Name   string
	Events []struct {
		ID, UID, Title, Start, End, Status string
		AllDay, Recurring                  bool
	}
	Warnings []string
}

func read(t *testing.T, zone string, lines ...string) (c calendar) {
	t.Helper()
	text, err := formats.Calendar("BEGIN:VCALENDAR\r\n"+strings.Join(lines, "\r\n")+"\r\nEND:VCALENDAR\r\n", fmt.Sprintf(window, zone))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func vevent(lines ...string) string {
	return "BEGIN:VEVENT\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT"
}

// standardTime is a zone by a name that the world does not know, with Europe's rules.
const standardTime = "BEGIN:VTIMEZONE\r\nTZID:W. Europe Standard Time\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\n" +
	"BEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE"

func TestCalendarTimes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, zone string
		lines      []string
		want       string // start/end of each event
	}{
		{"UTC", "", []string{vevent("UID:a", "DTSTART:20260302T090000Z", "DTEND:20260302T100000Z")}, "2026-03-02T09:00:00Z/2026-03-02T10:00:00Z"},
		{"a zone, over a change of clocks", "", []string{vevent("UID:a", "DTSTART;TZID=Europe/Berlin:20260327T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2")},
			"2026-03-27T08:00:00Z/2026-03-27T09:00:00Z 2026-04-03T07:00:00Z/2026-04-03T08:00:00Z"},
		{"a declared zone", "", []string{standardTime, vevent("UID:a", `DTSTART;TZID="W. Europe Standard Time":20260327T090000`, "RRULE:FREQ=WEEKLY;COUNT=2")},
			"2026-03-27T08:00:00Z/2026-03-27T08:00:00Z 2026-04-03T07:00:00Z/2026-04-03T07:00:00Z"},
		{"a prefixed zone", "", []string{vevent("UID:a", "DTSTART;TZID=/example.org/2026/Europe/Berlin:20260302T090000")}, "2026-03-02T08:00:00Z/2026-03-02T08:00:00Z"},
		{"no zone", "America/New_York", []string{vevent("UID:a", "DTSTART:20260302T090000")}, "2026-03-02T14:00:00Z/2026-03-02T14:00:00Z"},
		{"the calendar's zone", "", []string{"X-WR-TIMEZONE:Asia/Tokyo", vevent("UID:a", "DTSTART:20260302T090000")}, "2026-03-02T00:00:00Z/2026-03-02T00:00:00Z"},
		{"all day", "", []string{vevent("UID:a", "DTSTART;VALUE=DATE:20260302")}, "2026-03-02/2026-03-03"},
		{"days", "", []string{vevent("UID:a", "DTSTART;VALUE=DATE:20260302", "DURATION:P2D")}, "2026-03-02/2026-03-04"},
		{"a negative duration", "", []string{vevent("UID:a", "DTSTART:20260302T090000Z", "DURATION:-P1D")}, "2026-03-02T09:00:00Z/2026-03-02T09:00:00Z"},
		{"an end before the start", "", []string{vevent("UID:a", "DTSTART:20260302T090000Z", "DTEND:20250101T000000Z")}, "2026-03-02T09:00:00Z/2026-03-02T09:00:00Z"},
		{"until, in UTC", "", []string{vevent("UID:a", "DTSTART;TZID=America/New_York:20260302T210000", "RRULE:FREQ=DAILY;UNTIL=20260304T020000Z")},
			"2026-03-03T02:00:00Z/2026-03-03T02:00:00Z 2026-03-04T02:00:00Z/2026-03-04T02:00:00Z"},
		{"without those deleted", "", []string{vevent("UID:a", "DTSTART:20260302T090000Z", "RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20260303T090000Z,20260305T090000Z")},
			"2026-03-02T09:00:00Z/2026-03-02T09:00:00Z 2026-03-04T09:00:00Z/2026-03-04T09:00:00Z"},
		{"with others", "", []string{vevent("UID:a", "DTSTART:20260302T090000Z", "RDATE:20260310T120000Z")}, "2026-03-02T09:00:00Z/2026-03-02T09:00:00Z 2026-03-10T12:00:00Z/2026-03-10T12:00:00Z"},
		{"since long ago", "", []string{vevent("UID:a", "DTSTART:19700105T090000Z", "RRULE:FREQ=MONTHLY;BYDAY=1MO")}, "2026-03-02T09:00:00Z/2026-03-02T09:00:00Z 2026-04-06T09:00:00Z/2026-04-06T09:00:00Z"},
		{"one cancelled, one moved", "", []string{vevent("UID:a", "DTSTART:20260302T090000Z", "RRULE:FREQ=DAILY;COUNT=3"), vevent("UID:a", "RECURRENCE-ID:20260303T090000Z", "DTSTART:20260303T090000Z", "STATUS:CANCELLED"),
			vevent("UID:a", "RECURRENCE-ID:20260304T090000Z", "DTSTART:20260310T110000Z")}, "2026-03-02T09:00:00Z/2026-03-02T09:00:00Z 2026-03-10T11:00:00Z/2026-03-10T11:00:00Z"},
		{"one id twice", "", []string{vevent("UID:a", "SEQUENCE:2", "DTSTART:20260302T090000Z"), vevent("UID:a", "SEQUENCE:1", "DTSTART:20260305T090000Z")}, "2026-03-02T09:00:00Z/2026-03-02T09:00:00Z"},
		{"outside of the window", "", []string{vevent("UID:a", "DTSTART:20250302T090000Z"), vevent("UID:b", "DTSTART:20270302T090000Z")}, ""},
	} {
		got := read(t, c.zone, c.lines...)
		var list []string
		for _, e := range got.Events {
			list = append(list, e.Start+"/"+e.End)
		}
		if text := strings.Join(list, " "); text != c.want || len(got.Warnings) != 0 {
			t.Errorf("%s: %q, want %q; %q", c.name, text, c.want, got.Warnings)
		}
	}
}

func TestCalendarsThatAreBroken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, line, warning string }{
		{"no start", "SUMMARY:x", "no DTSTART"},
		{"a bad time", "DTSTART:soon", "is not a time"},
		{"a year nobody has", "DTSTART:00000101T000000Z", "the year 0"},
		{"every second", "DTSTART:20260302T090000Z\r\nRRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=31", "is finer than a day"},
		{"a broken rule", "DTSTART:20260302T090000Z\r\nRRULE:FREQ=SOMETIMES", "undefined frequency"},
		{"an unknown zone", "DTSTART;TZID=Mars/Phobos:20260302T090000", "is not known"},
		{"a bad duration", "DTSTART:20260302T090000Z\r\nDURATION:long", "is not a duration"},
	} {
		got := read(t, "", vevent("UID:bad", c.line), vevent("UID:good", "SUMMARY:Good\\, with\\nlines", "DTSTART:20260302T090000Z"))
		if !strings.Contains(strings.Join(got.Warnings, "\n"), c.warning) {
			t.Errorf("%s: the warnings are %q", c.name, got.Warnings)
		}
		good := false
		for _, e := range got.Events {
			good = good || e.UID == "good" && e.Title == "Good, with\nlines"
		}
		if !good {
			t.Errorf("%s: what stands beside it is %+v", c.name, got.Events)
		}
	}
	began := time.Now()
	read(t, "", vevent("UID:never", "DTSTART:20260302T090000Z", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31"), vevent("UID:often", "DTSTART:00010101T000000Z", "RRULE:FREQ=DAILY"))
	t.Logf("a rule that never comes took %v", time.Since(began))
	for _, text := range []string{"", "<html>", "BEGIN:VCALENDAR" + strings.Repeat("\nBEGIN:X", 40)} {
		if _, err := formats.Calendar(text, fmt.Sprintf(window, "")); err == nil {
			t.Errorf("%.20q was read", text)
		}
	}
}

// A zone's rule may give nothing, or something each day. It is followed once, not for
// each of many times: this would take an hour otherwise.
func TestZonesAreFollowedOnce(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{"FREQ=YEARLY;BYDAY=11SU;BYMONTH=10", "FREQ=DAILY", "FREQ=DAILY;COUNT=40000"} {
		zone := "BEGIN:VTIMEZONE\nTZID:Slow\nBEGIN:STANDARD\nDTSTART:19000101T000000\nTZOFFSETTO:+0100\nRRULE:" + rule + "\nEND:STANDARD\nEND:VTIMEZONE"
		got := read(t, "", zone, vevent("UID:a", "DTSTART;TZID=Slow:19200101T090000", "DTEND;TZID=Slow:19200101T100000", "RRULE:FREQ=DAILY"))
		if n := len(got.Events); n != 45 || got.Events[0].Start != "2026-03-01T08:00:00Z" {
			t.Errorf("%s: %d events, from %+v", rule, n, got.Events[:min(n, 1)])
		}
	}
}

func FuzzCalendar(f *testing.F) {
	f.Add("BEGIN:VCALENDAR\n" + standardTime + "\n" + vevent("UID:a", "DTSTART;TZID=W. Europe Standard Time:20260327T090000", "RRULE:FREQ=WEEKLY;COUNT=2", "EXDATE:20260403T090000") + "\nEND:VCALENDAR")
	f.Add("BEGIN:VCALENDAR\n" + vevent("UID:a", "DTSTART;VALUE=DATE:20260302", "DURATION:-P1D", "RDATE:20260401/P1D"))
	f.Fuzz(func(t *testing.T, text string) {
		out, err := formats.Calendar(text, fmt.Sprintf(window, ""))
		if err != nil {
			return
		}
		var c calendar
		if err := json.Unmarshal([]byte(out), &c); err != nil {
			t.Fatal(err)
		}
		for _, e := range c.Events {
			if e.End < e.Start {
				t.Errorf("%s ends at %s", e.Start, e.End)
			}
		}
		if !slices.IsSortedFunc(c.Events, func(a, b struct {
			ID, UID, Title, Start, End, Status string
			AllDay, Recurring                  bool
		}) int {
			return strings.Compare(a.Start, b.Start)
		}) {
			t.Error("the events are not in order")
		}
	})
}
