//go:build linux && !amd64

package escape

// byOldCalls: this architecture has one set of calls.
var byOldCalls []Attempt
