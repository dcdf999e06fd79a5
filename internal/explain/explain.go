// Package explain says in one sentence why a charm runs, waits, failed or is
// disabled, and what to do next; and the same of the whole service. It exists so
// that the words for every way a charm may stand are in one place, and follow
// from facts alone: it reads nothing and asks nobody.
package explain

import (
	"fmt"
	"strings"
	"time"

	"charmd/internal/charm"
)

// Facts are what is known of a charm at one moment.
type Facts struct {
	Now      time.Time // times are told in its zone
	Charm    charm.Charm
	State    charm.State
	Job      *charm.Job    // the live one; nil when it is merely due, or not to run
	Last     *charm.Run    // the newest record; nil before the first
	Paused   *charm.Pause  // what keeps it from running by itself
	Besides  []charm.Pause // further pauses that do so, too
	LeftOut  string        // the only integration that this service runs, when the charm is not of it
	NotReady []string      // why the service can start nothing now
	Tries    int           // attempts that a job gets
	Timeout  time.Duration // of its runs
	Page     string        // address of the charm's page
	Account  string        // name of the provider of the account that must be connected; "" when that is not known
	Began    time.Time     // when a worker took its run; zero while it is only claimed
	Crowd    Crowd
}

// Crowd is what a charm that is due waits among.
type Crowd struct {
	Workers  int    // processes
	Busy     int    // of them have a task
	InFlight int    // runs that are claimed, whether a worker has them or not
	Alone    string // the charm that is in flight and must be alone; "" for none
	Held     int    // runs of its space in flight
	Share    int    // runs that one space may have in flight while others wait
	Ahead    int    // charms of its space that have been due for longer
	Others   int    // charms of other spaces that are due
}

// Cause names for programs why something stands as it does.
type Cause string

// The causes of a charm's standing.
const (
	Running      Cause = "running"         // a worker has it
	Claimed      Cause = "claimed"         // its turn has come, no worker is free yet
	NotReady     Cause = "not_ready"       // the service can start nothing
	Paused       Cause = "paused"          // by a person
	ByFailures   Cause = "failures"        // disabled, and probed
	ByPermanent  Cause = "permanent"       // disabled: it cannot run as it is
	ByPerson     Cause = "person"          // disabled by a person
	Unregistered Cause = "unregistered"    // it does not run in the background
	Account      Cause = "needs_reconnect" // a person must connect its account again
	Stated       Cause = "stated"          // it waits for something that is said
	LeftOut      Cause = "left_out"        // the service runs others only
	Asked        Cause = "asked"           // a person asked for a run
	NextPage     Cause = "next_page"       // the run before asked for more
	Retry        Cause = "retry"           // the try before failed
	Interrupted  Cause = "service_died"    // the service stopped uncleanly during its run
	HandedBack   Cause = "handed_back"     // the service stopped before its run had ended
	Unanswered   Cause = "unanswered"      // another toolshed did not say whether it took what its run changed
	Host         Cause = "host"            // a host asked not to be asked earlier
	Schedule     Cause = "schedule"        // not due yet
	AloneFirst   Cause = "must_run_alone"  // due; it may have taken the service down
	OtherAlone   Cause = "other_is_alone"  // due; another one must be alone
	SpaceShare   Cause = "space_share"     // due; its space has what it may have
	Workers      Cause = "workers"         // due; all workers are busy
	Turn         Cause = "turn"            // due; others go first
	Unarmed      Cause = "unarmed"         // nothing would run it, which must not be
)

// Words for how a charm stands, beside the statuses of live jobs.
const (
	statusPaused       = "paused"
	statusDisabled     = "disabled"
	statusUnregistered = "unregistered"
	statusWaiting      = "waiting"
	statusLeftOut      = "left out"
)

// Explanation is why something stands as it does.
type Explanation struct {
	Status  string // pending, running, paused, disabled, unregistered, waiting, left out
	Cause   Cause
	Because string    // one sentence for people, without a full stop
	Next    string    // what to do, one line
	Since   time.Time // since when it is so; zero when that says nothing
	Until   time.Time // when it changes by itself; zero when it does not, or at once
	Run     string    // id of the run that this is about; "" for none
}

// Charm explains a charm's standing: the first case that fits, from what keeps
// everything from running to what is merely not due.
func Charm(f Facts) Explanation {
	for _, explain := range []func(Facts) (Explanation, bool){
		running, stopped, left, paused, hindered, live, due, scheduled,
	} {
		if e, ok := explain(f); ok {
			return e.after(f)
		}
	}
	return Explanation{
		Status: string(charm.Pending), Cause: Unarmed,
		Because: f.Charm.Ref() + " should run, and has neither a next run nor a live job",
		Next:    "charmd mends that by itself within a minute; charmd doctor says more",
	}
}

// running: a claim is on disk, and as a rule a worker has the run.
func running(f Facts) (Explanation, bool) {
	if f.Job == nil || f.Job.Status != charm.Running {
		return Explanation{}, false
	}
	e := Explanation{Status: string(charm.Running), Run: f.Job.Run}
	if f.Began.IsZero() {
		e.Cause, e.Since = Claimed, f.Job.ClaimedAt
		e.Because = fmt.Sprintf("%s has had its turn %s and waits for %s", f.Charm.Ref(), f.since(e.Since), f.Crowd.worker())
		e.Next = moreWorkers
		return e, true
	}
	e.Cause, e.Since, e.Until = Running, f.Began, f.Began.Add(f.Timeout)
	e.Because = fmt.Sprintf("%s is running %s, in run %s%s", f.Charm.Ref(), f.since(e.Since), e.Run, f.occasion())
	e.Next = fmt.Sprintf("nothing to do: it is stopped at %s if it has not ended; then see charmd runs %s", f.clock(e.Until), e.Run)
	return e, true
}

// occasion is why and how often the live job is tried.
func (f Facts) occasion() string {
	switch {
	case f.Job.Reason == charm.Probe:
		return ", to see whether it works again"
	case f.Job.Reason == charm.RunNow:
		return ", because a person asked for it"
	case f.Job.Attempt > 1:
		return fmt.Sprintf(", try %d of %d", f.Job.Attempt, f.Tries)
	}
	return ""
}

// stopped: disabled. A run that a person asked for, or a probe that is due, comes first.
func stopped(f Facts) (Explanation, bool) {
	s := f.State
	if !s.Disabled || f.Job != nil {
		return Explanation{}, false
	}
	ref := f.Charm.Ref()
	e := Explanation{Status: statusDisabled, Since: s.DisabledAt, Run: s.LastRun}
	switch s.DisabledBy {
	case charm.ByPerson:
		e.Cause, e.Run = ByPerson, ""
		e.Because = fmt.Sprintf("%s is disabled by a person %s%s", ref, f.since(e.Since), reason(s.DisabledReason, "disabled by a person"))
		e.Next = "let it run again with: charmd enable " + ref
	case charm.ByPermanent:
		e.Cause = ByPermanent
		e.Because = fmt.Sprintf("%s is disabled %s, because it cannot run as it is%s", ref, f.since(e.Since), reason(s.DisabledReason, ""))
		e.Next = "mend the recipe and give it to the charm with: charmd update " + ref + " FILE.tsx; or change its argument: it is tried once then"
	default:
		e.Cause, e.Until = ByFailures, s.NextTry
		e.Because = fmt.Sprintf("%s is disabled %s%s", ref, f.since(e.Since), reason(s.DisabledReason, ""))
		switch {
		case f.Charm.ProbeNever:
			e.Until = time.Time{}
			e.Because += "; it is not tried by itself (--probe=never)"
		case s.NextTry.IsZero():
			e.Cause = Unarmed
			e.Because += "; it should be tried again and has no time for that"
		case f.Paused != nil:
			e.Because += "; it is not tried while " + f.pausedWhat()
			e.Until = time.Time{}
		default:
			e.Because += "; it is tried again " + f.until(s.NextTry)
		}
		e.Next = fmt.Sprintf("see what failed with: charmd logs %s; when that is mended: charmd enable %s", ref, ref)
	}
	return e, true
}

// left: not to run in the background, for a reason that no failure gave.
func left(f Facts) (Explanation, bool) {
	ref := f.Charm.Ref()
	switch {
	case f.Job != nil:
		return Explanation{}, false
	case !f.Charm.Registered:
		return Explanation{
			Status: statusUnregistered, Cause: Unregistered,
			Because: ref + " runs only when it is asked to: it is not registered for the background",
			Next:    "run it once with: charmd run " + ref + " --wait; to have it run by itself, add it without --no-register",
		}, true
	case f.State.WaitsForAccount():
		return Explanation{
			Status: charm.StatusAccount, Cause: Account, Run: f.State.LastRun,
			Because: ref + " waits for a person: " + short(f.State.Waiting.Why),
			Next:    f.reconnect() + "; it goes on by itself then",
		}, true
	case f.State.Waiting.Is():
		return Explanation{
			Status: statusWaiting, Cause: Stated,
			Because: ref + " waits: " + short(f.State.Waiting.Why),
			Next:    "add what is missing, then: charmd enable " + ref + "; or take it away with: charmd remove " + ref,
		}, true
	case f.LeftOut != "":
		return Explanation{
			Status: statusLeftOut, Cause: LeftOut,
			Because: fmt.Sprintf("%s is left out: this charmd was started with --only %s and its integration is %q", ref, f.LeftOut, f.Charm.Integration),
			Next:    "start charmd without --only, or run it once with: charmd run " + ref + " --wait",
		}, true
	}
	return Explanation{}, false
}

// paused: by a person, who may still ask for runs.
func paused(f Facts) (Explanation, bool) {
	if f.Paused == nil || f.Job != nil && f.Job.Reason == charm.RunNow {
		return Explanation{}, false
	}
	return Explanation{
		Status: statusPaused, Cause: Paused, Since: f.Paused.At,
		Because: fmt.Sprintf("%s does not run by itself: %s", f.Charm.Ref(), f.pausedWhat()),
		Next:    "let it go on with: " + f.resume(),
	}, true
}

func (f Facts) pausedWhat() string {
	what := map[charm.PauseScope]string{
		charm.PauseAll: "everything is paused", charm.PauseSpace: "its space is paused",
		charm.PauseIntegration: "its integration " + f.Charm.Integration + " is paused", charm.PauseCharm: "it is paused",
	}[f.Paused.Scope]
	return what + " " + f.since(f.Paused.At) + reason(f.Paused.Note, "") + f.pausedToo()
}

// pausedToo names the pauses that hold it still when the first one has ended.
func (f Facts) pausedToo() string {
	var also []string
	for _, p := range f.Besides {
		also = append(also, map[charm.PauseScope]string{
			charm.PauseAll: "everything", charm.PauseSpace: "its space",
			charm.PauseIntegration: "its integration " + f.Charm.Integration, charm.PauseCharm: "the charm itself",
		}[p.Scope])
	}
	if len(also) == 0 {
		return ""
	}
	return " (also paused: " + strings.Join(also, ", ") + ")"
}

// resume is what ends all that holds it.
func (f Facts) resume() string {
	commands := f.resumes(f.Paused.Scope)
	for _, p := range f.Besides {
		commands += "; and: " + f.resumes(p.Scope)
	}
	return commands
}

func (f Facts) resumes(scope charm.PauseScope) string {
	ref := f.Charm.Ref()
	space, _, _ := strings.Cut(ref, "/")
	return map[charm.PauseScope]string{
		charm.PauseAll: "charmd resume --all", charm.PauseSpace: "charmd resume " + space,
		charm.PauseIntegration: "charmd resume --integration " + f.Charm.Integration, charm.PauseCharm: "charmd resume " + ref,
	}[scope]
}

// hindered: the service can start nothing.
func hindered(f Facts) (Explanation, bool) {
	if len(f.NotReady) == 0 {
		return Explanation{}, false
	}
	return Explanation{
		Status: string(charm.Pending), Cause: NotReady,
		Because: fmt.Sprintf("%s waits until charmd can work again: %s", f.Charm.Ref(), whole(f.NotReady)),
		Next:    "see what to do with: charmd doctor",
	}, true
}
