package schedule

import (
	"strings"
	"time"

	"charmd/internal/charm"
)

// Read is the schedule that people give by the flags --every, --cron and --zone,
// each "" when it is not given. It is the zero Schedule when none is, and without
// a zone when none was named: an expression may also name it in front, as in
// "CRON_TZ=Europe/Berlin 0 9 * * *".
func Read(every, cron, zone string) (charm.Schedule, error) {
	switch {
	case every != "" && cron != "":
		return charm.Schedule{}, charm.Errorf(charm.CodeUsage, "--every and --cron exclude each other").
			WithHint("give an interval, like --every 5m, or times of the day, like --cron '0 9 * * *'")
	case zone != "" && cron == "":
		return charm.Schedule{}, charm.Errorf(charm.CodeUsage, "--zone has no use without --cron")
	case every != "":
		return readEvery(every)
	case cron != "":
		return readCron(cron, zone)
	}
	return charm.Schedule{}, nil
}

func readEvery(text string) (charm.Schedule, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < charm.MinEvery {
		return charm.Schedule{}, charm.Errorf(charm.CodeUsage, "bad value %q for --every", text).
			WithHint("allowed: a duration of at least %s, such as 60s or 5m", charm.ShortDuration(charm.MinEvery))
	}
	return charm.Schedule{Every: d}, nil
}

func readCron(text, zone string) (charm.Schedule, error) {
	words := strings.Fields(text)
	if len(words) > 0 {
		if name, ok := zonePrefix(words[0]); ok {
			if zone != "" && zone != name {
				return charm.Schedule{}, charm.Errorf(charm.CodeUsage, "--cron names the time zone %q and --zone %q", name, zone)
			}
			zone, words = name, words[1:]
			if zone == "" {
				return charm.Schedule{}, charm.Errorf(charm.CodeUsage, "--cron names an empty time zone").WithHint("like CRON_TZ=Europe/Berlin")
			}
		}
	}
	s := charm.Schedule{Cron: strings.Join(words, " "), Zone: zone}
	if _, err := parseCron(s.Cron); err != nil {
		return charm.Schedule{}, err
	}
	if _, err := Zone(s.Zone); err != nil {
		return charm.Schedule{}, err
	}
	return s, nil
}

func zonePrefix(word string) (string, bool) {
	if name, ok := strings.CutPrefix(word, "CRON_TZ="); ok {
		return name, true
	}
	return strings.CutPrefix(word, "TZ=")
}
