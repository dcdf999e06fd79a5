package client

import "time"

// A toolshed that restarts is back in a moment; one that is away should not be
// met by all its clients at once when it comes back.
const (
	firstWait   = 100 * time.Millisecond
	longestWait = 15 * time.Second
)

// wait is how long to wait after the attempt-th connection in a row (0 is the
// first) that could not be made or brought nothing: 100 ms, doubling to 15 s, of
// which jitter in [0, 1) takes away up to half.
func wait(attempt int, jitter float64) time.Duration {
	whole := longestWait
	if attempt < 16 {
		whole = min(firstWait<<attempt, longestWait)
	}
	return whole - time.Duration(jitter*float64(whole)/2)
}
