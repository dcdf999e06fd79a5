package charm

import "time"

// JobType is what a job does.
type JobType string

// The job types of the seed document.
const (
	ExecuteCharm JobType = "execute_charm"
	Maintenance  JobType = "maintenance"
)

// Task is a maintenance job's work.
type Task string

// The maintenance tasks.
const (
	Cleanup Task = "cleanup"
	Stats   Task = "stats"
	Reset   Task = "reset"
	All     Task = "all"
)

// Tasks lists them all.
func Tasks() []Task { return []Task{Cleanup, Stats, Reset, All} }

// Status is where a job stands, as people see it.
type Status string

// The statuses. Finished jobs are not rows any more: their status is read from
// their run record (StatusOf).
const (
	Pending   Status = "pending"
	Running   Status = "running"
	Completed Status = "completed"
	Failed    Status = "failed"
	Canceled  Status = "cancelled"
)

// StatusOf is the status of the job whose last run ended with o.
func StatusOf(o Outcome) Status {
	switch o {
	case OK:
		return Completed
	case Cancelled:
		return Canceled
	}
	return Failed
}

// Reason is why a job exists.
type Reason string

// The reasons.
const (
	Due    Reason = "due"     // its schedule said so
	RunNow Reason = "run_now" // a person asked for it
	Retry  Reason = "retry"   // the attempt before it failed
	Again  Reason = "again"   // the run before it asked for the next page
	Probe  Reason = "probe"   // the charm is disabled by failures and is tried once
	Event  Reason = "event"   // a page sent an event
)

// Job is live work: claimed, or waiting for something that cannot be computed
// from the schedule. A charm that is merely due has no row.
type Job struct {
	ID        string // ULID; equal over retries, so it is the run's occasion
	Charm     int64  // row of the charm; 0 for maintenance
	Type      JobType
	Task      Task
	Reason    Reason
	Priority  int
	DueAt     time.Time
	Attempt   int // of the run that is running, or of the next one
	Status    Status
	Run       string    // id of the run, while running
	Epoch     int64     // of the service instance that claimed it
	LeaseEnd  time.Time // when the claim may be taken by the reconciler
	Once      bool      // one attempt only: no retry follows (charmd run)
	FollowUp  string    // id of the job asked for while this one is running; "" for none
	Pages     int       // consecutive runs that asked for the next page
	CreatedAt time.Time
	ClaimedAt time.Time
}
