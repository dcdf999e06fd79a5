package api

import "encoding/json"

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
