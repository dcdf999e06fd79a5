package charm

import "time"

// Host is a host that is not asked for a while, by everybody or by some: it
// asked for that, or it failed too often.
type Host struct {
	Name     string    // host:port
	Who      string    // is kept from it: "" everybody, the DID of a space, or DID/ID of a charm
	Failures int       // in a row
	Since    time.Time // of the first of them
	Until    time.Time // no request before
	Reason   string    // the last failure, for people
}
