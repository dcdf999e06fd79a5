package charm

import "time"

// Contact is a host that a charm has asked, or wants to ask.
type Contact struct {
	Who     string    // DID/ID of the charm
	Host    string    // with the port when it is not the usual one
	Allowed bool      // else a person has to say so first
	Since   time.Time // when the charm first wanted to
}
