package api

import "time"

// Contact is a host that a charm has asked or wants to ask.
type Contact struct {
	Charm string    `json:"charm"` // SPACE/NAME
	Host  string    `json:"host"`  // with the port when it is not the usual one
	State string    `json:"state"` // allowed; asked: a person has to allow it first
	Since time.Time `json:"since"`
}
