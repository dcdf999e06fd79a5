// Package state is the StateManager: what is known about each charm's
// executions and about the service as a whole, and when a charm is disabled for
// its failures. It exists so that the rules of counting stand in one place, as
// functions of the state before and the run that ended.
package state

import (
	"fmt"
	"time"

	"charmd/internal/charm"
	"charmd/internal/schedule"
)

// Manager applies the rules of one configuration and keeps the service's counters.
type Manager struct {
	maxFailures int
	totals      totals
}

// NewManager disables charms after maxFailures consecutive failures.
func NewManager(maxFailures int) *Manager { return &Manager{maxFailures: maxFailures} }

// Transition is a change people are told of once.
type Transition string

// The transitions; None is no change.
const (
	None     Transition = ""
	Disabled Transition = "disabled"
	Enabled  Transition = "enabled"
)

// After is the state after a run. final says that the run's job has ended: no
// retry follows. The retries of one job count as one consecutive failure.
func (m *Manager) After(s charm.State, run charm.Run, final bool) (charm.State, Transition) {
	if run.Reason == charm.Probe && s.Disabled && s.DisabledBy == charm.ByFailures && run.Outcome != charm.OK {
		s = probed(s, run)
	}
	if run.Outcome == charm.Lost || run.Outcome == charm.Cancelled {
		return s, None // it was interrupted, which says nothing about the charm
	}
	s.UncleanStops = 0
	if s.WaitsForAccount() {
		s.Waiting = charm.Wait{} // it ran, so that it is not waiting any more; or says so again
	}
	s.LastRun, s.LastOutcome, s.LastExecuted = run.ID, run.Outcome, run.EndedAt
	s.Executions++
	s = timed(s, run.Elapsed())
	switch {
	case run.Outcome == charm.OK:
		s.Successes++
		s.ConsecutiveFailures = 0
		if s.Disabled && s.DisabledBy != charm.ByPerson {
			return Enable(s), Enabled
		}
	case run.Outcome.CountsAsFailure():
		s.Failures++
		s.LastError, s.LastErrorCode, s.LastErrorAt = run.Error, run.Code, run.EndedAt
		if final {
			s.ConsecutiveFailures++
			return m.afterFailure(s, run)
		}
	case run.Outcome == charm.NeedsReconnect:
		s.LastError, s.LastErrorCode, s.LastErrorAt = run.Error, run.Code, run.EndedAt
		if !s.Waiting.Is() { // what it waits for already, it still does
			s.Waiting = charm.Wait{For: charm.ForAccount, Why: run.Error}
		}
	default:
		s.LastError, s.LastErrorCode, s.LastErrorAt = run.Error, run.Code, run.EndedAt
	}
	return s, None
}

func (m *Manager) afterFailure(s charm.State, run charm.Run) (charm.State, Transition) {
	switch {
	case s.Disabled:
	case Permanent(run.Code):
		return Disable(s, charm.ByPermanent, run.Error, run.EndedAt), Disabled
	case s.ConsecutiveFailures >= m.maxFailures:
		reason := "failed: " + run.Error
		if s.ConsecutiveFailures > 1 {
			reason = fmt.Sprintf("failed %d times in a row, last: %s", s.ConsecutiveFailures, run.Error)
		}
		return Disable(s, charm.ByFailures, reason, run.EndedAt), Disabled
	}
	return s, None
}

// probed is the state after a probe that did not end well. It waits longer each
// time the charm itself was at fault.
func probed(s charm.State, run charm.Run) charm.State {
	if run.Outcome.CountsAsFailure() {
		s.ProbeWait = schedule.Probe(s.ProbeWait)
	}
	s.NextTry = run.EndedAt.Add(max(s.ProbeWait, charm.FirstProbe))
	return s
}

// Permanent reports whether a failure with the code will repeat until the
// charm's recipe or argument changes.
func Permanent(code charm.ErrorCode) bool {
	return code == charm.CodeCompile || code == charm.CodeNoUpdater
}

// InFlightAtStop is the state of a charm that was running when the service died.
func (m *Manager) InFlightAtStop(s charm.State, at time.Time) (charm.State, Transition) {
	if s.Disabled {
		if s.DisabledBy == charm.ByFailures { // a probe that took the service down
			s.ProbeWait = schedule.Probe(s.ProbeWait)
			s.NextTry = at.Add(s.ProbeWait)
		}
		return s, None
	}
	if s.UncleanStops++; s.UncleanStops < charm.MaxUncleanStops {
		return s, None
	}
	reason := fmt.Sprintf("was running when the service died, %d times", s.UncleanStops)
	s.LastError, s.LastErrorCode, s.LastErrorAt = reason, charm.CodeLost, at
	s.UncleanStops = 0
	return Disable(s, charm.ByFailures, reason, at), Disabled
}

// Disable is s disabled. When failures did it, the next try is set.
func Disable(s charm.State, by charm.DisabledBy, reason string, at time.Time) charm.State {
	s.Disabled, s.DisabledBy, s.DisabledReason, s.DisabledAt = true, by, reason, at
	s.NextRun, s.NextTry, s.ProbeWait = time.Time{}, time.Time{}, 0
	if by == charm.ByFailures {
		s.ProbeWait = schedule.Probe(0)
		s.NextTry = at.Add(s.ProbeWait)
	}
	return s
}

// Enable is s enabled, with no failures counted.
func Enable(s charm.State) charm.State {
	s.Disabled, s.DisabledBy, s.DisabledReason, s.DisabledAt = false, "", "", time.Time{}
	s.NextTry, s.ProbeWait, s.ConsecutiveFailures, s.UncleanStops = time.Time{}, 0, 0, 0
	return s
}
