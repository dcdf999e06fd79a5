package notify

import (
	"encoding/json"
	"strings"
	"time"

	"charmd/internal/store"
)

// capped is text short enough for a notice.
func capped(text string) string {
	if len(text) <= mostText {
		return text
	}
	return strings.ToValidUTF8(text[:mostText], "") + "…"
}

func joined(reasons []string) string { return strings.Join(reasons, "; ") }

// madeAt is when the notice was made; the zero time of a body that is not ours.
func madeAt(n store.Notice) time.Time {
	var body Notice
	_ = json.Unmarshal([]byte(n.Body), &body)
	return body.At
}

// backoff is how long to wait after the attempt-th attempt that failed (1 is the
// first): a second, doubling to five minutes.
func backoff(attempt int) time.Duration {
	if attempt > 16 {
		return longestWait
	}
	return min(firstWait<<(attempt-1), longestWait)
}
