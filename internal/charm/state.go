package charm

import "time"

// DisabledBy says who or what disabled a charm.
type DisabledBy string

// Who may disable a charm.
const (
	ByFailures  DisabledBy = "failures"  // too many in a row; probed until it works
	ByPermanent DisabledBy = "permanent" // cannot run at all; tried after its recipe or argument changes
	ByPerson    DisabledBy = "person"    // never probed
)

// Known reports whether it is one of them.
func (by DisabledBy) Known() bool { return by == ByFailures || by == ByPermanent || by == ByPerson }

// State is what is known about a charm's executions. The zero value is that of
// a charm that never ran.
type State struct {
	Executions          int64
	Successes           int64
	Failures            int64
	ConsecutiveFailures int
	LastRun             string    // id of the last run
	LastOutcome         Outcome   // of the last run
	LastExecuted        time.Time // end of the last run
	LastError           string    // kept after later successes
	LastErrorCode       ErrorCode
	LastErrorAt         time.Time
	MinTime             time.Duration // wall times of runs that were handed to a worker
	MaxTime             time.Duration
	SumTime             time.Duration
	LastTime            time.Duration
	NextRun             time.Time // zero when nothing is due
	NotBefore           time.Time // a host it needs asked not to be asked earlier; zero when none did
	Disabled            bool
	DisabledBy          DisabledBy
	DisabledReason      string
	DisabledAt          time.Time
	NextTry             time.Time     // when failures disabled it: the next probe
	ProbeWait           time.Duration // how long the next failed probe waits
	UncleanStops        int           // unclean stops of the service in a row with this charm in flight
	Waiting             Wait
}

// AverageTime is the mean wall time of the runs, zero before the first.
func (s State) AverageTime() time.Duration {
	if s.Executions == 0 {
		return 0
	}
	return s.SumTime / time.Duration(s.Executions)
}
