package state_test

import (
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/state"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func ended(o charm.Outcome, took time.Duration) charm.Run {
	r := charm.Run{ID: "r", Outcome: o, StartedAt: noon.Add(-took), EndedAt: noon}
	if o != charm.OK {
		r.Error, r.Code = "went wrong", charm.CodeThrown
	}
	return r
}

func TestWhatCounts(t *testing.T) {
	t.Parallel()
	type counts struct {
		executions, successes, failures int64
		inARow                          int
	}
	cases := map[charm.Outcome]counts{
		charm.OK:             {1, 1, 0, 0},
		charm.Errored:        {1, 0, 1, 3},
		charm.TimedOut:       {1, 0, 1, 3},
		charm.OutOfMemory:    {1, 0, 1, 3},
		charm.Crashed:        {1, 0, 1, 3},
		charm.Conflicted:     {1, 0, 0, 2},
		charm.Remote:         {1, 0, 0, 2},
		charm.NeedsReconnect: {1, 0, 0, 2},
		charm.Lost:           {0, 0, 0, 2},
		charm.Cancelled:      {0, 0, 0, 2},
	}
	for outcome, want := range cases {
		s, told := state.NewManager(10).After(charm.State{ConsecutiveFailures: 2}, ended(outcome, time.Second), true)
		if got := (counts{s.Executions, s.Successes, s.Failures, s.ConsecutiveFailures}); got != want || told != state.None {
			t.Errorf("%s: %+v (%s), want %+v", outcome, got, told, want)
		}
	}
}

func TestAnAccountThatIsGoneKeepsTheCharmWaiting(t *testing.T) {
	t.Parallel()
	m := state.NewManager(10)
	s, _ := m.After(charm.State{}, ended(charm.NeedsReconnect, 0), true)
	if !s.WaitsForAccount() || s.Waiting != "went wrong" || s.LastError != "went wrong" {
		t.Errorf("it stands as %+v", s)
	}
	for _, o := range []charm.Outcome{charm.Lost, charm.Cancelled, charm.NeedsReconnect} {
		if still, _ := m.After(s, ended(o, 0), true); !still.WaitsForAccount() {
			t.Errorf("after %s it does not wait", o)
		}
	}
	for _, o := range []charm.Outcome{charm.OK, charm.Errored, charm.Remote} {
		if free, _ := m.After(s, ended(o, 0), true); free.Waiting != "" {
			t.Errorf("after %s it waits: %s", o, free.Waiting)
		}
	}
	if other, _ := m.After(charm.State{Waiting: "another reason", LastOutcome: charm.OK}, ended(charm.OK, 0), true); other.Waiting != "another reason" {
		t.Errorf("another reason became %q", other.Waiting)
	}
}

func TestRetriesCountOnce(t *testing.T) {
	t.Parallel()
	m := state.NewManager(10)
	s, _ := m.After(charm.State{}, ended(charm.Errored, 0), false)
	s, _ = m.After(s, ended(charm.Errored, 0), false)
	if s.ConsecutiveFailures != 0 || s.Failures != 2 {
		t.Errorf("before the job ended: %+v", s)
	}
	if s, _ = m.After(s, ended(charm.Errored, 0), true); s.ConsecutiveFailures != 1 || s.Failures != 3 {
		t.Errorf("after the job ended: %+v", s)
	}
}

func TestTimings(t *testing.T) {
	t.Parallel()
	m := state.NewManager(10)
	var s charm.State
	for _, took := range []time.Duration{30, 10, 20} {
		s, _ = m.After(s, ended(charm.OK, took*time.Millisecond), true)
	}
	if s.MinTime != 10*time.Millisecond || s.MaxTime != 30*time.Millisecond || s.LastTime != 20*time.Millisecond || s.AverageTime() != 20*time.Millisecond {
		t.Errorf("min %v max %v last %v mean %v", s.MinTime, s.MaxTime, s.LastTime, s.AverageTime())
	}
	if (charm.State{}).AverageTime() != 0 {
		t.Error("the mean of no runs is not zero")
	}
}

func TestDisabling(t *testing.T) {
	t.Parallel()
	m := state.NewManager(2)
	s, told := m.After(charm.State{NextRun: noon}, ended(charm.Errored, 0), true)
	if told != state.None || s.Disabled {
		t.Fatalf("after one failure: %+v", s)
	}
	s, told = m.After(s, ended(charm.Errored, 0), true)
	if told != state.Disabled || s.DisabledBy != charm.ByFailures || !s.NextRun.IsZero() || s.NextTry != noon.Add(charm.FirstProbe) {
		t.Fatalf("after two failures: %s %+v", told, s)
	}
	if s.DisabledReason != "failed 2 times in a row, last: went wrong" {
		t.Errorf("the reason is %q", s.DisabledReason)
	}
	s, told = m.After(s, ended(charm.Errored, 0), true)
	if told != state.None || s.NextTry != noon.Add(charm.FirstProbe) {
		t.Errorf("a run that a person asked for moved the next try: %s, %v", told, s.NextTry)
	}
	probe := ended(charm.Errored, 0)
	probe.Reason = charm.Probe
	s, told = m.After(s, probe, true)
	if told != state.None || s.NextTry != noon.Add(2*charm.FirstProbe) {
		t.Errorf("after a failed probe: %s, next try %v", told, s.NextTry)
	}
	s, told = m.After(s, ended(charm.OK, 0), true)
	if told != state.Enabled || s.Disabled || s.ConsecutiveFailures != 0 || !s.NextTry.IsZero() || s.LastError != "went wrong" {
		t.Errorf("after a probe that worked: %s %+v", told, s)
	}
}

func TestPermanentAndByPerson(t *testing.T) {
	t.Parallel()
	m := state.NewManager(5)
	broken := ended(charm.Errored, 0)
	broken.Code = charm.CodeCompile
	s, told := m.After(charm.State{}, broken, true)
	if told != state.Disabled || s.DisabledBy != charm.ByPermanent || !s.NextTry.IsZero() {
		t.Errorf("a recipe that does not load: %s %+v", told, s)
	}
	if s, told = m.After(s, ended(charm.OK, 0), true); told != state.Enabled || s.Disabled {
		t.Errorf("once it works: %s %+v", told, s)
	}
	person := state.Disable(charm.State{}, charm.ByPerson, "no", noon)
	if s, told = m.After(person, ended(charm.OK, 0), true); told != state.None || s.DisabledBy != charm.ByPerson {
		t.Errorf("a run a person asked for of a charm a person disabled: %s %+v", told, s)
	}
}

func TestInFlightAtStop(t *testing.T) {
	t.Parallel()
	m := state.NewManager(5)
	var s charm.State
	told := state.None
	for range charm.MaxUncleanStops {
		if told != state.None {
			t.Fatal("disabled too early")
		}
		s, told = m.InFlightAtStop(s, noon)
	}
	if told != state.Disabled || s.DisabledBy != charm.ByFailures {
		t.Errorf("after three stops: %s %+v", told, s)
	}
	s, _ = m.InFlightAtStop(charm.State{}, noon)
	if s, _ = m.After(s, ended(charm.Errored, 0), false); s.UncleanStops != 0 {
		t.Error("a run that ended did not clear the suspicion")
	}
}
