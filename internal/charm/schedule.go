package charm

import "time"

// Schedule says when a charm runs: a fixed grid of Every, or a cron expression
// in a time zone. Exactly one of the two is set.
type Schedule struct {
	Every time.Duration `json:"every,omitempty"` // at least MinEvery
	Cron  string        `json:"cron,omitempty"`
	Zone  string        `json:"zone,omitempty"` // IANA name, for Cron
}

// String is the schedule for people, in the words of the flags that set it.
func (s Schedule) String() string {
	if s.Cron != "" {
		if s.Zone != "" {
			return "cron " + s.Cron + " in " + s.Zone
		}
		return "cron " + s.Cron
	}
	return "every " + ShortDuration(s.Every)
}
