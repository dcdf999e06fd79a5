package egress

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestFault12_RetryAfterForms(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 10, 0, 0, 500e6, time.UTC)
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for _, c := range []struct {
		name, retryAfter, date string
		want                   time.Duration
	}{
		{"none", "", "", 0},
		{"seconds", "120", "", 2 * time.Minute},
		{"no seconds", "0", "", 0},
		{"spaces", "  7 ", "", 7 * time.Second},
		{"a time", date(time.Hour), date(0), time.Hour},
		{"a time by a clock that is ahead", date(11 * time.Minute), date(10 * time.Minute), time.Minute},
		{"a time by a clock that is behind", date(-9 * time.Minute), date(-10 * time.Minute), time.Minute},
		{"a time without Date", date(time.Minute), "", time.Minute - 500*time.Millisecond},
		{"a time and a bad Date", date(time.Minute), "today", time.Minute - 500*time.Millisecond},
		{"the old form", now.Add(time.Minute).Format("Monday, 02-Jan-06 15:04:05 GMT"), date(0), time.Minute},
		{"over already", date(-time.Minute), date(0), 0},
		{"too long", "864000", "", longestAsked},
		{"too long a time", date(30 * 24 * time.Hour), date(0), longestAsked},
		{"more than a number holds", "99999999999999999999", "", 0},
		{"the most that a number holds", "9223372036854775807", "", longestAsked},
		{"negative", "-5", "", 0},
		{"a fraction", "1.5", "", 0},
		{"words", "soon", "", 0},
	} {
		h := http.Header{"Retry-After": {c.retryAfter}}
		if c.date != "" {
			h.Set("Date", c.date)
		}
		if got := retryAfter(h, now); got != c.want {
			t.Errorf("%s: %q is %v, want %v", c.name, c.retryAfter, got, c.want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120", "")
	f.Add("Mon, 02 Mar 2026 10:00:00 GMT", "Mon, 02 Mar 2026 09:00:00 GMT")
	f.Fuzz(func(t *testing.T, retry, date string) {
		got := retryAfter(http.Header{"Retry-After": {retry}, "Date": {date}}, time.Now())
		if got < 0 || got > longestAsked {
			t.Errorf("%q, %q is %v", retry, date, got)
		}
	})
}

// A host that is held off is not reached, on no hop of a redirect either.
func TestFault12_HeldOffHostsAreNotReached(t *testing.T) {
	t.Parallel()
	var hits, status atomic.Int64
	status.Store(503)
	busy, busyPort := serve(t, publicIP, func(w http.ResponseWriter, _ *http.Request) {
		hits.Add(1)
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(int(status.Load()))
	})
	other, otherPort := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, busy, http.StatusFound)
		}
	})
	c := clientFor(t, Options{}, busyPort, otherPort)
	reply, entry := mustGet(t, c, busy)
	if wait := time.Until(entry.NotBefore); reply.Status != 503 || wait < 3590*time.Second || wait > time.Hour+time.Millisecond {
		t.Fatalf("status %d, not before %v", reply.Status, wait)
	}
	for _, address := range []string{busy, busy + "/else", other + "/away"} {
		_, entry, err := get(t, c, address)
		e := wantCode(t, err, entry, CodeHeldOff)
		if !e.Code.Remote() || !e.Retryable || entry.NotBefore.IsZero() || entry.Host != fmt.Sprintf("%s:%d", publicIP, busyPort) {
			t.Errorf("it is told as %+v, %+v", e, entry)
		}
		for _, part := range []string{"not asked before 2", "it answered 503 with Retry-After 1h (once since 2"} {
			if !strings.Contains(e.Message, part) {
				t.Errorf("%q does not say %q", e.Message, part)
			}
		}
	}
	if n := hits.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	mustGet(t, c, other)

	kept := c.Hosts()
	again := clientFor(t, Options{Hosts: kept}, busyPort)
	_, entry, err := get(t, again, busy)
	wantCode(t, err, entry, CodeHeldOff)
	if again.ResetHost("127.0.0") || !again.ResetHost(publicIP) {
		t.Error("hosts are not reset by their names")
	}
	status.Store(200)
	mustGet(t, again, busy)
	if len(again.Hosts()) != 0 || len(kept) != 1 {
		t.Errorf("kept %+v, in the end %+v", kept, again.Hosts())
	}
}

func TestWaitingForAPlaceTheHostIsHeldOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := clientFor(t, Options{Limits: Limits{PerHost: 1}})
		release, _ := c.places.take(t.Context(), "busy.test")
		pass, _ := c.breaker.admit(time.Now(), "busy.test:80", caller{})
		end := make(chan error)
		go func() {
			_, _, err := c.Do(t.Context(), Policy{}, Request{URL: "http://busy.test/"})
			end <- err
		}()
		synctest.Wait()
		c.breaker.settle(time.Now(), pass, evidenceOf(reply(429, time.Minute), nil))
		release()
		if e, ok := errors.AsType[*Error](<-end); !ok || e.Code != CodeHeldOff {
			t.Errorf("it ended with %v", e)
		}
	})
}
