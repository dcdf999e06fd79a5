// Package api is the language between the command line and the daemon: the JSON
// of /api/v1 as Go types. It exists so that both sides, and `--json` output,
// cannot drift apart.
package api

import (
	"encoding/json"
	"time"

	"charmd/internal/charm"
)

// AddRequest is the body of POST /api/v1/charms.
type AddRequest struct {
	Entry       string            `json:"entry"` // key of Files
	Files       map[string]string `json:"files"` // text by slash-separated path
	Space       string            `json:"space,omitempty"`
	Name        string            `json:"name,omitempty"`
	Argument    json.RawMessage   `json:"argument,omitempty"`
	Integration string            `json:"integration,omitempty"`
	Every       string            `json:"every,omitempty"`   // Go duration; "" means the service's cycle
	Cron        string            `json:"cron,omitempty"`    // instead of Every: five fields, a nickname, CRON_TZ= in front
	Zone        string            `json:"zone,omitempty"`    // of Cron, an IANA name; "" means the service's own
	Timeout     string            `json:"timeout,omitempty"` // Go duration; "" means the service's
	Priority    int               `json:"priority,omitempty"`
	AllowHosts  []string          `json:"allowHosts,omitempty"`
	Probe       string            `json:"probe,omitempty"` // "" or "never"
	NoRegister  bool              `json:"noRegister,omitempty"`
}

// ScheduleRequest is the body of PUT /api/v1/charms/{space}/{charm}/schedule: Every,
// or Cron with or without Zone, as in AddRequest.
type ScheduleRequest struct {
	Every string `json:"every,omitempty"`
	Cron  string `json:"cron,omitempty"`
	Zone  string `json:"zone,omitempty"`
}

// Preview is what preview and schedule print: when a charm runs next.
type Preview struct {
	Charm    string      `json:"charm"` // SPACE/NAME
	Schedule string      `json:"schedule"`
	Means    string      `json:"means,omitempty"`  // the schedule in plain words, by cron
	Zone     string      `json:"zone"`             // that the times are given in
	Reason   string      `json:"reason,omitempty"` // why it does not run by its schedule now
	Times    []time.Time `json:"times"`            // with their offset; when it would run, if there is a Reason
}

// Added is what add and add-admin-charm print.
type Added struct {
	Space   string `json:"space"` // DID
	CharmID string `json:"charmId"`
	Name    string `json:"name"`
	URL     string `json:"url"`
}

// Charm is what show prints, and list without Result.
type Charm struct {
	Space       string          `json:"space"` // DID
	SpaceName   string          `json:"spaceName,omitempty"`
	CharmID     string          `json:"charmId"`
	Name        string          `json:"name"`
	Integration string          `json:"integration"`
	Recipe      string          `json:"recipe"`
	Registered  bool            `json:"registered"`
	Enabled     bool            `json:"enabled"`
	Status      string          `json:"status"` // pending running disabled unregistered waiting paused "left out"
	Paused      *Pause          `json:"paused,omitempty"`
	Priority    int             `json:"priority"`
	Schedule    string          `json:"schedule"`
	Means       string          `json:"means,omitempty"` // the schedule in plain words, by cron
	NextRun     *time.Time      `json:"nextRun"`         // null when nothing is due
	LastRun     string          `json:"lastRun,omitempty"`
	CreatedAt   time.Time       `json:"createdAt"`
	State       State           `json:"state"`
	Problems    []Trouble       `json:"problems,omitzero"` // of show alone, as are the three below it
	Timeout     string          `json:"timeout,omitempty"` // as add and configure take it; "" for the service's
	AllowHosts  []string        `json:"allowHosts,omitempty"`
	Probe       string          `json:"probe,omitempty"` // never; "" for auto
	Result      json.RawMessage `json:"result,omitempty"`
}

// Trouble is an error that a charm has met, and how often. Errors of one place in
// its recipe, or whose messages differ in values alone, are one.
type Trouble struct {
	Charm     string          `json:"charm"` // SPACE/NAME
	Outcome   charm.Outcome   `json:"outcome"`
	Code      charm.ErrorCode `json:"code,omitempty"`
	Message   string          `json:"message"`            // of the last one
	Position  string          `json:"position,omitempty"` // file.tsx:LINE:COL
	FirstSeen time.Time       `json:"firstSeen"`
	LastSeen  time.Time       `json:"lastSeen"`
	Times     int64           `json:"times"`
	LastRun   string          `json:"lastRun"`
}

// State is a charm's execution state.
type State struct {
	TotalExecutions     int64         `json:"totalExecutions"`
	TotalSuccesses      int64         `json:"totalSuccesses"`
	TotalFailures       int64         `json:"totalFailures"`
	ConsecutiveFailures int           `json:"consecutiveFailures"`
	LastExecuted        *time.Time    `json:"lastExecuted"`
	LastOutcome         charm.Outcome `json:"lastOutcome,omitempty"`
	LastError           string        `json:"lastError,omitempty"`
	LastErrorTimestamp  *time.Time    `json:"lastErrorTimestamp,omitempty"`
	MinExecutionTimeMs  float64       `json:"minExecutionTimeMs"`
	MaxExecutionTimeMs  float64       `json:"maxExecutionTimeMs"`
	AvgExecutionTimeMs  float64       `json:"avgExecutionTimeMs"`
	LastExecutionTimeMs float64       `json:"lastExecutionTimeMs"`
	*Timings
	Disabled       bool             `json:"disabled"`
	DisabledBy     charm.DisabledBy `json:"disabledBy,omitempty"`
	DisabledReason string           `json:"disabledReason,omitempty"`
	DisabledAt     *time.Time       `json:"disabledAt,omitempty"`
	NextTry        *time.Time       `json:"nextTry,omitempty"`
	Waiting        string           `json:"waiting,omitempty"` // why it has no next run, although nothing disabled it
}

// Timings are percentiles over the runs whose records are kept; lateness is the
// start after the due time, of scheduled runs if there are any.
type Timings struct {
	P50ExecutionTimeMs float64  `json:"p50ExecutionTimeMs"`
	P95ExecutionTimeMs float64  `json:"p95ExecutionTimeMs"`
	P99ExecutionTimeMs float64  `json:"p99ExecutionTimeMs"`
	P50LatenessMs      *float64 `json:"p50LatenessMs,omitempty"`
	P95LatenessMs      *float64 `json:"p95LatenessMs,omitempty"`
}

// Run is the record of one attempt.
type Run struct {
	ID         string          `json:"id"`
	Charm      string          `json:"charm,omitempty"` // SPACE/NAME; "" for maintenance
	Job        string          `json:"job"`
	Task       charm.Task      `json:"task,omitempty"`
	Reason     charm.Reason    `json:"reason"`
	Attempt    int             `json:"attempt"`
	DueAt      time.Time       `json:"dueAt"`
	StartedAt  time.Time       `json:"startedAt"`
	EndedAt    time.Time       `json:"endedAt"`
	DurationMs float64         `json:"durationMs"`
	Status     charm.Status    `json:"status"`
	Outcome    charm.Outcome   `json:"outcome"`
	Code       charm.ErrorCode `json:"code,omitempty"`
	Error      string          `json:"error,omitempty"`
	Position   string          `json:"position,omitempty"` // file.tsx:LINE:COL
	Handler    string          `json:"handler,omitempty"`  // that failed, by its name in the recipe
	Note       string          `json:"note,omitempty"`     // what else a person should know
	Changed    int             `json:"changed"`
	Requests   int             `json:"requests"`
	Conflicts  int             `json:"conflicts"`
	CPUMs      float64         `json:"cpuMs"`
	PeakBytes  int64           `json:"peakBytes"`
	Walls      string          `json:"walls,omitempty"` // layers of the sandbox that stood, separated by spaces
	Log        string          `json:"log,omitempty"`
	Egress     []charm.Request `json:"egress,omitempty"` // of one run that is asked for by its id
}

// Job is live work.
type Job struct {
	ID       string        `json:"id,omitempty"` // "" while it only follows from the schedule
	Charm    string        `json:"charm,omitempty"`
	Type     charm.JobType `json:"type"`
	Task     charm.Task    `json:"task,omitempty"`
	Reason   charm.Reason  `json:"reason"`
	Status   charm.Status  `json:"status"`
	Priority int           `json:"priority"`
	Attempt  int           `json:"attempt"`
	DueAt    time.Time     `json:"dueAt"`
	Run      string        `json:"run,omitempty"`
	Paused   bool          `json:"paused,omitempty"` // a pause keeps it waiting
}

// RunRequest is the body of POST /api/v1/charms/{space}/{charm}/run.
type RunRequest struct {
	Wait bool `json:"wait,omitempty"` // answer when the attempt has ended
}

// RunReply says which job will run, and how the attempt went when waited for.
type RunReply struct {
	Job   string `json:"job"`
	Charm string `json:"charm,omitempty"` // SPACE/NAME; "" for maintenance
	Run   *Run   `json:"run,omitempty"`
}

// Notified is what the test of the notification hook answers.
type Notified struct {
	ID   string `json:"id"`   // of the test notice
	Hook string `json:"hook"` // what took it: command or url
}

// DisableRequest is the body of POST /api/v1/charms/{space}/{charm}/disable.
type DisableRequest struct {
	Reason string `json:"reason,omitempty"`
}

// Status is what status prints.
type Status struct {
	Version         string           `json:"version"`
	PID             int              `json:"pid"`
	DataDir         string           `json:"dataDir"`
	URL             string           `json:"url"`
	Toolshed        string           `json:"toolshed"` // embedded; alone when no charms run here; the address of another one
	StartedAt       time.Time        `json:"startedAt"`
	Restarts        int64            `json:"restarts"`
	TotalExecutions int64            `json:"totalExecutions"`
	TotalSuccesses  int64            `json:"totalSuccesses"`
	TotalFailures   int64            `json:"totalFailures"`
	Cycles          int64            `json:"cycles"`
	LastCycle       *time.Time       `json:"lastCycle"`
	Ready           bool             `json:"ready"`
	NotReady        []string         `json:"notReady,omitempty"` // why not
	Charms          map[string]int   `json:"charms"`             // how many by status
	Workers         []Worker         `json:"workers"`
	Problems        []Problematic    `json:"problems"`
	Pauses          []Pause          `json:"pauses"`
	Connections     []Connection     `json:"connections"`
	Sandbox         map[string]Layer `json:"sandbox"` // namespaces, landlock, seccomp, rlimits, cgroup
	StoreBytes      int64            `json:"storeBytes"`
	LastHour        *Figures         `json:"lastHour,omitempty"` // this clock hour and the one before
	LastDay         *Figures         `json:"lastDay,omitempty"`  // this clock hour and the 23 before
}

// Figures sum up the runs of charms that ended since a time. The percentiles are
// of all runs that were not interrupted, to within a tenth.
type Figures struct {
	Since        time.Time               `json:"since"`
	Runs         int64                   `json:"runs"`
	Outcomes     map[charm.Outcome]int64 `json:"outcomes"`
	TookMs       Percentiles             `json:"tookMs"`
	LateMs       Percentiles             `json:"lateMs"`                 // from due to started
	Integrations map[string]Figures      `json:"integrations,omitempty"` // of the last day
}

// Percentiles are milliseconds that half, 95 and 99 of 100 do not exceed.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

// Worker is one worker process.
type Worker struct {
	PID    int     `json:"pid"`
	Task   string  `json:"task,omitempty"` // id of the run it is busy with
	AgeSec float64 `json:"ageSec"`
	Runs   int64   `json:"runs"`
}

// Problematic is a charm that needs somebody's look.
type Problematic struct {
	Charm   string     `json:"charm"`
	Status  string     `json:"status"`
	Reason  string     `json:"reason"`
	NextTry *time.Time `json:"nextTry,omitempty"`
}

// Layer is one wall of the sandbox.
type Layer struct {
	State  string `json:"state"` // on, off, unavailable
	Reason string `json:"reason,omitempty"`
}
