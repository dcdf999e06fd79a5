package explain

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"charmd/internal/charm"
)

// ServiceFacts are what is known of the whole service.
type ServiceFacts struct {
	Now      time.Time
	Since    time.Time // it was started
	NotReady []string  // why it can start nothing now
	Paused   *charm.Pause
	Only     string  // the one integration that it runs; "" for all
	Charms   []Facts // of each charm: itself, state, job, pause, whether it is left out
}

// ServiceExplanation is how the service is.
type ServiceExplanation struct {
	Explanation
	Charms map[string]int // how many charms are in each group that has some, by its name
	Urgent string         // the charm that needs somebody most; "" for none
}

// The groups that charms are counted in, the most pressing ones first.
const (
	groupPermanent    = "broken"
	groupDisconnected = "disconnected"
	groupDisabled     = "disabled"
	groupFailing      = "failing"
	groupHeld         = "held"
	groupRunning      = "running"
	groupWaiting      = "waiting"
	groupLeftOut      = "left_out"
	groupPaused       = "paused"
	groupOff          = "off"
	groupUnregistered = "unregistered"
)

// meaning is what a group is, for the sentence: one charm, several.
var meaning = []struct{ group, one, many string }{
	{groupRunning, "runs", "run"},
	{groupWaiting, "waits for its next run", "wait for their next run"},
	{groupFailing, "has failed and is tried again", "have failed and are tried again"},
	{groupDisabled, "is disabled by failures", "are disabled by failures"},
	{groupPermanent, "cannot run as it is", "cannot run as they are"},
	{groupDisconnected, "needs its account connected", "need their accounts connected"},
	{groupHeld, "waits for something that is missing", "wait for something that is missing"},
	{groupLeftOut, "is left out", "are left out"},
	{groupPaused, "is paused", "are paused"},
	{groupOff, "is disabled by a person", "are disabled by a person"},
	{groupUnregistered, "is not registered", "are not registered"},
}

// urgency orders the groups of charms that need somebody.
var urgency = []string{groupDisconnected, groupPermanent, groupDisabled, groupFailing, groupHeld}

// Service explains how the service is.
func Service(f ServiceFacts) ServiceExplanation {
	e := ServiceExplanation{Charms: map[string]int{}}
	urgent := map[string]Facts{}
	for _, c := range f.Charms {
		group := groupOf(c)
		e.Charms[group]++
		if worst, ok := urgent[group]; !ok || c.State.ConsecutiveFailures > worst.State.ConsecutiveFailures {
			urgent[group] = c
		}
	}
	for _, group := range urgency {
		if c, ok := urgent[group]; ok {
			e.Urgent = c.Charm.Ref()
			break
		}
	}
	e.Since = f.Since
	at := Facts{Now: f.Now}
	switch {
	case len(f.NotReady) > 0:
		e.Status, e.Cause = "hindered", NotReady
		e.Because = "charmd can start nothing now: " + whole(f.NotReady)
		e.Next = "see what to do with: charmd doctor"
	case f.Paused != nil:
		e.Status, e.Cause, e.Since = statusPaused, Paused, f.Paused.At
		e.Because = "everything is paused " + at.since(f.Paused.At) + reason(f.Paused.Note, "")
		e.Next = "let it go on with: charmd resume --all"
	default:
		e.Status = "well"
		e.Because = "charmd is well, up " + at.since(f.Since)
		if f.Only != "" {
			e.Cause = LeftOut
			e.Because += ", and runs charms of the integration " + f.Only + " only"
		}
	}
	e.Because += "; " + tally(e.Charms)
	e.Next = first(e.Next, mostUrgent(e))
	return e
}

func mostUrgent(e ServiceExplanation) string {
	switch {
	case e.Urgent != "":
		return "most urgent: charmd why " + e.Urgent
	case len(e.Charms) == 0:
		return "add one with: charmd new news --template rss, then charmd add news.tsx"
	}
	return "nothing to do"
}

// groupOf is the group a charm is counted in.
func groupOf(f Facts) string {
	s := f.State
	switch {
	case f.Job != nil && f.Job.Status == charm.Running:
		return groupRunning
	case s.Disabled && s.DisabledBy == charm.ByPerson:
		return groupOff
	case s.Disabled && s.DisabledBy == charm.ByPermanent:
		return groupPermanent
	case s.Disabled:
		return groupDisabled
	case !f.Charm.Registered:
		return groupUnregistered
	case s.WaitsForAccount():
		return groupDisconnected
	case s.Waiting.Is():
		return groupHeld
	case f.LeftOut != "":
		return groupLeftOut
	case f.Paused != nil:
		return groupPaused
	case s.LastOutcome.CountsAsFailure():
		return groupFailing
	}
	return groupWaiting
}

// tally says how many charms there are in each group.
func tally(groups map[string]int) string {
	all := 0
	for n := range maps.Values(groups) {
		all += n
	}
	if all == 0 {
		return "there are no charms yet"
	}
	var parts []string
	for _, m := range meaning {
		switch n := groups[m.group]; {
		case n == 1:
			parts = append(parts, "1 "+m.one)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", n, m.many))
		}
	}
	return fmt.Sprintf("of %s %s", Count(all, "charm"), strings.Join(parts, ", "))
}
