package charm

import "time"

// Outcome is how one run ended.
type Outcome string

// The outcomes. Only Errored, TimedOut, OutOfMemory and Crashed count as
// failures of the charm; see Outcome.CountsAsFailure.
const (
	OK             Outcome = "ok"
	Errored        Outcome = "error"           // the charm's code failed; Run.Code says how
	TimedOut       Outcome = "timeout"         // the deadline passed and the worker was killed
	OutOfMemory    Outcome = "out_of_memory"   // the VM's memory cap was reached
	Crashed        Outcome = "crashed"         // the worker process died or broke the protocol
	Cancelled      Outcome = "cancelled"       // a person, or the charm's deletion, ended it
	Lost           Outcome = "lost"            // the service died while it was running
	Conflicted     Outcome = "conflict"        // other writers kept changing what it had read
	Remote         Outcome = "remote"          // the other side's fault
	NeedsReconnect Outcome = "needs_reconnect" // its account must be connected again by a person
)

// Outcomes lists them all.
func Outcomes() []Outcome {
	return []Outcome{OK, Errored, TimedOut, OutOfMemory, Crashed, Cancelled, Lost, Conflicted, Remote, NeedsReconnect}
}

// CountsAsFailure reports whether the outcome is the charm's own fault and so
// counts towards disabling it.
func (o Outcome) CountsAsFailure() bool {
	switch o {
	case Errored, TimedOut, OutOfMemory, Crashed:
		return true
	}
	return false
}

// Retried reports whether a job that ended so is tried again by itself.
func (o Outcome) Retried() bool {
	switch o {
	case Errored, TimedOut, OutOfMemory, Crashed, Lost, Conflicted, Remote:
		return true
	}
	return false
}

// Run is the record of one attempt. It is written once, at the end, and not
// changed, unless a run that was taken for lost turns out to have been applied.
type Run struct {
	ID        string // ULID, so ordered by the time it started
	Charm     int64  // row of the charm; 0 for maintenance
	Job       string // the job it was an attempt of
	Task      Task   // of a maintenance job
	Reason    Reason
	Attempt   int // 1 for the first
	DueAt     time.Time
	StartedAt time.Time // handed to a worker, or claimed when it never was
	EndedAt   time.Time
	Outcome   Outcome
	Code      ErrorCode // for people and programs; "" when ok
	Error     string    // message for people; "" when ok
	Position  string    // file.tsx:LINE:COL of the error where there is one
	Handler   string    // the handler that failed, by its name in the recipe; "" when none did
	Log       string    // console lines, capped at MaxLogBytes
	Changed   int       // documents written
	Since     int64     // number of the commit that wrote them, in the log of its space; 0 when it wrote none
	Requests  int       // requests made through egress
	Ledger    []Request // of them, in the order in which they ended; as many as fit into MaxLedgerBytes
	Conflicts int       // times the event was run again because a document it read had changed
	CPU       time.Duration
	PeakBytes int64  // high water of the VM's memory
	Walls     string // layers of the sandbox around its worker, e.g. "namespaces landlock rlimits"; "" when it had none
}

// Elapsed is the wall time of the run; 0 when the clock was set back meanwhile.
func (r Run) Elapsed() time.Duration { return max(r.EndedAt.Sub(r.StartedAt), 0) }
