// Package api is the language between the command line and the daemon: the JSON
// of /api/v1 as Go types. It exists so that both sides, and `--json` output,
// cannot drift apart.
package api

import (
	"encoding/json"
	"time"

	"charmd/internal/charm"
)

// Problem is the body of every reply that is not a success: {"error": Problem}.
type Problem struct {
	Code    charm.ErrorCode `json:"code"`
	Message string          `json:"message"`
	Hint    string          `json:"hint,omitempty"`
}

// AddRequest is the body of POST /api/v1/charms.
type AddRequest struct {
	Entry       string            `json:"entry"` // key of Files
	Files       map[string]string `json:"files"` // text by slash-separated path
	Space       string            `json:"space,omitempty"`
	Name        string            `json:"name,omitempty"`
	Argument    json.RawMessage   `json:"argument,omitempty"`
	Integration string            `json:"integration,omitempty"`
	Every       string            `json:"every,omitempty"`   // Go duration; "" means the service's cycle
	Timeout     string            `json:"timeout,omitempty"` // Go duration; "" means the service's
	Priority    int               `json:"priority,omitempty"`
	AllowHosts  []string          `json:"allowHosts,omitempty"`
	Probe       string            `json:"probe,omitempty"` // "" or "never"
	NoRegister  bool              `json:"noRegister,omitempty"`
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
	Status      string          `json:"status"` // pending running completed failed cancelled disabled unregistered waiting
	Schedule    string          `json:"schedule"`
	NextRun     *time.Time      `json:"nextRun"` // null when nothing is due
	LastRun     string          `json:"lastRun,omitempty"`
	CreatedAt   time.Time       `json:"createdAt"`
	State       State           `json:"state"`
	Result      json.RawMessage `json:"result,omitempty"`
}

// State is a charm's execution state.
type State struct {
	TotalExecutions     int64            `json:"totalExecutions"`
	TotalSuccesses      int64            `json:"totalSuccesses"`
	TotalFailures       int64            `json:"totalFailures"`
	ConsecutiveFailures int              `json:"consecutiveFailures"`
	LastExecuted        *time.Time       `json:"lastExecuted"`
	LastOutcome         charm.Outcome    `json:"lastOutcome,omitempty"`
	LastError           string           `json:"lastError,omitempty"`
	LastErrorTimestamp  *time.Time       `json:"lastErrorTimestamp,omitempty"`
	MinExecutionTimeMs  float64          `json:"minExecutionTimeMs"`
	MaxExecutionTimeMs  float64          `json:"maxExecutionTimeMs"`
	AvgExecutionTimeMs  float64          `json:"avgExecutionTimeMs"`
	LastExecutionTimeMs float64          `json:"lastExecutionTimeMs"`
	Disabled            bool             `json:"disabled"`
	DisabledBy          charm.DisabledBy `json:"disabledBy,omitempty"`
	DisabledReason      string           `json:"disabledReason,omitempty"`
	DisabledAt          *time.Time       `json:"disabledAt,omitempty"`
	NextTry             *time.Time       `json:"nextTry,omitempty"`
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
	Changed    int             `json:"changed"`
	Requests   int             `json:"requests"`
	Conflicts  int             `json:"conflicts"`
	CPUMs      float64         `json:"cpuMs"`
	PeakBytes  int64           `json:"peakBytes"`
	Log        string          `json:"log,omitempty"`
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
	Toolshed        string           `json:"toolshed"` // "embedded"
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
	Sandbox         map[string]Layer `json:"sandbox"` // namespaces, landlock, seccomp, rlimits
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
