package schedule

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"charmd/internal/charm"
)

// mostClockTimes is how many times of the day are told one by one.
const mostClockTimes = 4

// Words says in plain words when a schedule by cron comes, like "at 09:00 on
// Monday to Friday"; "" for an interval, which says so itself, and for one that
// cannot be used.
func Words(s charm.Schedule) string {
	if s.Cron == "" {
		return ""
	}
	p, err := parsed(s)
	if err != nil {
		return ""
	}
	text := p.cron.timeWords() + p.cron.dayWords()
	if p.cron.month != fields[3].all() {
		text += " in " + among(p.cron.month, 1, 12, func(v int) string { return time.Month(v).String() })
	}
	return text
}

func (c *cron) timeWords() string {
	minutes, hours := bits.OnesCount64(c.minute), bits.OnesCount64(c.hour)
	if minutes*hours <= mostClockTimes {
		var list []string
		for h := range 24 {
			for m := range 60 {
				if has(c.hour, h) && has(c.minute, m) {
					list = append(list, fmt.Sprintf("%02d:%02d", h, m))
				}
			}
		}
		return "at " + and(list)
	}
	text := "at minute " + among(c.minute, 0, 59, strconv.Itoa)
	step := 60 / minutes
	even := step*minutes == 60
	for m := range 60 {
		even = even && has(c.minute, m) == (m%step == 0)
	}
	switch {
	case step == 1 && even:
		text = "every minute"
	case even && minutes > 1:
		text = fmt.Sprintf("every %d minutes", step)
	case c.everyHour:
		return text + " of every hour"
	}
	if c.everyHour {
		return text
	}
	if hours == 1 {
		text += " of the hour "
	} else {
		text += " of the hours "
	}
	return text + among(c.hour, 0, 23, strconv.Itoa)
}

func (c *cron) dayWords() string {
	day := "day " + among(c.day, 1, 31, strconv.Itoa) + " of the month"
	// Weeks begin with Monday, so that a weekend is one range.
	weekday := among(c.weekday|c.weekday&1<<sunday, 1, sunday, func(v int) string { return time.Weekday(v % sunday).String() })
	switch allDays, allWeekdays := c.day == fields[2].all(), c.weekday == fields[4].all(); {
	case c.either && (allDays || allWeekdays), allDays && allWeekdays:
		if c.everyHour {
			return ""
		}
		return " every day"
	case c.either:
		return " on " + day + " or on " + weekday
	case allWeekdays:
		return " on " + day
	case allDays:
		return " on " + weekday
	default:
		return " on " + day + " if it is " + weekday
	}
}

// all is the set of all values.
func (f field) all() uint64 {
	set, _ := f.parse("*") // cannot fail
	return set
}

// among names the members of a set, three and more in a row as a range.
func among(set uint64, least, most int, name func(int) string) string {
	var list []string
	for v := least; v <= most; v++ {
		if !has(set, v) {
			continue
		}
		last := v
		for last < most && has(set, last+1) {
			last++
		}
		if last >= v+2 {
			list = append(list, name(v)+" to "+name(last))
			v = last
			continue
		}
		list = append(list, name(v))
	}
	return and(list)
}

// and joins a list as people do.
func and(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}
