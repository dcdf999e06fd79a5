package state

import (
	"encoding/json"
	"sync"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// Totals are the service's own counters, kept over restarts.
type Totals struct {
	Starts     int64     `json:"starts"` // of the daemon, this one included
	Executions int64     `json:"totalExecutions"`
	Successes  int64     `json:"totalSuccesses"`
	Failures   int64     `json:"totalFailures"`
	Cycles     int64     `json:"cycles"` // passes over the schedule, one each CYCLE_INTERVAL_MS
	LastCycle  time.Time `json:"lastCycle"`
}

const totalsKey = "service.totals"

type totals struct {
	mu  sync.Mutex
	now Totals
}

// Load reads the totals.
func (m *Manager) Load(r store.Reader) error {
	text, err := r.Value(totalsKey)
	if err != nil || text == "" {
		return err
	}
	m.totals.mu.Lock()
	defer m.totals.mu.Unlock()
	return json.Unmarshal([]byte(text), &m.totals.now)
}

// CountStart adds a start of the daemon.
func (m *Manager) CountStart(tx store.Tx) error {
	m.totals.mu.Lock()
	m.totals.now.Starts++
	m.totals.mu.Unlock()
	return m.Save(tx)
}

// Save writes the totals. They are written once a cycle and at shutdown: after
// an unclean stop they may lack the last cycle, which the run records still show.
func (m *Manager) Save(tx store.Tx) error {
	text, err := json.Marshal(m.Totals())
	if err != nil {
		return err
	}
	return tx.SetValue(totalsKey, string(text))
}

// Totals are the counters as of now.
func (m *Manager) Totals() Totals {
	m.totals.mu.Lock()
	defer m.totals.mu.Unlock()
	return m.totals.now
}

// Count adds a run that ended.
func (m *Manager) Count(run charm.Run) {
	m.totals.mu.Lock()
	defer m.totals.mu.Unlock()
	t := &m.totals.now
	if run.Outcome == charm.Lost || run.Outcome == charm.Cancelled {
		return
	}
	t.Executions++
	switch {
	case run.Outcome == charm.OK:
		t.Successes++
	case run.Outcome.CountsAsFailure():
		t.Failures++
	}
}

// CountCycle adds a pass over the schedule.
func (m *Manager) CountCycle(at time.Time) {
	m.totals.mu.Lock()
	defer m.totals.mu.Unlock()
	m.totals.now.Cycles++
	m.totals.now.LastCycle = at
}

func timed(s charm.State, d time.Duration) charm.State {
	if s.Executions == 1 || d < s.MinTime {
		s.MinTime = d
	}
	s.MaxTime = max(s.MaxTime, d)
	s.SumTime += d
	s.LastTime = d
	return s
}
