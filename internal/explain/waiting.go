package explain

import (
	"fmt"

	"charmd/internal/charm"
)

const moreWorkers = "nothing to do; if charms often wait, start charmd with a larger --max-concurrent"

// live: its job waits, for its time or for its turn.
func live(f Facts) (Explanation, bool) {
	if f.Job == nil {
		return Explanation{}, false
	}
	e, after := f.jobWaits()
	e.Status, e.Until = string(charm.Pending), f.Job.DueAt
	if f.Job.DueAt.After(f.Now) {
		e.Because += f.until(f.Job.DueAt) + after
		return e, true
	}
	cause, why, next := f.crowded()
	e.Because += "now, and " + why + after
	if cause != Turn {
		e.Cause = cause
	}
	e.Next = first(e.Next, next)
	return e, true
}

// jobWaits is the sentence about a job that waits: what comes before when it
// runs, and what comes after.
func (f Facts) jobWaits() (e Explanation, after string) {
	ref, last := f.Charm.Ref(), f.Last
	e.Cause = Retry
	if last != nil && last.Job == f.Job.ID {
		e.Run, e.Since = last.ID, last.EndedAt
	} else {
		last = nil
	}
	switch {
	case f.Job.Reason == charm.RunNow:
		e.Cause, e.Since = Asked, f.Job.CreatedAt
		e.Because = ref + " was asked to run and does so "
		e.Next = "nothing to do"
	case f.Job.Reason == charm.Again:
		e.Cause, e.Since = NextPage, f.Job.CreatedAt
		e.Because = fmt.Sprintf("%s asked to go on and runs for page %d ", ref, f.Job.Pages+1)
	case last == nil:
		e.Because = fmt.Sprintf("%s is tried again (try %d of %d) ", ref, f.Job.Attempt, f.Tries)
	case last.Code == charm.CodeHandedBack:
		e.Cause = HandedBack
		e.Because = fmt.Sprintf("%s was given back to the queue when charmd stopped at %s and runs again ", ref, f.clock(last.EndedAt))
	case last.Code == charm.CodeUnanswered:
		e.Cause = Unanswered
		e.Because = fmt.Sprintf("%s changed something at %s and the toolshed did not say whether it took that, which is looked up before it runs again ", ref, f.clock(last.EndedAt))
	case last.Outcome == charm.Lost && last.Code != charm.CodeLost && last.Error != "": // charmd lives, and could not do it
		e.Because = fmt.Sprintf("%s came to nothing at %s, which is not held against it%s; it runs again ", ref, f.clock(last.EndedAt), reason(told(*last), ""))
		e.Next = againOrDoctor
	case last.Outcome == charm.Lost:
		e.Cause = Interrupted
		e.Because = fmt.Sprintf("%s was interrupted when charmd ended during its run, which is not held against it, and runs again ", ref)
	default:
		e.Because = ref + " tries again "
		after = fmt.Sprintf("; try %d of %d, at %s, %s%s", last.Attempt, f.Tries, f.clock(last.EndedAt), happened(last.Outcome), reason(told(*last), ""))
		e.Next = f.advice(*last)
	}
	e.Next = first(e.Next, "nothing to do: it goes on by itself; to run it at once: charmd run "+ref)
	return e, after
}

// due: its time has come, and not yet its turn.
func due(f Facts) (Explanation, bool) {
	at := f.State.NextRun
	if at.IsZero() || at.After(f.Now) {
		return Explanation{}, false
	}
	e := Explanation{Status: string(charm.Pending), Since: at}
	var why string
	e.Cause, why, e.Next = f.crowded()
	e.Because = fmt.Sprintf("%s is due %s and %s", f.Charm.Ref(), f.since(at), why)
	return e, true
}

// crowded says what a charm that is due waits for.
func (f Facts) crowded() (cause Cause, why, next string) {
	c := f.Crowd
	switch {
	case f.State.UncleanStops > 0 && c.InFlight > 0:
		return AloneFirst,
			fmt.Sprintf("waits for the end of %s in flight: it was running when charmd died, so it runs alone", Count(c.InFlight, "run")),
			fmt.Sprintf("nothing to do; after %d such ends in a row it is disabled", charm.MaxUncleanStops)
	case c.Alone != "":
		return OtherAlone,
			fmt.Sprintf("waits for %s, which was running when charmd died and so runs alone", c.Alone),
			"nothing to do; if that takes long: charmd why " + c.Alone
	case c.Others > 0 && c.Share > 0 && c.Held >= c.Share:
		return SpaceShare,
			fmt.Sprintf("waits because its space has %s in flight, its share beside %s of other spaces", Count(c.Held, "run"), Count(c.Others, "charm")),
			moreWorkers
	case c.Workers > 0 && c.Busy >= c.Workers:
		return Workers, "waits for " + c.worker() + c.before(), moreWorkers
	case c.Ahead+c.Others > 0:
		return Turn, "waits for its turn" + c.before(), moreWorkers
	}
	return Turn, "starts at any moment", "nothing to do"
}

// worker is what a claimed run waits for.
func (c Crowd) worker() string {
	return fmt.Sprintf("a free worker (%d of %d busy)", c.Busy, c.Workers)
}

// before says how many are due beside it.
func (c Crowd) before() string {
	switch {
	case c.Ahead > 0 && c.Others > 0:
		return fmt.Sprintf(", behind %s of its space and beside %s of others", Count(c.Ahead, "charm"), Count(c.Others, "charm"))
	case c.Ahead > 0:
		return fmt.Sprintf(", behind %s of its space", Count(c.Ahead, "charm"))
	case c.Others > 0:
		return fmt.Sprintf(", beside %s of other spaces", Count(c.Others, "charm"))
	}
	return ""
}

// scheduled: it is well, and not due.
func scheduled(f Facts) (Explanation, bool) {
	at := f.State.NextRun
	if at.IsZero() {
		return Explanation{}, false
	}
	e := Explanation{Status: string(charm.Pending), Cause: Schedule, Until: at}
	e.Because = fmt.Sprintf("%s runs next %s, on its schedule (%s)", f.Charm.Ref(), f.until(at), f.Charm.Schedule)
	if b := f.State.NotBefore; b.After(f.Now) && !at.After(b) {
		e.Cause = Host
		e.Because = fmt.Sprintf("%s runs next %s, because a host that it needs asked not to be asked earlier", f.Charm.Ref(), f.until(at))
	}
	e.Next = "nothing to do; to run it at once: charmd run " + f.Charm.Ref()
	return e, true
}
