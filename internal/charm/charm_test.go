package charm

import (
	"math"
	"testing"
	"time"
)

// A timeout that only damage can have stored must not be what no worker takes.
func TestFault19_HowLongARunMayTake(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ own, byDefault, want time.Duration }{
		{0, 30 * time.Second, 30 * time.Second},
		{time.Minute, 30 * time.Second, time.Minute},
		{math.MaxInt64, 30 * time.Second, MaxTimeout},
		{0, time.Hour, MaxTimeout},
	} {
		if got := (Charm{Timeout: tc.own}).Within(tc.byDefault); got != tc.want {
			t.Errorf("%v of %v: %v, want %v", tc.own, tc.byDefault, got, tc.want)
		}
	}
}
