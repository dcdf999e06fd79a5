//go:build !linux

package pool

import "time"

const slack = time.Millisecond

// loosen does nothing on this system.
func loosen(time.Duration) {}
