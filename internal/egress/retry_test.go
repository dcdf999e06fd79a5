package egress

import (
	"net/http"
	"testing"
	"time"
)

// GitHub and Google answer 403, too, to who asks too often.
func TestForbiddenForAWhile(t *testing.T) {
	t.Parallel()
	if e := evidenceOf(reply(http.StatusForbidden, time.Minute), nil); e.of[ofCharm] != failed || e.of[everybody] != alive || e.wait != time.Minute {
		t.Errorf("a 403 with Retry-After tells %+v", e)
	}
	if e := answered(http.StatusForbidden); e.of[ofCharm] != alive {
		t.Errorf("a 403 without tells %+v", e)
	}
}

// A quota that is used up is a wish to be left alone, also without Retry-After.
func TestForbiddenByAQuota(t *testing.T) {
	t.Parallel()
	google := func(reason string) string {
		return `{"error":{"code":403,"errors":[{"domain":"usageLimits", "reason": "` + reason + `"}],"message":"x"}}`
	}
	for body, want := range map[string]time.Duration{
		google("userRateLimitExceeded"): time.Minute, google("rateLimitExceeded"): time.Minute, `{"details":[{"reason":"RATE_LIMIT_EXCEEDED"}]}`: time.Minute,
		google("dailyLimitExceeded"): time.Hour, google("quotaExceeded"): time.Hour,
		google("insufficientPermissions"): 0, "dailyLimitExceeded": 0, "": 0,
	} {
		if got := quotaWait([]byte(body)); got != want {
			t.Errorf("%s: %v, want %v", body, got, want)
		}
	}
	h := reply(http.StatusForbidden, time.Hour)
	h.quota = true
	if e := evidenceOf(h, nil); e.of[ofCharm] != failed || e.reason != "it answered 403 because a quota is used up, so it is left alone for 1h" {
		t.Errorf("it tells %+v", e)
	}
}
