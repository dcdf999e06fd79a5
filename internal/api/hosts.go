package api

import "time"

// Host is a host that is not asked for a while, because it asked for that or
// failed too often.
type Host struct {
	Host     string    `json:"host"`          // host:port
	For      string    `json:"for,omitempty"` // the space or SPACE/CHARM it is kept from; "" is everybody
	State    string    `json:"state"`         // open: no request passes; half-open: the next one finds out whether it is back
	Failures int       `json:"failures"`      // in a row
	Since    time.Time `json:"since"`         // of the first of them
	Until    time.Time `json:"until"`         // no request before
	Reason   string    `json:"reason"`        // the last failure
}
