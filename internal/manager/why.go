package manager

import (
	"context"
	"strconv"
	"time"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/explain"
	"charmd/internal/queue"
	"charmd/internal/store"
)

// Facts are what explains how a charm stands, as far as charms, queue and pool
// know it.
func (m *Manager) Facts(ctx context.Context, space, name string) (f explain.Facts, err error) {
	err = m.view(ctx, space, name, func(r store.Reader, c charm.Charm, _ *cell.Snapshot) error {
		standing, err := m.queue.StandingAt(r, c)
		if err != nil {
			return err
		}
		f = m.facts(standing)
		last, err := r.Runs(store.RunFilter{Charm: c.Row, Limit: charm.KeepRuns})
		if last = background(last); len(last) > 0 {
			f.Last = &last[0]
		}
		if err == nil {
			f.Account, err = lostAccount(r, c)
		}
		return err
	})
	if err != nil {
		return f, err
	}
	f.Crowd, f.Besides = m.crowd(f), m.besides(f)
	for _, w := range m.pool.Status() {
		f.Crowd.Workers++
		if w.Task != "" {
			f.Crowd.Busy++
		}
		if f.Job != nil && f.Job.Run != "" && w.Task == f.Job.Run {
			f.Began = w.Since
		}
	}
	return f, nil
}

// AllFacts are the facts of every charm, without its last run and what it waits among.
func (m *Manager) AllFacts() []explain.Facts {
	var all []explain.Facts
	for _, s := range m.queue.Standings() {
		all = append(all, m.facts(s))
	}
	return all
}

func (m *Manager) facts(s queue.Standing) explain.Facts {
	return explain.Facts{Now: m.now(), Charm: s.Charm, State: s.State, Job: s.Job, Paused: s.Paused, Timeout: s.Charm.Within(m.timeout), Page: m.charmURL(s.Charm)}
}

// besides are the pauses that hold a charm beside the widest one.
func (m *Manager) besides(f explain.Facts) (others []charm.Pause) {
	if f.Paused == nil {
		return nil
	}
	list := m.queue.Pauses()
	for _, of := range []charm.Pause{
		{Scope: charm.PauseSpace, Subject: f.Charm.Space}, {Scope: charm.PauseIntegration, Subject: f.Charm.Integration},
		{Scope: charm.PauseCharm, Subject: strconv.FormatInt(f.Charm.Row, 10)},
	} {
		if of.Scope == f.Paused.Scope {
			continue
		}
		for _, p := range list {
			if p.Scope == of.Scope && p.Subject == of.Subject {
				others = append(others, p)
			}
		}
	}
	return others
}

// crowd counts what is in flight and what is due beside the charm. The charm itself is
// left out: it may stand otherwise by now than the facts say.
func (m *Manager) crowd(f explain.Facts) (c explain.Crowd) {
	mine := dueSince(f.Charm, f.State, f.Job)
	for _, s := range m.queue.Standings() {
		if s.Charm.Row == f.Charm.Row {
			continue
		}
		sameSpace := s.Charm.Space == f.Charm.Space
		if s.Job != nil && s.Job.Status == charm.Running {
			c.InFlight++
			if sameSpace {
				c.Held++
			}
			if s.State.UncleanStops > 0 {
				c.Alone = s.Charm.Ref()
			}
			continue
		}
		at := dueSince(s.Charm, s.State, s.Job)
		if at.IsZero() || at.After(f.Now) || s.Paused != nil && (s.Job == nil || s.Job.Reason != charm.RunNow) {
			continue
		}
		switch {
		case !sameSpace:
			c.Others++
		case s.Charm.Priority > f.Charm.Priority, s.Charm.Priority == f.Charm.Priority && at.Before(mine):
			c.Ahead++
		}
	}
	return c
}

// dueSince is when a charm that does not run wants to; zero when it does not.
func dueSince(c charm.Charm, s charm.State, job *charm.Job) time.Time {
	switch {
	case job != nil:
		return job.DueAt
	case !c.Registered:
		return time.Time{}
	case s.Disabled:
		return s.NextTry
	}
	return s.NextRun
}
