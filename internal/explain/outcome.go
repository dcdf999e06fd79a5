package explain

import (
	"cmp"
	"fmt"

	"charmd/internal/charm"
)

// after adds how the last run ended, when it did not end well and the sentence
// is not about it already.
func (e Explanation) after(f Facts) Explanation {
	if f.Last == nil || e.Status != string(charm.Pending) {
		return e
	}
	if f.Last.Outcome == charm.OK {
		return e.idle(f)
	}
	switch e.Cause {
	case Schedule, Host, Workers, SpaceShare, Turn, AloneFirst, OtherAlone, NotReady, LeftOut:
	default:
		return e
	}
	if f.Job != nil {
		return e
	}
	e.Run = f.Last.ID
	e.Because += fmt.Sprintf("; its last run, at %s, %s%s", f.clock(f.Last.EndedAt), happened(f.Last.Outcome), reason(told(*f.Last), ""))
	if e.Cause == Schedule || e.Cause == Host {
		e.Next = f.advice(*f.Last)
	}
	return e
}

// idle adds that the last run asked others for something and wrote nothing: as a
// rule there was nothing new, but a recipe that drops what it gets looks the same.
func (e Explanation) idle(f Facts) Explanation {
	if e.Cause == Schedule && f.Job == nil && f.Last.Requests > 0 && f.Last.Changed == 0 {
		e.Run = f.Last.ID
		e.Because += fmt.Sprintf("; its last run, at %s, made %s and wrote nothing", f.clock(f.Last.EndedAt), Count(f.Last.Requests, "request"))
	}
	return e
}

// happened is what an outcome means, as a verb.
func happened(o charm.Outcome) string {
	switch o {
	case charm.OK:
		return "ended well"
	case charm.TimedOut:
		return "was stopped because it took too long"
	case charm.OutOfMemory:
		return "ran out of memory"
	case charm.Crashed:
		return "took its worker process down"
	case charm.Cancelled:
		return "was cancelled"
	case charm.Lost:
		return "was interrupted, which is not held against it"
	case charm.Conflicted:
		return "was overtaken by other writers, which is not held against it"
	case charm.Remote:
		return "met a failure of the other side, which is not held against it"
	case charm.NeedsReconnect:
		return "found its account disconnected"
	}
	return "failed"
}

// againOrDoctor is what to do about a run that charmd itself could not carry out.
const againOrDoctor = "nothing to do if that passes; if it comes again: charmd doctor"

// advice is what to do about a run that did not end well.
func (f Facts) advice(r charm.Run) string {
	ref := f.Charm.Ref()
	see := "charmd logs " + ref + " --run " + r.ID
	switch r.Outcome {
	case charm.TimedOut:
		return fmt.Sprintf("it may take %s: give it more with: charmd configure %s --timeout DURATION, or let it do less in one run and go on with again(); it logged: %s", charm.ShortDuration(f.Timeout), ref, see)
	case charm.OutOfMemory:
		return "let it hold less at once, page by page with again(); it logged: " + see
	case charm.Crashed:
		return "see how it ended with: charmd runs " + r.ID
	case charm.Lost:
		if r.Code != charm.CodeLost && r.Error != "" {
			return againOrDoctor
		}
		return "nothing to do: it goes on by itself"
	case charm.Cancelled:
		return "nothing to do: it goes on by itself"
	case charm.Conflicted:
		return "nothing to do: it runs again; if it happens often, let it read less of what others write"
	case charm.Remote:
		return "nothing to do here: it is tried until the other side works; what it answered: " + see + "; hosts that are left alone, and until when: charmd hosts"
	case charm.NeedsReconnect:
		return f.reconnect()
	}
	return "see what it logged with: " + see
}

// reconnect is how a person connects the charm's account, again or for the first time.
func (f Facts) reconnect() string {
	how := fmt.Sprintf("connect its account with: charmd connect %s --charm %s", cmp.Or(f.Account, "PROVIDER"), f.Charm.Ref())
	if f.Account == "" {
		how += ", where PROVIDER is the connection that its recipe's requests name, such as google"
	}
	if f.Page != "" {
		how += "; or on its page: " + f.Page
	}
	return how
}

// told is what a run's record says went wrong, with the place in the recipe.
func told(r charm.Run) string {
	text := short(r.Error)
	if r.Position != "" && text != "" {
		text += " (" + r.Position + ")"
		if r.Handler != "" {
			text += " in handler " + r.Handler
		}
	}
	return text
}
