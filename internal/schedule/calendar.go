package schedule

import "time"

// searchYears bounds the search for a next time. The rarest expression, a 29
// February of one weekday, comes once in 40 years at worst.
const searchYears = 41

// next is the first time after a given one that the expression names in a zone,
// in UTC; zero when none is found in searchYears.
//
// The zone is walked through in spans of one offset each. Within a span the wall
// clock is plain arithmetic; what the clock skips or shows twice lies between two
// spans:
//
//   - an expression of every hour follows real time: a repeated hour counts twice,
//     a skipped one not at all;
//   - any other names times of the wall clock: one that is shown twice counts the
//     first time, those that are skipped count together as the first minute after
//     them.
func (c *cron) next(after time.Time, in *time.Location) time.Time {
	s := spanAt(after, in)
	from := s.wall(after).Truncate(time.Minute).Add(time.Minute)
	if !c.everyHour && !s.start.IsZero() {
		// What the span before has shown already is not looked at again.
		from = latest(from, spanAt(s.start.Add(-1), in).wall(s.start))
	}
	limit := from.AddDate(searchYears, 0, 0)
	for {
		wall := c.onOrAfter(from, limit)
		if wall.IsZero() {
			return wall
		}
		if at := s.instant(wall); s.end.IsZero() || at.Before(s.end) {
			return at
		}
		s = spanAt(s.end, in)
		from = wholeMinute(s.wall(s.start))
		switch {
		case c.everyHour:
		case wall.Before(from):
			return s.instant(from) // it was skipped
		default:
			from = wall
		}
	}
}

// onOrAfter is the first minute from a wall clock's time on that the expression
// names; zero when none comes before the limit. Times of wall clocks are written
// as if they were UTC.
func (c *cron) onOrAfter(wall, limit time.Time) time.Time {
	for wall = wholeMinute(wall); wall.Before(limit); {
		y, m, d := wall.Date()
		switch {
		case !has(c.month, int(m)):
			wall = time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC)
		case !c.onDay(d, wall.Weekday()):
			wall = time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC)
		case !has(c.hour, wall.Hour()):
			wall = wall.Truncate(time.Hour).Add(time.Hour)
		case !has(c.minute, wall.Minute()):
			wall = wall.Add(time.Minute)
		default:
			return wall
		}
	}
	return time.Time{}
}

func (c *cron) onDay(day int, weekday time.Weekday) bool {
	d, w := has(c.day, day), has(c.weekday, int(weekday))
	if c.either {
		return d || w
	}
	return d && w
}

// span is a time during which a zone's offset does not change.
type span struct {
	start, end time.Time     // zero when it has none
	offset     time.Duration // of the wall clock from UTC
}

func spanAt(t time.Time, in *time.Location) span {
	t = t.In(in)
	start, end := t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		// ZoneBounds takes years by a zone's rule to have 365 days: on the last day
		// of a leap year it gives an end that has passed.
		end = time.Date(t.UTC().Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	_, seconds := t.Zone()
	return span{start, end, time.Duration(seconds) * time.Second}
}

func (s span) wall(t time.Time) time.Time { return t.UTC().Add(s.offset) }

func (s span) instant(wall time.Time) time.Time { return wall.Add(-s.offset) }

// wholeMinute is t, or the whole minute after it.
func wholeMinute(t time.Time) time.Time {
	if whole := t.Truncate(time.Minute); !whole.Equal(t) {
		return whole.Add(time.Minute)
	}
	return t
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
