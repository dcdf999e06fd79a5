package api

import (
	"encoding/json"

	"charmd/internal/charm"
)

// Changes is what a run changed, as far as the facts kept tell.
type Changes struct {
	Run       string            `json:"run"`
	Charm     string            `json:"charm"` // SPACE/NAME
	Space     string            `json:"space"` // DID
	Commit    int64             `json:"commit"`
	Documents []ChangedDocument `json:"documents"`
	Forgotten int               `json:"forgotten"` // documents it changed besides, and what it wrote is not kept any more
}

// ChangedDocument is one document that a run changed.
type ChangedDocument struct {
	ID        string `json:"id"`
	Name      string `json:"name,omitempty"` // result, process, or where one of them links to it
	Created   bool   `json:"created,omitempty"`
	Forgotten bool   `json:"forgotten,omitempty"` // what it was before is not kept any more; there are no changes then
	Changed   bool   `json:"changedSince,omitempty"`
	Changes   []Edit `json:"changes"`
	More      bool   `json:"more,omitempty"` // there are more changes than are listed
}

// Edit is one place of a document that changed; Before or After is missing where
// nothing was or is.
type Edit struct {
	Path   []string        `json:"path"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// Undone is what undo did.
type Undone struct {
	Run       string           `json:"run"`
	Charm     string           `json:"charm"` // SPACE/NAME
	Commit    int64            `json:"commit"`
	Documents []UndoneDocument `json:"documents"`
}

// UndoneDocument is a document that is again what it was before a run.
type UndoneDocument struct {
	ID      string `json:"id"`
	Name    string `json:"name,omitempty"`
	Removed bool   `json:"removed,omitempty"` // the run had made it
}

// ReplayRequest is the body of POST /api/v1/runs/{id}/replay. With files, the run
// is made again with that recipe.
type ReplayRequest struct {
	Entry string            `json:"entry,omitempty"` // a key of Files
	Files map[string]string `json:"files,omitempty"`
}

// Replayed is what came of making a run again from its record.
type Replayed struct {
	Run      string          `json:"run"`
	Charm    string          `json:"charm"` // SPACE/NAME
	With     string          `json:"with,omitempty"`
	Same     bool            `json:"same"`
	Outcome  charm.Outcome   `json:"outcome"`
	Code     charm.ErrorCode `json:"code,omitempty"`
	Error    string          `json:"error,omitempty"`
	Position string          `json:"position,omitempty"` // file.tsx:LINE:COL
	Handler  string          `json:"handler,omitempty"`

	Documents   []ChangedDocument `json:"documents"`           // what it changes, before and after
	Differences []ChangedDocument `json:"differences"`         // what the run wrote, and what this did
	Differs     []Difference      `json:"differs"`             // what else is not as it was
	Redacted    int               `json:"redacted,omitempty"`  // places that hold what was taken out of the record
	Forgotten   int               `json:"forgotten,omitempty"` // documents the run changed, and what it wrote is not kept any more
	Requests    []Asked           `json:"requests"`
	Log         string            `json:"log,omitempty"`
}

// Difference is one thing that is not as it was in the run.
type Difference struct {
	What string `json:"what"` // outcome, error, position, log
	Was  string `json:"was"`
	Is   string `json:"is"`
}

// Asked is one request of a run, without secrets.
type Asked struct {
	Method string `json:"method"`
	URL    string `json:"url"`
	Status int    `json:"status,omitempty"`
	Error  string `json:"error,omitempty"` // there was no reply
}
