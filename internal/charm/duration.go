package charm

import (
	"strings"
	"time"
)

// ShortDuration is d as people write it: "1m", "800h" and "1h30m", without the zero
// minutes and seconds of Duration.String.
func ShortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
