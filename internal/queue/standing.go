package queue

import (
	"maps"
	"slices"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// Live is a job that is pending or running, with its charm.
type Live struct {
	Job   charm.Job
	Charm charm.Charm // zero for maintenance
	Held  bool        // a pause keeps it waiting
}

// Jobs lists what is live, oldest due first: rows, and pending runs that follow
// from the schedule, whose job has no id yet.
func (q *Queue) Jobs() []Live {
	q.mu.Lock()
	defer q.mu.Unlock()
	var list []Live
	for _, e := range q.charms {
		if job, ok := e.pendingJob(); ok {
			list = append(list, Live{job, e.charm, q.standing(e).Held()})
		}
	}
	for _, e := range q.tasks {
		list = append(list, Live{Job: *e.job})
	}
	slices.SortFunc(list, func(a, b Live) int {
		if c := a.Job.DueAt.Compare(b.Job.DueAt); c != 0 {
			return c
		}
		return int(a.Job.Charm - b.Job.Charm)
	})
	return list
}

// Standing is a charm with its state and live job, from memory.
type Standing struct {
	Charm  charm.Charm
	State  charm.State
	Job    *charm.Job   // nil when merely due, or not to run
	Paused *charm.Pause // what keeps it from running by itself; nil when nothing does
}

// Held reports whether a pause keeps it from what it would do by itself now.
func (s Standing) Held() bool {
	switch {
	case s.Paused == nil, !s.Charm.Registered, s.State.Disabled && s.State.DisabledBy != charm.ByFailures:
		return false
	case s.Job != nil:
		return s.Job.Status == charm.Pending && s.Job.Reason != charm.RunNow
	}
	return true
}

// Integrations lists the integrations that charms have, sorted.
func (q *Queue) Integrations() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	names := map[string]bool{}
	for _, e := range q.charms {
		names[e.charm.Integration] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Standings lists every charm in order of registration.
func (q *Queue) Standings() []Standing {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := make([]Standing, 0, len(q.charms))
	for _, e := range q.charms {
		list = append(list, q.standing(e))
	}
	slices.SortFunc(list, func(a, b Standing) int { return int(a.Charm.Row - b.Charm.Row) })
	return list
}

// Observe has fn told of every charm that may stand otherwise than before, once
// Standing says so. It is called within the queue and must not wait for anything.
func (q *Queue) Observe(fn func(row int64)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.observe = fn
}

// changed tells who observes. The caller holds mu.
func (q *Queue) changed(row int64) {
	if q.observe != nil {
		q.observe(row)
	}
}

// Standing is the charm with the row.
func (q *Queue) Standing(row int64) (Standing, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.charms[row]
	if e == nil {
		return Standing{}, false
	}
	return q.standing(e), true
}

// StandingAt is how charm c, which r has, stands at the moment of r, for those who show
// it with what else r has. Only what pauses it is of now.
func (q *Queue) StandingAt(r store.Reader, c charm.Charm) (Standing, error) {
	state, jobs, err := stands(r, c.Row)
	if err != nil {
		return Standing{}, err
	}
	s := Standing{Charm: c, State: state}
	if len(jobs) > 0 {
		s.Job = &jobs[0]
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	s.Paused = q.pausedBy(c)
	return s, nil
}

func (q *Queue) standing(e *entry) Standing {
	s := Standing{Charm: e.charm, State: e.state, Paused: q.pausedBy(e.charm)}
	if e.job != nil {
		job := *e.job
		s.Job = &job
	}
	return s
}
