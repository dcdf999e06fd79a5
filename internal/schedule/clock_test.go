package schedule

import (
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
)

func TestBelievable(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 20, 0, time.UTC)
	hourly, daily := every(time.Hour), byCron("0 9 * * *", "UTC", "c")
	for _, tc := range []struct {
		what  string
		charm charm.Charm
		state charm.State
		want  bool
	}{
		{"nothing is due", hourly, charm.State{}, true},
		{"missed for a year", hourly, charm.State{NextRun: now.AddDate(-1, 0, 0)}, true},
		{"on the grid", hourly, charm.State{NextRun: Next(hourly, now)}, true},
		{"never ran, an hour too late", hourly, charm.State{NextRun: Next(hourly, now).Add(time.Hour)}, false},
		{"never ran, its clock a little slow", hourly, charm.State{NextRun: Next(hourly, now).Add(time.Minute)}, true},
		{"by cron tomorrow", daily, charm.State{NextRun: Next(daily, now), LastExecuted: now.Add(-3 * time.Hour)}, true},
		{"never ran, by cron the day after", daily, charm.State{NextRun: Next(daily, Next(daily, now))}, false},
		{"put off by a host", hourly, charm.State{NextRun: now.Add(23 * time.Hour), NotBefore: now.Add(23 * time.Hour), LastExecuted: now.Add(-time.Minute)}, true},
		{"put off by nobody", hourly, charm.State{NextRun: now.Add(23 * time.Hour), LastExecuted: now.Add(-time.Minute)}, false},
		{"put off by a host, by a clock that was set back", hourly, charm.State{NextRun: now.Add(23 * time.Hour), NotBefore: now.Add(23 * time.Hour), LastExecuted: now.Add(time.Hour)}, false},
		{"clock set back by hours", hourly, charm.State{NextRun: Next(hourly, now.Add(3*time.Hour)), LastExecuted: now.Add(3 * time.Hour)}, false},
		{"clock set back by hours, by cron", daily, charm.State{NextRun: Next(daily, now.Add(24*time.Hour)), LastExecuted: now.Add(21 * time.Hour)}, false},
		{"clock corrected by seconds", daily, charm.State{NextRun: Next(daily, now), LastExecuted: now.Add(5 * time.Second)}, true},
		{"damaged", hourly, charm.State{NextRun: now.AddDate(7000, 0, 0), LastExecuted: now}, false},
		{"a schedule that cannot be used", byCron("x", "", "c"), charm.State{NextRun: now.Add(48 * time.Hour)}, false},
		{"a probe in its time", hourly, charm.State{Disabled: true, NextTry: now.Add(40 * time.Minute), ProbeWait: 40 * time.Minute}, true},
		{"a first probe", hourly, charm.State{Disabled: true, NextTry: now.Add(charm.FirstProbe)}, true},
		{"a probe after its time", hourly, charm.State{Disabled: true, NextTry: now.Add(2 * time.Hour), ProbeWait: 40 * time.Minute}, false},
		{"disabled by a person", hourly, charm.State{Disabled: true}, true},
	} {
		if got := Believable(tc.charm, tc.state, now); got != tc.want {
			t.Errorf("%s: believable is %v", tc.what, got)
		}
	}
}

func TestBelievableRetry(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 20, 0, time.UTC)
	ran, ahead := charm.State{LastExecuted: now.Add(-time.Second)}, charm.State{LastExecuted: now.Add(time.Hour)}
	for _, tc := range []struct {
		what  string
		state charm.State
		due   time.Time
		want  bool
	}{
		{"waiting", ran, now.Add(30 * time.Second), true},
		{"past", ran, now.AddDate(0, 0, -3), true},
		{"put off by a host", charm.State{LastExecuted: now, NotBefore: now.Add(12 * time.Hour)}, now.Add(12 * time.Hour), true},
		{"put off by nobody", ran, now.Add(12 * time.Hour), false},
		{"damaged", ran, now.AddDate(0, 0, 2), false},
		{"clock set back", ahead, now.Add(time.Hour), false},
		{"clock set back, due soon all the same", ahead, now.Add(20 * time.Second), true},
		{"never ran", charm.State{}, now.Add(time.Hour), false},
	} {
		if got := BelievableRetry(tc.state, tc.due, now); got != tc.want {
			t.Errorf("%s: believable is %v", tc.what, got)
		}
	}
}

func TestUnusable(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		schedule charm.Schedule
		want     string
	}{
		{charm.Schedule{Every: time.Minute}, ""},
		{charm.Schedule{Cron: "@daily"}, ""},
		{charm.Schedule{Cron: "0 9 * * *", Zone: "Europe/Berlin"}, ""},
		{charm.Schedule{}, "neither an interval nor a cron expression"},
		{charm.Schedule{Every: -time.Minute}, "neither an interval nor a cron expression"},
		{charm.Schedule{Cron: "0 25 * * *"}, "the hour field"},
		{charm.Schedule{Cron: "0 0 30 2 *"}, "never comes"},
		{charm.Schedule{Cron: "@daily", Zone: "Mars/Phobos"}, `no time zone "Mars/Phobos"`},
	} {
		got := Unusable(tc.schedule)
		if !strings.Contains(got.Why, tc.want) || got.Is() != (tc.want != "") || got.Is() != (got.For == charm.ForSchedule) {
			t.Errorf("%+v: %q, want %q", tc.schedule, got, tc.want)
		}
		if next := Next(charm.Charm{Schedule: tc.schedule}, time.Now()); next.IsZero() != got.Is() {
			t.Errorf("%+v comes at %v although %q", tc.schedule, next, got)
		}
	}
}

// A machine may have no time zones, or broken ones.
func TestFault21_TimeZonesMissing(t *testing.T) {
	t.Setenv("ZONEINFO", t.TempDir())
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC", ""} {
		if _, err := Zone(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	c := byCron("0 9 * * *", "America/New_York", "c")
	at := Next(c, time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC))
	if at.UTC().Hour() != 13 {
		t.Errorf("nine o'clock in New York is %v", at.UTC())
	}
}
