package egress

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"charmd/internal/charm"
)

// finding is what a request tells of its host in one scope.
type finding int

const (
	unknown finding = iota // nothing: it was cancelled, refused by our own rules, or failed here
	alive                  // it does what it should
	failed
)

// evidence is what the end of a request tells of its host.
type evidence struct {
	of     [scopes]finding
	wait   time.Duration // how long the host asked to be left alone; 0: it did not
	reason string        // of a failure
}

// evidenceOf judges a reply, or the failure to get one.
func evidenceOf(h hop, err *Error) evidence {
	e := evidence{wait: h.wait}
	status := h.reply.Status
	switch {
	case err != nil && isOurs(err.cause):
		return e
	case err != nil && byProxy(err): // which says nothing for others: the way behind it may be what is broken
		if e.reason = err.reason; err.Code == CodeConnect {
			e.of[ofCharm] = failed
		}
		return e
	case err != nil:
		e.reason = err.reason
		switch err.Code {
		case CodeDNS, CodeConnect, CodeTLS:
			e.of[everybody] = failed
		case CodeTimeout, CodeProtocol:
			e.of[everybody], e.of[ofCharm] = alive, failed
		case CodeTooLarge:
			e.of = [scopes]finding{alive, alive, alive}
		}
		return e
	case status >= 500 && h.wait > 0:
		e.of = [scopes]finding{alive, failed, unknown}
	case status >= 500 || status == http.StatusTooManyRequests || status == http.StatusForbidden && h.wait > 0:
		e.of = [scopes]finding{alive, alive, failed}
	default:
		e.of, e.wait = [scopes]finding{alive, alive, alive}, 0
	}
	e.reason = fmt.Sprintf("it answered %d", status)
	switch wait := charm.ShortDuration(e.wait.Round(time.Second)); {
	case h.quota:
		e.reason += fmt.Sprintf(" because a quota is used up, so it is left alone for %s", wait)
	case e.wait > 0:
		e.reason += fmt.Sprintf(" with Retry-After %s", wait)
	}
	return e
}

// byProxy reports whether the request ended at the proxy.
func byProxy(err *Error) bool {
	_, ok := errors.AsType[*proxyError](err.cause)
	return ok
}

// retryAfter is how long the reply asks to wait; 0 when it does not, or not in a
// form that can be read. A time of day is taken by the host's own clock, the Date
// of the reply, because the host's clock and ours may differ by minutes.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(longestAsked/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if sent, err := http.ParseTime(header.Get("Date")); err == nil {
		now = sent
	}
	return min(max(at.Sub(now), 0), longestAsked)
}

// How long a host is left alone whose quota is used up and that does not say until when.
const (
	rateWait  = time.Minute // quotas of a second or minute
	quotaOver = time.Hour   // those of a day
)

// quotas are the reasons that Google's APIs give in a 403 when one asks too much.
var quotas = regexp.MustCompile(`"reason":\s*"(?:(userRateLimitExceeded|rateLimitExceeded|RATE_LIMIT_EXCEEDED)|dailyLimitExceeded|quotaExceeded)"`)

// quotaWait is how long to leave alone a host that says in Google's words that a quota
// is used up; 0 when body, of a 403, does not say so.
func quotaWait(body []byte) time.Duration {
	switch m := quotas.FindSubmatch(body[:min(len(body), 64<<10)]); {
	case m == nil:
		return 0
	case m[1] != nil:
		return rateWait
	}
	return quotaOver
}

// heldOff is the failure of a request that was not made.
func heldOff(t target, r *refusal) *Error {
	when := "not asked before " + r.Until.UTC().Format(time.RFC3339)
	if r.probing {
		when = "not asked now, another request finds out whether it is back"
	}
	times := "once"
	if r.Failures > 1 {
		times = fmt.Sprintf("%d times", r.Failures)
	}
	err := newError(CodeHeldOff, t.name(), "%s: %s (%s since %s)", when, r.Reason, times, r.Since.UTC().Format(time.RFC3339))
	err.Retryable = true
	return err
}
