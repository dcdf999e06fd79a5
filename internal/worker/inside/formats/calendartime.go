package formats

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/teambition/rrule-go"
)

// zoneOf is the instant at which clocks of a zone show a time, which is given in UTC.
type zoneOf func(wall time.Time) time.Time

func utc(wall time.Time) time.Time { return wall }

// moment is a time as a calendar has it: what clocks of its zone show, or a date.
type moment struct {
	wall   time.Time
	zone   zoneOf
	allDay bool
}

func (m moment) instant() time.Time       { return m.zone(m.wall) }
func (m moment) key() int64               { return m.instant().Unix() }
func (m moment) at(wall time.Time) moment { m.wall = wall; return m }
func (m moment) String() string {
	if m.allDay {
		return m.wall.Format(time.DateOnly)
	}
	return m.instant().UTC().Format(time.RFC3339)
}

// moment reads a date, or a date and time.
func (c *reader) moment(p property) (moment, error) {
	text := strings.TrimSpace(p.value)
	if wall, err := time.Parse("20060102", text); err == nil {
		return moment{wall: wall, zone: utc, allDay: true}, inYears(wall)
	}
	zone := c.floating
	if zone == nil {
		zone = utc
	}
	if id := p.params["TZID"]; id != "" {
		zone = c.zone(id)
	}
	if before, ok := strings.CutSuffix(text, "Z"); ok {
		text, zone = before, utc
	}
	wall, err := time.Parse("20060102T150405", text)
	if err != nil {
		return moment{}, fmt.Errorf("%q is not a time", text[:min(len(text), 40)])
	}
	return moment{wall: wall, zone: zone}, inYears(wall)
}

// inYears refuses times that no calendar of people has.
func inYears(t time.Time) error {
	if t.Year() < 1 || t.Year() > 9000 {
		return fmt.Errorf("the year %d", t.Year())
	}
	return nil
}

// zone finds a zone by the name that the calendar gives it: one of the world's, or one
// that it declares. An unknown one counts as UTC.
func (c *reader) zone(id string) zoneOf {
	if id == "" {
		return utc
	}
	name := id
	if parts := strings.Split(strings.TrimPrefix(id, "/"), "/"); len(parts) > 2 { // /example.org/2026/Europe/Berlin
		name = strings.Join(parts[len(parts)-2:], "/")
	}
	for _, name := range []string{id, name} {
		if loc, err := time.LoadLocation(name); err == nil && name != "Local" {
			return func(w time.Time) time.Time {
				return time.Date(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), w.Second(), 0, loc)
			}
		}
	}
	if zone := c.zones[id]; zone != nil {
		return zone
	}
	c.warn("the time zone %q is not known; its times are read as UTC", id[:min(len(id), 40)])
	c.zones[id] = utc
	return utc
}

// change is one of the two states of a declared zone: when clocks go over to it, and how
// far they are ahead of UTC then.
type change struct {
	began  []time.Time              // in order, as far as they were asked for
	next   func() (time.Time, bool) // the one after these by the rule; nil for no more
	offset time.Duration
}

// maxChanges bounds how often clocks are set by a rule: twice a year until the year 9000,
// and some more.
const maxChanges = 20_000

// last is when clocks went over to it last before a time; the zero time for never. What
// the rule gives is looked for once: where it gives nothing that takes all its years.
func (c *change) last(wall time.Time) time.Time {
	for c.next != nil && (len(c.began) == 0 || !c.began[len(c.began)-1].After(wall)) {
		at, ok := c.next()
		if !ok || len(c.began) == maxChanges {
			c.next = nil
			break
		}
		c.began = append(c.began, at)
	}
	i, found := slices.BinarySearchFunc(c.began, wall, time.Time.Compare)
	switch {
	case found:
		return wall
	case i == 0:
		return time.Time{}
	}
	return c.began[i-1]
}

// declaredZone is a zone by the calendar's own VTIMEZONE.
func (c *reader) declaredZone(z *component) zoneOf {
	var list []*change
	for _, part := range append(z.all("STANDARD"), z.all("DAYLIGHT")...) {
		start, _ := part.first("DTSTART")
		once, err := time.Parse("20060102T150405", strings.TrimSuffix(strings.TrimSpace(start.value), "Z"))
		offset, ok := utcOffset(part.text("TZOFFSETTO"))
		if err != nil || !ok {
			c.warn("the time zone %q is not declared well", z.text("TZID"))
			continue
		}
		if once.Year() < earliest { // Outlook's begin in 1601
			once = once.AddDate(earliest-once.Year(), 0, 0)
		}
		state := &change{began: []time.Time{once}, offset: offset}
		if rule, ok := part.first("RRULE"); ok {
			if r, err := ruleOf(rule.value, once); err == nil {
				state.began, state.next = nil, r.Iterator()
			}
		}
		list = append(list, state)
	}
	return func(wall time.Time) time.Time {
		var latest time.Time
		var offset time.Duration
		for i, state := range list {
			began := state.last(wall)
			if i == 0 || !began.IsZero() && !began.After(wall) && began.After(latest) {
				latest, offset = began, state.offset
			}
		}
		return wall.Add(-offset)
	}
}

// utcOffset reads +0100 or -053000.
func utcOffset(text string) (time.Duration, bool) {
	for _, form := range []string{"-0700", "-070000"} {
		if t, err := time.Parse(form, text); err == nil {
			_, seconds := t.Zone()
			return time.Duration(seconds) * time.Second, true
		}
	}
	return 0, false
}

const earliest = 1900 // year that rules begin in; the library counts to 292 years after that

// ruleOf reads a recurrence rule. Those finer than a day are refused: no calendar of
// people has them, and an impossible one would be looked for for minutes.
func ruleOf(text string, start time.Time) (*rrule.RRule, error) {
	option, err := rrule.StrToROption(strings.TrimSpace(text))
	if err != nil {
		return nil, err
	}
	if option.Freq > rrule.DAILY || len(option.Byhour) > 24 || len(option.Byminute)+len(option.Bysecond) > 4 {
		return nil, fmt.Errorf("the rule %q is finer than a day", text[:min(len(text), 80)])
	}
	if start.Year() < earliest {
		return nil, fmt.Errorf("the rule %q begins in the year %d", text[:min(len(text), 80)], start.Year())
	}
	option.Dtstart = start
	return rrule.NewRRule(*option)
}

// instances are the starts of a recurring event up to the end of the window, by the
// clocks of its zone.
func (c *reader) instances(uid string, e *component, start moment) (list []time.Time) {
	list = append(list, start.wall)
	for _, line := range e.lines["RDATE"] {
		for value := range strings.SplitSeq(line.value, ",") {
			value, _, _ = strings.Cut(value, "/")
			if at, err := c.moment(property{line.params, value}); err == nil {
				list = append(list, start.wall.Add(at.instant().Sub(start.instant())))
			}
		}
	}
	text, ok := e.first("RRULE")
	if !ok {
		return list
	}
	rule, err := ruleOf(untilWall(text.value, start), start.wall)
	if err != nil {
		c.warn("%s: %v", uid, err)
		return list
	}
	next := rule.Iterator()
	for range maxInstances {
		wall, ok := next()
		if !ok || !start.at(wall).instant().Before(c.to) {
			return list
		}
		if wall != start.wall {
			list = append(list, wall)
		}
	}
	c.warn("%s: only its first %d instances are looked at", uid, maxInstances)
	return list
}

var until = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)UNTIL=(\d{8}T\d{6})Z`) })

// untilWall gives the end of a rule by the clocks that its other times are by.
func untilWall(rule string, start moment) string {
	return until().ReplaceAllStringFunc(rule, func(m string) string {
		at, err := time.Parse("20060102T150405", until().FindStringSubmatch(m)[1])
		if err != nil {
			return m
		}
		ahead := at.Sub(start.zone(at)) // near enough: an hour off at most twice a year
		return "UNTIL=" + at.Add(ahead).Format("20060102T150405Z")
	})
}

var durationForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([+-]?)P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9})S)?)?$`)
})

// duration reads P1W, P1DT2H30M, -PT15M.
func duration(text string) (days int, rest time.Duration, err error) {
	m := durationForm().FindStringSubmatch(strings.ToUpper(text))
	if m == nil {
		return 0, 0, fmt.Errorf("%q is not a duration", text[:min(len(text), 40)])
	}
	var n [5]int
	for i, digits := range m[2:] {
		if n[i], err = strconv.Atoi("0" + digits); err != nil {
			return 0, 0, err
		}
	}
	sign := 1
	if m[1] == "-" {
		sign = -1
	}
	rest = time.Duration(n[2])*time.Hour + time.Duration(n[3])*time.Minute + time.Duration(n[4])*time.Second
	return sign * (n[0]*7 + n[1]), time.Duration(sign) * rest, nil
}
