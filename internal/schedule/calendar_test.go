package schedule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"charmd/internal/charm"
)

// testZones change their offset in all the ways there are.
var testZones = []string{"UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Antarctica/Troll",
	"Africa/Casablanca", "Asia/Kathmandu", "Pacific/Apia", "America/Caracas", "Asia/Pyongyang", "Europe/Dublin"}

// timeIn is a time within some centuries of now.
func timeIn(unix int64) time.Time { return time.Unix(unix%(1<<33), 0) }

// times are the next n of an expression in a zone, as that zone writes them.
func times(t *testing.T, expression, zone, after string, n int) []string {
	t.Helper()
	c, err := parseCron(expression)
	if err != nil {
		t.Fatal(err)
	}
	in, err := Zone(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", after, in)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for range n {
		at = c.next(at, in)
		list = append(list, at.In(in).Format("2006-01-02 15:04 -07:00"))
	}
	return list
}

func TestNextByCron(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ expression, zone, after, want string }{
		{"0 9 * * *", "UTC", "2026-11-25 08:59", "2026-11-25 09:00 +00:00, 2026-11-26 09:00 +00:00"},
		{"0 9 * * *", "UTC", "2026-11-25 09:00", "2026-11-26 09:00 +00:00"},
		{"*/20 8,9 * * *", "Asia/Kathmandu", "2026-11-25 08:30", "2026-11-25 08:40 +05:45, 2026-11-25 09:00 +05:45"},
		{"0 9 * * mon-fri", "Europe/Berlin", "2026-11-27 12:00", "2026-11-30 09:00 +01:00"},
		{"0 0 1 * *", "UTC", "2026-12-01 00:00", "2027-01-01 00:00 +00:00"},
		{"0 0 31 * *", "UTC", "2026-01-31 00:00", "2026-03-31 00:00 +00:00, 2026-05-31 00:00 +00:00"},
		// Either day field will do, when both are restricted.
		{"0 0 13 * fri", "UTC", "2026-11-11 00:00", "2026-11-13 00:00 +00:00, 2026-11-20 00:00 +00:00, 2026-11-27 00:00 +00:00, 2026-12-04 00:00 +00:00, 2026-12-11 00:00 +00:00, 2026-12-13 00:00 +00:00"},
		{"0 0 */2 * fri", "UTC", "2026-11-11 00:00", "2026-11-13 00:00 +00:00, 2026-11-27 00:00 +00:00"},
		{"0 0 * * 7", "UTC", "2026-11-25 00:00", "2026-11-29 00:00 +00:00"},
		// Rare ones.
		{"0 0 29 2 *", "UTC", "2026-01-01 00:00", "2028-02-29 00:00 +00:00, 2032-02-29 00:00 +00:00"},
		{"0 0 29 2 *", "UTC", "2096-03-01 00:00", "2104-02-29 00:00 +00:00"},
		{"0 0 29 2 */7", "UTC", "2088-03-01 00:00", "2128-02-29 00:00 +00:00"},
		// The last day of a leap year that no table of the zone covers.
		{"0 9 * * *", "Europe/Berlin", "2040-12-30 12:00", "2040-12-31 09:00 +01:00, 2041-01-01 09:00 +01:00"},
		{"0 * * * *", "America/New_York", "2040-12-31 22:30", "2040-12-31 23:00 -05:00, 2041-01-01 00:00 -05:00"},

		// Berlin: 02:00 to 03:00 is skipped on 29 March, shown twice on 25 October.
		{"30 2 * * *", "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 03:00 +02:00, 2026-03-30 02:30 +02:00"},
		{"0 3 * * *", "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 03:00 +02:00, 2026-03-30 03:00 +02:00"},
		{"*/10 2 29 3 *", "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 03:00 +02:00, 2027-03-29 02:00 +02:00"},
		{"0,30 2,3 * * *", "Europe/Berlin", "2026-03-29 01:00", "2026-03-29 03:00 +02:00, 2026-03-29 03:30 +02:00, 2026-03-30 02:00 +02:00"},
		{"*/30 * * * *", "Europe/Berlin", "2026-03-29 01:00", "2026-03-29 01:30 +01:00, 2026-03-29 03:00 +02:00, 2026-03-29 03:30 +02:00"},
		{"15 * * * *", "Europe/Berlin", "2026-03-29 01:00", "2026-03-29 01:15 +01:00, 2026-03-29 03:15 +02:00"},
		{"30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", "2026-10-25 02:30 +02:00, 2026-10-26 02:30 +01:00"},
		{"0 3 * * *", "Europe/Berlin", "2026-10-24 12:00", "2026-10-25 03:00 +01:00, 2026-10-26 03:00 +01:00"},
		{"*/30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", "2026-10-25 02:00 +02:00, 2026-10-25 02:30 +02:00, 2026-10-26 02:00 +01:00"},
		{"0 */2 * * *", "Europe/Berlin", "2026-10-25 00:30", "2026-10-25 02:00 +02:00, 2026-10-25 04:00 +01:00"},
		{"*/30 * * * *", "Europe/Berlin", "2026-10-25 01:30", "2026-10-25 02:00 +02:00, 2026-10-25 02:30 +02:00, 2026-10-25 02:00 +01:00, 2026-10-25 02:30 +01:00, 2026-10-25 03:00 +01:00"},

		// New York: 8 March and 1 November.
		{"30 2 * * *", "America/New_York", "2026-03-07 12:00", "2026-03-08 03:00 -04:00, 2026-03-09 02:30 -04:00"},
		{"30 1 * * *", "America/New_York", "2026-10-31 12:00", "2026-11-01 01:30 -04:00, 2026-11-02 01:30 -05:00"},
		{"0 * * * *", "America/New_York", "2026-11-01 00:00", "2026-11-01 01:00 -04:00, 2026-11-01 01:00 -05:00, 2026-11-01 02:00 -05:00"},

		// Lord Howe moves by half an hour.
		{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03 12:00", "2026-10-04 02:30 +11:00, 2026-10-05 02:15 +11:00"},
		{"45 1 * * *", "Australia/Lord_Howe", "2026-04-04 12:00", "2026-04-05 01:45 +11:00, 2026-04-06 01:45 +10:30"},
		{"*/15 * * * *", "Australia/Lord_Howe", "2026-04-05 01:15", "2026-04-05 01:30 +11:00, 2026-04-05 01:45 +11:00, 2026-04-05 01:30 +10:30, 2026-04-05 01:45 +10:30, 2026-04-05 02:00 +10:30"},

		// Apia had no 30 December 2011.
		{"0 9 * * *", "Pacific/Apia", "2011-12-29 08:00", "2011-12-29 09:00 -10:00, 2011-12-31 00:00 +14:00, 2011-12-31 09:00 +14:00"},
		{"0 9 30 12 *", "Pacific/Apia", "2011-12-29 08:00", "2011-12-31 00:00 +14:00, 2012-12-30 09:00 +14:00"},
		{"0 9 31 12 *", "Pacific/Apia", "2011-12-29 08:00", "2011-12-31 09:00 +14:00"},
		{"0 * * * *", "Pacific/Apia", "2011-12-29 22:00", "2011-12-29 23:00 -10:00, 2011-12-31 00:00 +14:00, 2011-12-31 01:00 +14:00"},
	} {
		want := strings.Split(tc.want, ", ")
		if got := times(t, tc.expression, tc.zone, tc.after, len(want)); !slices.Equal(got, want) {
			t.Errorf("%q in %s after %s:\n got %s\nwant %s", tc.expression, tc.zone, tc.after, strings.Join(got, ", "), tc.want)
		}
	}
}

func TestSpansFollowOneAnother(t *testing.T) {
	t.Parallel()
	for _, zone := range testZones {
		in, err := Zone(zone)
		if err != nil {
			t.Fatal(err)
		}
		for s := spanAt(timeIn(0), in); !s.end.IsZero() && s.end.Year() < 2200; {
			following := spanAt(s.end, in)
			if !following.end.IsZero() && !following.end.After(s.end) {
				t.Fatalf("%s: a span ends at %v, the one after it at %v", zone, s.end, following.end)
			}
			s = following
		}
	}
}

// A time asked for within the repeated hour is not given a second time.
func TestAskedInTheRepeatedHour(t *testing.T) {
	t.Parallel()
	in, err := Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c, err := parseCron("30 2 * * *")
	if err != nil {
		t.Fatal(err)
	}
	second := time.Date(2026, 10, 25, 1, 10, 0, 0, time.UTC) // 02:10 for the second time
	if got, want := c.next(second, in), time.Date(2026, 10, 26, 1, 30, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// drawn is an expression with the values of its fields, which are not read from
// its text.
type drawn struct {
	text   string
	values [5][]int
	either bool
}

func drawCron(t *rapid.T) drawn {
	var d drawn
	var texts []string
	restricted := 0
	for i, f := range fields {
		most := f.most
		if most == sunday {
			most = 6
		}
		var values []int
		text := "*"
		kinds := []string{"step", "list", "range"}
		if i > 1 {
			kinds = append(kinds, "all", "all", "all", "all", "all") // else most expressions are rare
		}
		switch kind := rapid.SampledFrom(append(kinds, "all")).Draw(t, f.name); kind {
		case "all":
			values = count(f.least, most, 1)
		case "step":
			step := rapid.IntRange(1, min(most, 20)).Draw(t, "step")
			text, values = fmt.Sprintf("*/%d", step), count(f.least, most, step)
		case "list":
			if i == 1 {
				most = 4 // the hours that zones skip and repeat
			}
			values = rapid.SliceOfN(rapid.IntRange(f.least, most), 1, 4).Draw(t, "list")
			text = strings.Trim(strings.ReplaceAll(fmt.Sprint(values), " ", ","), "[]")
		case "range":
			low := rapid.IntRange(f.least, most).Draw(t, "low")
			high := rapid.IntRange(low, most).Draw(t, "high")
			text, values = fmt.Sprintf("%d-%d", low, high), count(low, high, 1)
		}
		if (i == 2 || i == 4) && text[0] != '*' {
			restricted++
		}
		texts, d.values[i] = append(texts, text), values
	}
	d.text, d.either = strings.Join(texts, " "), restricted == 2
	return d
}

func count(low, high, step int) (list []int) {
	for v := low; v <= high; v += step {
		list = append(list, v)
	}
	return list
}

// names reports whether the expression names the minute of a wall clock.
func (d drawn) names(wall time.Time) bool {
	in := func(field, v int) bool { return slices.Contains(d.values[field], v) }
	day, weekday := in(2, wall.Day()), in(4, int(wall.Weekday()))
	onDay := day && weekday
	if d.either {
		onDay = day || weekday
	}
	return in(0, wall.Minute()) && in(1, wall.Hour()) && in(3, int(wall.Month())) && onDay
}

// walk finds the times after one by looking at the clock each minute, as a person
// with the documented rules in hand would.
func (d drawn) walk(after time.Time, in *time.Location, minutes int) (found []time.Time) {
	asWritten := func(t time.Time) time.Time {
		w := t.In(in)
		return time.Date(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), 0, 0, time.UTC)
	}
	every := true
	for h := range 24 {
		every = every && slices.Contains(d.values[1], h)
	}
	const before = 26 * 60
	seen := map[time.Time]bool{}
	first := after.Truncate(time.Minute).Add(time.Minute)
	t := first.Add(-before * time.Minute)
	last := asWritten(t.Add(-time.Minute))
	for range before + minutes {
		wall := asWritten(t)
		fires := d.names(wall)
		if !every {
			fires = fires && !seen[wall]
			for skipped := last.Add(time.Minute); skipped.Before(wall); skipped = skipped.Add(time.Minute) {
				fires = fires || d.names(skipped)
			}
		}
		seen[wall], last = true, wall
		if fires && !t.Before(first) {
			found = append(found, t)
		}
		t = t.Add(time.Minute)
	}
	return found
}

func TestNextByCronAgreesWithLookingAtTheClock(t *testing.T) {
	t.Parallel()
	const minutes = 4 * 24 * 60
	rapid.Check(t, func(t *rapid.T) {
		d := drawCron(t)
		in, err := Zone(rapid.SampledFrom(testZones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		after := time.Unix(rapid.Int64Range(100_000_000, 2_200_000_000).Draw(t, "s"), 0)
		if _, end := after.In(in).ZoneBounds(); !end.IsZero() && rapid.IntRange(0, 9).Draw(t, "near") > 0 {
			after = end.Add(time.Duration(rapid.Int64Range(-int64(48*time.Hour), int64(4*time.Hour)).Draw(t, "off")))
		}
		c, err := parseCron(d.text)
		if err != nil {
			if strings.Contains(err.Error(), "never comes") {
				return
			}
			t.Fatal(err)
		}
		want := d.walk(after, in, minutes)
		at := after
		for i, w := range want {
			if at = c.next(at, in); !at.Equal(w) {
				t.Fatalf("%q in %s after %v: time %d is %v, want %v", d.text, in, after.In(in), i, at.In(in), w.In(in))
			}
		}
		if at = c.next(at, in); at.Before(after.Truncate(time.Minute).Add((minutes + 1) * time.Minute)) {
			t.Fatalf("%q in %s after %v: %v is one too many", d.text, in, after.In(in), at.In(in))
		}
	})
}

func byCron(expression, zone, id string) charm.Charm {
	return charm.Charm{Space: "did:key:zSpace", ID: id, Schedule: charm.Schedule{Cron: expression, Zone: zone}}
}

func TestSpreadByCronIsStableAndSmall(t *testing.T) {
	t.Parallel()
	nine := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	seen := map[time.Duration]int{}
	for i := range 600 {
		c := byCron("0 9 * * *", "UTC", fmt.Sprint("charm-", i))
		at := Next(c, nine.Add(-time.Hour))
		spread := at.Sub(nine)
		if spread < 0 || spread >= charm.CronSpread || spread%time.Second != 0 {
			t.Fatalf("nine o'clock is %v", at)
		}
		seen[spread]++
		if tomorrow := Next(c, at); tomorrow.Sub(at) != 24*time.Hour {
			t.Fatalf("after %v comes %v", at, tomorrow)
		}
		if again := Next(c, at.Add(-time.Second)); !again.Equal(at) {
			t.Fatalf("a second before %v, the next is %v", at, again)
		}
	}
	if len(seen) != 30 {
		t.Errorf("they start in %d different seconds, want all 30", len(seen))
	}
}

func TestUpcoming(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []charm.Charm{every(time.Minute), byCron("*/5 * * * *", "Europe/Berlin", "c")} {
		list := Upcoming(c, from, 10)
		if len(list) != 10 || !list[0].Equal(Next(c, from)) || !list[9].Equal(Next(c, list[8])) {
			t.Errorf("%v: %v", c.Schedule, list)
		}
	}
	if list := Upcoming(byCron("0 25 * * *", "", "c"), from, 10); len(list) != 0 {
		t.Errorf("a schedule that cannot be used gives %v", list)
	}
}

func TestFirst(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if at := First(every(time.Hour), now); !at.Equal(now) {
		t.Errorf("by an interval first at %v, want at once", at)
	}
	c := byCron("0 9 * * *", "UTC", "c")
	if at := First(c, now); !at.Equal(Next(c, now)) {
		t.Errorf("by cron first at %v, want at its time", at)
	}
}

func BenchmarkNextByCron(b *testing.B) {
	for _, expression := range []string{"* * * * *", "0 9 * * mon-fri", "0 0 29 2 *"} {
		b.Run(expression, func(b *testing.B) {
			c := byCron(expression, "Europe/Berlin", "c")
			for at := time.Unix(1_790_000_000, 0); b.Loop(); {
				Next(c, at)
			}
		})
	}
}
