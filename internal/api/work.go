package api

import (
	"time"

	"charmd/internal/charm"
)

// PauseRequest is the body of POST /api/v1/pause and /api/v1/resume. Exactly one
// of All, Space, Charm with Space, and Integration says what is meant.
type PauseRequest struct {
	All         bool   `json:"all,omitempty"`
	Space       string `json:"space,omitempty"` // name or DID
	Charm       string `json:"charm,omitempty"` // in Space
	Integration string `json:"integration,omitempty"`
	Note        string `json:"note,omitempty"` // of pause: why, for people
}

// Pause is something that does not run by itself until a person resumes it.
type Pause struct {
	Scope       charm.PauseScope `json:"scope"`                 // all, space, integration, charm
	Space       string           `json:"space,omitempty"`       // name, or DID of one without
	Charm       string           `json:"charm,omitempty"`       // SPACE/NAME
	Integration string           `json:"integration,omitempty"` //
	Note        string           `json:"note,omitempty"`
	Since       time.Time        `json:"since"`
}

// What names what is paused, in a sentence.
func (p Pause) What() string {
	switch p.Scope {
	case charm.PauseSpace:
		return "the space " + p.Space
	case charm.PauseIntegration:
		return "the integration " + p.Integration
	case charm.PauseCharm:
		return p.Charm
	}
	return "everything"
}

// RetryRequest is the body of POST /api/v1/retry: which of the charms whose
// last run did not end ok are to run now.
type RetryRequest struct {
	Space       string        `json:"space,omitempty"`
	Charm       string        `json:"charm,omitempty"`
	Integration string        `json:"integration,omitempty"`
	Outcome     charm.Outcome `json:"outcome,omitempty"` // of the last run; "" means any but ok
	DryRun      bool          `json:"dryRun,omitempty"`  // only say which
}

// Retried lists the charms that run now, as SPACE/NAME.
type Retried struct {
	Charms []string `json:"charms"`
}
