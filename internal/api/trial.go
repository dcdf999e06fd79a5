package api

import (
	"encoding/json"

	"charmd/internal/charm"
)

// Tried is what test prints: what a recipe does, none of which was written.
type Tried struct {
	File    string          `json:"file"`
	OK      bool            `json:"ok"`
	Updater bool            `json:"updater"` // there is a bgUpdater with a handler
	Made    TriedRun        `json:"made"`    // the charm was made of the recipe
	Events  []TriedRun      `json:"events"`
	Result  json.RawMessage `json:"result,omitempty"` // in the end, as show prints it
	Unmet   []Unmet         `json:"unmet,omitempty"`
}

// TriedRun is one run of a recipe that is tried.
type TriedRun struct {
	Event        json.RawMessage   `json:"event,omitempty"`
	Outcome      charm.Outcome     `json:"outcome"`
	Code         charm.ErrorCode   `json:"code,omitempty"`
	Error        string            `json:"error,omitempty"`
	Position     string            `json:"position,omitempty"` // file.tsx:LINE:COL
	Handler      string            `json:"handler,omitempty"`
	DurationMs   float64           `json:"durationMs"`
	Again        bool              `json:"again,omitempty"` // it asks for another run at once
	WroteNothing bool              `json:"wroteNothing,omitempty"`
	Documents    []ChangedDocument `json:"documents"`
	Requests     []Asked           `json:"requests"`
	Log          string            `json:"log,omitempty"`
}

// Unmet is an expectation that is not met.
type Unmet struct {
	Path string          `json:"path"` // from the result
	Want json.RawMessage `json:"want"`
	Got  json.RawMessage `json:"got,omitempty"` // missing when there is nothing
}
