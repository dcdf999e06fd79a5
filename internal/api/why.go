package api

import "time"

// Why is what why prints: how a charm, or the whole service, stands.
type Why struct {
	Charm   string         `json:"charm,omitempty"`  // SPACE/NAME; "" for the service
	Status  string         `json:"status"`           // as in list; of the service: well, hindered, paused
	Cause   string         `json:"cause,omitempty"`  // names the case for programs
	Because string         `json:"because"`          // one sentence
	Next    string         `json:"next"`             // what to do
	Since   *time.Time     `json:"since"`            // null when that says nothing
	Until   *time.Time     `json:"until"`            // null when it does not change by itself at a known time
	Run     string         `json:"run,omitempty"`    // that this is about
	Charms  map[string]int `json:"charms,omitempty"` // of the service: how many, by how they are
	Urgent  string         `json:"urgent,omitempty"` // of the service: the charm that needs somebody most
}

// Diagnosis is what doctor prints.
type Diagnosis struct {
	Problems []Finding `json:"problems"`
	Repaired []string  `json:"repaired,omitempty"` // what --repair did
}

// Finding is one thing that is wrong with charmd itself.
type Finding struct {
	Code string `json:"code"` // names it for programs
	What string `json:"what"` // one line
	Fix  string `json:"fix"`  // what to do, one line
}
