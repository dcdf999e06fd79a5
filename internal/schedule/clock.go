package schedule

import (
	"time"

	"charmd/internal/charm"
)

// setBack is how far a clock must have been set back before stored times are
// doubted: small corrections delay a run less than deciding it anew would.
const setBack = time.Minute

// Believable reports whether a charm in state s may have got its next run or its
// next try from a clock that read no later than now. If it may not, the clock was
// set back or the time was damaged, and waiting for it could take for ever: it is
// to be decided anew, by Next or as now. Times in the past are believed: they are
// missed runs.
func Believable(c charm.Charm, s charm.State, now time.Time) bool {
	if s.Disabled {
		return !s.NextTry.After(now.Add(max(s.ProbeWait, charm.FirstProbe) + setBack))
	}
	return !s.NextRun.After(Resume(c, s, now).Add(setBack))
}

// Resume is when a charm in state s runs next after now: by its schedule, and not
// before the time to which its last run has put that off.
func Resume(c charm.Charm, s charm.State, now time.Time) time.Time {
	return latest(Next(c, now), postponed(s, now))
}

// BelievableRetry is Believable for the due time of a job of the charm that waits.
func BelievableRetry(s charm.State, due, now time.Time) bool {
	return !due.After(latest(now.Add(Backoff(maxAttempt, 1)), postponed(s, now)).Add(setBack))
}

// maxAttempt is one whose backoff is the longest.
const maxAttempt = 32

// postponed is the time to which the charm's last run has put off the next; zero
// when it did not, or by another clock.
func postponed(s charm.State, now time.Time) time.Time {
	if s.LastExecuted.After(now.Add(setBack)) || s.NotBefore.After(now.Add(charm.MaxPostponed)) {
		return time.Time{}
	}
	return s.NotBefore
}
