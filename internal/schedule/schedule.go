// Package schedule decides when things are due. It exists as a package of pure
// functions (time in, time out) so that every rule about time can be tested
// without waiting and read in one place.
package schedule

import (
	"hash/fnv"
	"time"

	"charmd/internal/charm"
)

// Phase is where on its grid a charm runs, derived from its place so that it
// stays the same over restarts and charms of one interval spread evenly. It is in
// whole milliseconds, as times are stored: a stored time is on the grid.
func Phase(space, id string, every time.Duration) time.Duration {
	h := fnv.New64a()
	h.Write([]byte(space))
	h.Write([]byte{0})
	h.Write([]byte(id))
	if every <= 0 {
		return 0
	}
	return time.Duration(h.Sum64() % uint64(every)).Truncate(time.Millisecond)
}

// Next is the first time after a given one that the charm's schedule names. Times
// that passed meanwhile are not made up for: any number of missed runs is one
// run. It is zero when the schedule cannot be used, which Unusable explains.
func Next(c charm.Charm, after time.Time) time.Time {
	if c.Schedule.Cron != "" {
		return nextByCron(c, after)
	}
	every := c.Schedule.Every
	if every <= 0 {
		return time.Time{}
	}
	phase := Phase(c.Space, c.ID, every)
	since := time.Duration(after.UnixNano()) - phase
	steps := since / every
	if since < 0 && since%every != 0 {
		steps--
	}
	return time.Unix(0, int64(phase+(steps+1)*every))
}

// nextByCron adds to each time of the expression a spread that is the charm's
// own, so that charms of one expression do not all start in the same moment.
func nextByCron(c charm.Charm, after time.Time) time.Time {
	p, err := parsed(c.Schedule)
	if err != nil {
		return time.Time{}
	}
	spread := Phase(c.Space, c.ID, charm.CronSpread).Truncate(time.Second)
	at := p.cron.next(after.Add(-spread), p.location)
	if at.IsZero() {
		return at
	}
	return at.Add(spread)
}

// Upcoming is the next n times after a given one, fewer when the schedule cannot
// be used.
func Upcoming(c charm.Charm, from time.Time, n int) []time.Time {
	var times []time.Time
	for len(times) < n {
		if from = Next(c, from); from.IsZero() {
			break
		}
		times = append(times, from)
	}
	return times
}

// First is when a charm runs that was just added, registered or enabled: at once
// by an interval, but by cron not before its time, which may mean something.
func First(c charm.Charm, now time.Time) time.Time {
	if c.Schedule.Cron == "" {
		return now
	}
	return Next(c, now)
}

// Backoff is how long a retry waits after the attempt-th failed attempt (1 is
// the first): a second, doubling to charm.MaxBackoff, with up to a quarter of it
// added by jitter, which is in [0, 1).
func Backoff(attempt int, jitter float64) time.Duration {
	wait := charm.MaxBackoff
	if attempt < 1 {
		attempt = 1
	}
	if attempt < 32 {
		wait = min(charm.FirstBackoff<<(attempt-1), charm.MaxBackoff)
	}
	return wait + time.Duration(jitter*float64(wait)/4)
}

// Probe is how long the next probe of a charm disabled by failures waits when
// the one before it waited last: five minutes at first, doubling to a day.
func Probe(last time.Duration) time.Duration {
	if last <= 0 {
		return charm.FirstProbe
	}
	return min(2*last, charm.MaxProbe)
}
