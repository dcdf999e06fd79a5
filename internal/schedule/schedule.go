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
// stays the same over restarts and charms of one interval spread evenly.
func Phase(space, id string, every time.Duration) time.Duration {
	h := fnv.New64a()
	h.Write([]byte(space))
	h.Write([]byte{0})
	h.Write([]byte(id))
	if every <= 0 {
		return 0
	}
	return time.Duration(h.Sum64() % uint64(every))
}

// Next is the first point of the charm's grid after a time. Points that passed
// meanwhile are not made up for: any number of missed runs is one run.
func Next(c charm.Charm, after time.Time) time.Time {
	every := c.Schedule.Every
	phase := Phase(c.Space, c.ID, every)
	since := time.Duration(after.UnixNano()) - phase
	steps := since / every
	if since < 0 && since%every != 0 {
		steps--
	}
	return time.Unix(0, int64(phase+(steps+1)*every))
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
