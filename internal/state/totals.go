package state

import (
	"encoding/json"
	"sync"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// Totals are the service's own counters, kept over restarts. Those of runs follow
// from the run records, so that they are exact also after an unclean stop; the
// others are written once a cycle and at shutdown.
type Totals struct {
	Starts     int64     `json:"starts"` // of the daemon, this one included
	Executions int64     `json:"-"`
	Successes  int64     `json:"-"`
	Failures   int64     `json:"-"`
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
	var read Totals
	if err := store.DecodeValue(r, totalsKey, &read); err != nil {
		return err
	}
	tally, err := r.Tally()
	if err != nil {
		return err
	}
	for outcome, runs := range tally {
		read.count(outcome, runs)
	}
	m.totals.mu.Lock()
	defer m.totals.mu.Unlock()
	m.totals.now = read
	return nil
}

// CountStart adds a start of the daemon.
func (m *Manager) CountStart(tx store.Tx) error {
	m.totals.mu.Lock()
	m.totals.now.Starts++
	m.totals.mu.Unlock()
	return m.Save(tx)
}

// Save writes the totals that do not follow from the run records.
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

// Count adds a run whose record is on disk.
func (m *Manager) Count(run charm.Run) {
	m.totals.mu.Lock()
	defer m.totals.mu.Unlock()
	m.totals.now.count(run.Outcome, 1)
}

// count adds runs that ended with the outcome. Those that were interrupted do not
// count as executions.
func (t *Totals) count(o charm.Outcome, runs int64) {
	if o == charm.Lost || o == charm.Cancelled {
		return
	}
	t.Executions += runs
	switch {
	case o == charm.OK:
		t.Successes += runs
	case o.CountsAsFailure():
		t.Failures += runs
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
