package schedule

import (
	"sync"
	"time"
	_ "time/tzdata" // a machine may have no time zones of its own

	"charmd/internal/charm"
)

// readable is a cron schedule that has been read.
type readable struct {
	cron     cron
	location *time.Location
	err      error
}

// mostRead bounds the memory of schedules that have been read.
const mostRead = 10_000

var read = struct {
	sync.Mutex
	by map[charm.Schedule]readable
}{by: map[charm.Schedule]readable{}}

// parsed reads a stored cron schedule, each only once.
func parsed(s charm.Schedule) (readable, error) {
	read.Lock()
	defer read.Unlock()
	p, known := read.by[s]
	if !known {
		if p.cron, p.err = parseCron(s.Cron); p.err == nil {
			p.location, p.err = Zone(s.Zone)
		}
		if len(read.by) >= mostRead {
			clear(read.by)
		}
		read.by[s] = p
	}
	return p, p.err
}

// Zone is the time zone with an IANA name; "" is UTC.
func Zone(name string) (*time.Location, error) {
	// Local is whatever zone a machine is in, and no name that can be kept.
	location, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		name = name[:min(len(name), charm.MaxNameBytes)]
		return nil, charm.Errorf(charm.CodeUsage, "there is no time zone %q", name).
			WithHint("zones have names like Europe/Berlin, America/New_York or UTC")
	}
	return location, nil
}

// Unusable is why a stored schedule names no times, as a stated reason for a
// charm to wait; none when it does. What was checked before it was stored may have
// been changed in the database, or name a zone that this release does not know.
func Unusable(s charm.Schedule) charm.Wait {
	switch {
	case s.Cron != "":
		if _, err := parsed(s); err != nil {
			return unusable(err.Error())
		}
	case s.Every <= 0:
		return unusable("it has neither an interval nor a cron expression")
	}
	return charm.Wait{}
}

func unusable(why string) charm.Wait {
	return charm.Wait{For: charm.ForSchedule, Why: "its schedule cannot be used: " + why}
}
