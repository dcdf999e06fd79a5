package schedule

import (
	"strings"
	"testing"

	"charmd/internal/charm"
)

// only is the set of the values.
func only(values ...int) (set uint64) {
	for _, v := range values {
		set |= 1 << v
	}
	return set
}

func upTo(first, last int) (set uint64) {
	for v := first; v <= last; v++ {
		set |= only(v)
	}
	return set
}

func TestParseCron(t *testing.T) {
	t.Parallel()
	var (
		allMinutes, allHours, allDays = upTo(0, 59), upTo(0, 23), upTo(1, 31)
		allMonths, allWeekdays        = upTo(1, 12), upTo(0, 6)
	)
	for text, want := range map[string]cron{
		"* * * * *":                   {allMinutes, allHours, allDays, allMonths, allWeekdays, false, true},
		"0 9 * * *":                   {only(0), only(9), allDays, allMonths, allWeekdays, false, false},
		"*/15 * * * *":                {only(0, 15, 30, 45), allHours, allDays, allMonths, allWeekdays, false, true},
		"05 0-23 * * *":               {only(5), allHours, allDays, allMonths, allWeekdays, false, true},
		"7-20/6,59 */8 * * *":         {only(7, 13, 19, 59), only(0, 8, 16), allDays, allMonths, allWeekdays, false, false},
		"0 0 1,15 * mon":              {only(0), only(0), only(1, 15), allMonths, only(1), true, false},
		"0 0 */2 * mon":               {only(0), only(0), upTo(1, 31) &^ only(2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), allMonths, only(1), false, false},
		"0 0 13 * *":                  {only(0), only(0), only(13), allMonths, allWeekdays, false, false},
		"0 0 * jan-MAR,12 *":          {only(0), only(0), allDays, only(1, 2, 3, 12), allWeekdays, false, false},
		"0 0 * * 0":                   {only(0), only(0), allDays, allMonths, only(0), false, false},
		"0 0 * * 7":                   {only(0), only(0), allDays, allMonths, only(0), false, false},
		"0 0 * * 5-7":                 {only(0), only(0), allDays, allMonths, only(0, 5, 6), false, false},
		"0 0 * * Fri-Sun":             {only(0), only(0), allDays, allMonths, only(0, 5, 6), false, false},
		"0 0 * * sun-tue":             {only(0), only(0), allDays, allMonths, only(0, 1, 2), false, false},
		"0 0 * * 0-7/7":               {only(0), only(0), allDays, allMonths, only(0), false, false},
		"0 0 * * */2":                 {only(0), only(0), allDays, allMonths, only(0, 2, 4, 6), false, false},
		"0 0 29 2 *":                  {only(0), only(0), only(29), only(2), allWeekdays, false, false},
		"0 0 31 2 sat":                {only(0), only(0), only(31), only(2), only(6), true, false},
		"0 0 30,31 2,4 *":             {only(0), only(0), only(30, 31), only(2, 4), allWeekdays, false, false},
		"@hourly":                     {only(0), allHours, allDays, allMonths, allWeekdays, false, true},
		"@daily":                      {only(0), only(0), allDays, allMonths, allWeekdays, false, false},
		"@Midnight":                   {only(0), only(0), allDays, allMonths, allWeekdays, false, false},
		"@weekly":                     {only(0), only(0), allDays, allMonths, only(0), false, false},
		"@monthly":                    {only(0), only(0), only(1), allMonths, allWeekdays, false, false},
		"@yearly":                     {only(0), only(0), only(1), only(1), allWeekdays, false, false},
		"@annually":                   {only(0), only(0), only(1), only(1), allWeekdays, false, false},
		"59 23 31 12 6":               {only(59), only(23), only(31), only(12), only(6), true, false},
		"0,0,0 1-1 1-31/31 1-12/12 3": {only(0), only(1), only(1), only(1), only(3), true, false},
	} {
		if got, err := parseCron(text); err != nil || got != want {
			t.Errorf("%q is %+v, %v\nwant %+v", text, got, err, want)
		}
	}
}

func TestParseCronRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                              `cron expression "" has 0 fields, it takes 5`,
		"0 9 * *":                       `has 4 fields, it takes 5: minute hour day-of-month month day-of-week`,
		"0 0 9 * * *":                   `has 6 fields`,
		"60 * * * *":                    `the minute field "60": 60 is not from 0 to 59`,
		"0 25 * * *":                    `the hour field "25": 25 is not from 0 to 23`,
		"0 0 0 * *":                     `the day-of-month field "0": 0 is not from 1 to 31`,
		"0 0 32 * *":                    `the day-of-month field "32": 32 is not from 1 to 31`,
		"0 0 * 13 *":                    `the month field "13": 13 is not from 1 to 12`,
		"0 0 * * 8":                     `the day-of-week field "8": 8 is not from 0 to 7`,
		"0 0 * * mo":                    `the day-of-week field "mo": "mo" is neither a number nor one of sun mon`,
		"0 0 * janu *":                  `the month field "janu": "janu" is neither`,
		"0 0 jan * *":                   `the day-of-month field "jan": "jan" is not a number`,
		"-5 * * * *":                    `the minute field "-5": a value is missing`,
		"5- * * * *":                    `a value is missing`,
		"1,,2 * * * *":                  `a value is missing`,
		"+5 * * * *":                    `"+5" is not a number`,
		"1.5 * * * *":                   `"1.5" is not a number`,
		"99999999999999999999 * * * *":  `is not a number`,
		"* 22-4 * * *":                  `the hour field "22-4": 22-4 runs backwards; write it as two ranges`,
		"0 0 * * fri-mon":               `fri-mon runs backwards`,
		"1-2-3 * * * *":                 `"2-3" is not a number`,
		"5/15 * * * *":                  `a step needs a range; write 5-59/15`,
		"*/0 * * * *":                   `the step "0" is not from 1 to 59`,
		"*/ * * * *":                    `the step "" is not`,
		"*/90 * * * *":                  `the step "90" is not from 1 to 59`,
		"*/5/5 * * * *":                 `the step "5/5" is not`,
		"*-5 * * * *":                   `"*" is not a number`,
		"** * * * *":                    `"**" is not a number`,
		"0 0 ? * *":                     `the day-of-month field "?": "?" is not a number`,
		"0 0 L * *":                     `"L" is not a number`,
		"0 0 * * 5#3":                   `"5#3" is neither`,
		"0 0 30 2 *":                    `never comes`,
		"0 0 30,31 feb *":               `never comes`,
		"0 0 31 4,6,9,11 *":             `never comes`,
		"@reboot":                       `cron expression "@reboot": there is no such word`,
		"@every 5m":                     `there is no such word`,
		"@daily 5":                      `there is no such word`,
		"\x1b[2J 0 * * *":               `"\x1b[2J" is not a number`,
		strings.Repeat("1,", 200) + "1": `has 401 bytes; at most 200`,
	} {
		_, err := parseCron(text)
		if err == nil || !strings.Contains(err.Error(), want) || charm.CodeOf(err) != charm.CodeUsage {
			t.Errorf("%q gives %v, want %q", text, err, want)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	type given struct{ every, cron, zone string }
	for _, tc := range []struct {
		given given
		want  charm.Schedule
		fails string
	}{
		{},
		{given{every: "90s"}, charm.Schedule{Every: 90e9}, ""},
		{given{cron: " 0  9 * * *\t"}, charm.Schedule{Cron: "0 9 * * *"}, ""},
		{given{cron: "@daily", zone: "Asia/Tokyo"}, charm.Schedule{Cron: "@daily", Zone: "Asia/Tokyo"}, ""},
		{given{cron: "CRON_TZ=Europe/Berlin 0 9 * * *"}, charm.Schedule{Cron: "0 9 * * *", Zone: "Europe/Berlin"}, ""},
		{given{cron: "TZ=Europe/Berlin @weekly", zone: "Europe/Berlin"}, charm.Schedule{Cron: "@weekly", Zone: "Europe/Berlin"}, ""},
		{given{every: "500ms"}, charm.Schedule{}, `bad value "500ms" for --every`},
		{given{every: "often"}, charm.Schedule{}, `bad value "often" for --every`},
		{given{every: "1m", cron: "@daily"}, charm.Schedule{}, "--every and --cron exclude each other"},
		{given{every: "1m", zone: "UTC"}, charm.Schedule{}, "--zone has no use without --cron"},
		{given{zone: "UTC"}, charm.Schedule{}, "--zone has no use without --cron"},
		{given{cron: "0 25 * * *"}, charm.Schedule{}, "the hour field"},
		{given{cron: "CRON_TZ=Europe/Berlin"}, charm.Schedule{}, "has 0 fields"},
		{given{cron: "CRON_TZ= 0 9 * * *"}, charm.Schedule{}, "empty time zone"},
		{given{cron: "TZ=Asia/Tokyo @daily", zone: "UTC"}, charm.Schedule{}, `--cron names the time zone "Asia/Tokyo" and --zone "UTC"`},
		{given{cron: "@daily", zone: "Mars/Phobos"}, charm.Schedule{}, `there is no time zone "Mars/Phobos"`},
		{given{cron: "@daily", zone: "Local"}, charm.Schedule{}, `there is no time zone "Local"`},
		{given{cron: "@daily", zone: "../../etc/passwd"}, charm.Schedule{}, "there is no time zone"},
		{given{cron: "@daily", zone: "/etc/localtime"}, charm.Schedule{}, "there is no time zone"},
		{given{cron: "@daily", zone: strings.Repeat("x", 1e6)}, charm.Schedule{}, "there is no time zone"},
	} {
		got, err := Read(tc.given.every, tc.given.cron, tc.given.zone)
		switch {
		case tc.fails == "" && (err != nil || got != tc.want):
			t.Errorf("%+v is %+v, %v; want %+v", tc.given, got, err, tc.want)
		case tc.fails != "" && (err == nil || !strings.Contains(err.Error(), tc.fails) || charm.CodeOf(err) != charm.CodeUsage || len(err.Error()) > 1000):
			t.Errorf("%+v gives %+v, %v; want %q", tc.given, got, err, tc.fails)
		}
	}
}

// What is read can be stored and comes, after whatever time and in any zone.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"* * * * *", "0 9 * * mon-fri", "*/15 2 1,15 feb-nov/3 0-7/2", "@daily", "0 0 29 2 */7", "CRON_TZ=Asia/Tokyo 0 0 1 1 *", "5/15 * * * *", "TZ= @"} {
		f.Add(seed, "Europe/Berlin", int64(1774746000))
	}
	f.Fuzz(func(t *testing.T, text, zone string, unix int64) {
		s, err := Read("", text, zone)
		if err != nil {
			return
		}
		if again, err := Read("", s.Cron, s.Zone); text != "" && (err != nil || again != s) {
			t.Fatalf("%q is %+v, read again %+v, %v", text, s, again, err)
		}
		if s == (charm.Schedule{}) {
			return
		}
		c := charm.Charm{Space: "s", ID: "c", Schedule: s}
		after := timeIn(unix)
		if next := Next(c, after); !next.After(after) {
			t.Fatalf("%+v comes at %v after %v", s, next, after)
		}
		if Words(s) == "" {
			t.Fatalf("%+v cannot be told in words", s)
		}
	})
}
