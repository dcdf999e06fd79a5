package wire

import (
	"encoding/json"
	"time"
)

// Document is one stored document as text.
type Document struct {
	ID   string
	Text []byte // JSON; nil when the document does not exist
}

// Task asks the worker for one run.
type Task struct {
	Run        string          // id of the run
	Mode       string          // ModeCast, ModeEvent or ModeWrite
	Charm      string          // id of the result document
	Process    string          // id of the process document
	Space      string          // DID
	Recipe     string          // id of the recipe
	RecipeFile string          // base name of its entry file, for messages
	Argument   json.RawMessage `json:",omitempty"` // ModeCast; may hold stored links
	Event      json.RawMessage `json:",omitempty"` // ModeEvent; the value of ModeWrite
	Document   string          `json:",omitempty"` // where Stream begins; "" for the result document
	Stream     []string        `json:",omitempty"` // path of the stream, or of the cell that is written
	Now        int64           // start of the run's clock, ms since 1970
	Seed       uint64          // of the run's random numbers
	APIURL     string          // what the recipe is told of the service
	Occasion   string          // equal over the retries of one job
	Timeout    time.Duration   // wall time of the run; the parent enforces it
	Memo       json.RawMessage `json:",omitempty"` // Report.Memo of the last committed run; nil for none
	Stale      []string        `json:",omitempty"` // ids of documents that others have changed since that run
	As         string          `json:",omitempty"` // what the documents call the recipe, when that is not Recipe
	Replay     bool            `json:",omitempty"` // replies are at hand: what waits goes on in the order of the run's clock
	Documents  []Document      `json:"-"`          // sent ahead: what this charm read last time
}

// The modes of a task.
const (
	ModeCast  = "cast"  // instantiate the recipe on fresh documents
	ModeEvent = "event" // send one event to a charm that exists
	ModeWrite = "write" // write one value to a cell of a charm that exists
	ModeTake  = "take"  // let a charm that exists take the recipe up
	ModeCells = "cells" // only tell the recipe's cells
)

// Documents answers a Need. It holds at least the first document that was asked
// for; the child asks again for others it cannot do without, so that an answer
// may stay small.
type Documents struct {
	Seq       uint64
	Error     string     `json:",omitempty"` // the documents cannot be had; the run ends
	Documents []Document `json:"-"`
}

// Code answers a NeedCode.
type Code struct {
	Recipe  string
	Error   string `json:",omitempty"` // the program cannot be had; the run ends
	Program string `json:"-"`          // compiled recipe
}

// Reply answers a Fetch.
type Reply struct {
	Op         uint64
	Status     int           `json:",omitempty"`
	StatusText string        `json:",omitempty"`
	URL        string        `json:",omitempty"` // after redirects
	Headers    [][2]string   `json:",omitempty"`
	Redirected bool          `json:",omitempty"`
	Elapsed    time.Duration `json:",omitempty"` // moves the run's clock
	Error      string        `json:",omitempty"` // there was no reply; message for the recipe
	Code       string        `json:",omitempty"` // of Error
	Order      int           `json:",omitempty"` // of a replay: replies come in this order
	Never      bool          `json:",omitempty"` // of a replay: there is no reply as long as the run takes
	Body       []byte        `json:"-"`
}

// CompileRequest asks the worker to compile a recipe.
type CompileRequest struct {
	Entry string            // path of the entry file, a key of Files
	Files map[string]string `json:"-"` // text by slash-separated path, relative to the recipe's root
}

// Hello is the worker's first message: it is ready for a task.
type Hello struct {
	Version int
	PID     int             // as the worker sees it
	Sandbox json.RawMessage `json:",omitempty"` // the sandbox package's report
}

// Need asks for documents; the worker waits for the answer.
type Need struct {
	Seq uint64   // 1 for the first of a run, and one more each time
	IDs []string // the first is needed now, the others probably soon
}

// NeedCode asks for the compiled program of the task's recipe.
type NeedCode struct {
	Recipe string
}

// Fetch asks for an HTTP request.
type Fetch struct {
	Op       uint64 // grows with every request of the process
	Method   string
	URL      string      // absolute, or relative to the service's address
	Headers  [][2]string `json:",omitempty"`
	Redirect string      `json:",omitempty"` // follow, manual or error
	Account  string      `json:",omitempty"` // the connection whose credentials it carries
	Body     []byte      `json:"-"`
}

// Cancel says that nobody waits for the reply to a Fetch any more.
type Cancel struct {
	Op uint64
}

// Log carries console output; it is sent before the worker waits for anything
// and ten times a second, so that the lines of a killed run are kept.
type Log struct {
	Lines []LogLine
}

// LogLine is one console call.
type LogLine struct {
	At    int64 // the run's clock, ms since 1970
	Level string
	Text  string // as it was printed, control characters included
}

// Result is the end of a run.
type Result struct {
	Run        string
	Ended      Ended
	Report     Report        // what the runtime in the VM says; zero unless Ended is Finished or NeverSettles
	Load       *Failure      `json:",omitempty"` // why the recipe did not load
	Reason     *Failure      `json:",omitempty"` // why the run ended early
	Rejections []Failure     `json:",omitempty"` // that nobody handled, in order
	Read       []string      `json:",omitempty"` // ids of the documents looked at, those sent ahead included
	CPU        time.Duration // of the worker process during the run
	PeakBytes  int64         // high water of the VM's memory
	Refused    int           `json:",omitempty"` // requests beyond charm.MaxRequestsPerRun, of which the parent is not asked
	Changed    []Document    `json:"-"`          // whole new texts
}

// Ended is how the worker's half of a run ended.
type Ended string

// The ways a run ends in the worker.
const (
	Finished     Ended = "finished"      // at rest; the report says with what
	NeverSettles Ended = "never_settles" // a handler's promise is pending and nothing can settle it
	OutOfMemory  Ended = "out_of_memory" // the VM's memory cap was reached
	LoadFailed   Ended = "load_failed"   // the recipe threw, or has no default export; see Result.Load
	EndedEarly   Ended = "ended"         // stopped from outside the recipe; see Result.Reason
)

// Kinds of Failure in Result.Reason.
const (
	ReasonTimeout = "timeout"   // the task's own time was over
	ReasonHost    = "host"      // the parent could not answer
	ReasonLimit   = "too_large" // a limit of the run was passed
	ReasonRuntime = "runtime"   // the runtime in the VM failed
)

// Report is what the runtime inside the VM says about a run that came to rest.
type Report struct {
	Handled     bool      `json:"handled"`     // a handler took the event
	Updater     bool      `json:"updater"`     // result.bgUpdater leads to a stream with a handler
	Name        string    `json:"name"`        // $NAME of the result; "" for none
	Integration string    `json:"integration"` // of the first <common-updater> in $UI; "" for none
	Again       bool      `json:"again"`       // the recipe asked for the next run at once
	Stuck       *Stuck    `json:"stuck"`       // what is still pending
	Failures    []Failure `json:"failures"`
	Changed     int       `json:"changed"` // documents
	Cells       []Cell    `json:"cells"`   // the recipe's own; of a run that is no event

	// Memo is for the next run of the charm, if what this one changed is committed:
	// what need not be computed again then. Only the runtime reads it; nil says that
	// it is as the task had it.
	Memo json.RawMessage `json:"memo,omitempty"`
}

// Cell is one place of a charm's own state: what its recipe makes by itself, and
// is not given.
type Cell struct {
	Name    string `json:"name"`    // key in the process document's internal
	Kind    string `json:"kind"`    // one of the kinds of cell
	Initial string `json:"initial"` // JSON of what it begins with; "" for nothing
}

// The kinds of Cell.
const (
	CellState    = "state"    // written by handlers
	CellStream   = "stream"   // takes events
	CellComputed = "computed" // follows from others
)

// Stuck is a handler or lift whose promise nothing can settle any more.
type Stuck struct {
	What  string `json:"what"` // "handler" or "lift"
	Name  string `json:"name"`
	Stack string `json:"stack"`
}

// Failure is one thing that went wrong in recipe code.
type Failure struct {
	Kind    string `json:"kind"` // "handler", "lift", "load", "rejection", or a Reason kind
	Of      string `json:"of"`   // name of the handler or lift
	Name    string `json:"name"` // class of the error; "" for a thrown value that is none
	Message string `json:"message"`
	Stack   string `json:"stack"` // frames as the engine writes them
}

// Compiled answers a CompileRequest.
type Compiled struct {
	Errors    []CompileError `json:",omitempty"` // when there are any, the texts are empty
	Compiler  string         // version that made Program
	Program   string         `json:"-"` // body of a function (require, exports, module)
	SourceMap string         `json:"-"` // of Program, version 3 JSON
	Source    string         `json:"-"` // the entry file's text, or the bundle as one module when it imports others
}

// CompileError is one message of the compiler, with a position where it has one.
type CompileError struct {
	File     string
	Line     int // from 1
	Column   int // from 1, in bytes
	Text     string
	LineText string
}
