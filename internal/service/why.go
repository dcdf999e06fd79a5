package service

import (
	"cmp"
	"context"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/explain"
)

// Why explains how a charm stands.
func (s *Service) Why(ctx context.Context, space, name string) (api.Why, error) {
	f, err := s.manager.Facts(ctx, space, name)
	if err != nil {
		return api.Why{}, err
	}
	f.NotReady, f.Tries, f.Crowd.Share = s.hindered(), s.config.MaxRetries+1, max(executorsPerWorker*s.config.Workers/2, 1)
	f.LeftOut = s.leftOut(f.Charm)
	lacks := f.State.Waiting.Why
	if f.Last != nil && !f.State.WaitsForAccount() {
		lacks = f.Last.Error
	}
	f.Account = cmp.Or(s.accounts.Meant(lacks), f.Account)
	why := whyJSON(explain.Charm(f))
	why.Charm = f.Charm.Ref()
	return why, nil
}

// WhyService explains how the service is.
func (s *Service) WhyService(context.Context) api.Why {
	f := explain.ServiceFacts{
		Now: s.now(), Since: s.startedAt, NotReady: s.hindered(), Only: s.config.Only, Charms: s.manager.AllFacts(),
	}
	for i, c := range f.Charms {
		f.Charms[i].LeftOut = s.leftOut(c.Charm)
	}
	for _, p := range s.queue.Pauses() {
		if p.Scope == charm.PauseAll {
			f.Paused = &p
		}
	}
	e := explain.Service(f)
	why := whyJSON(e.Explanation)
	why.Charms, why.Urgent = e.Charms, e.Urgent
	return why
}

// leftOut is the only integration that runs here, when the charm is not of it.
func (s *Service) leftOut(c charm.Charm) string {
	if c.Integration == s.config.Only {
		return ""
	}
	return s.config.Only
}

// hindered lists why no charm runs now.
func (s *Service) hindered() []string {
	if s.config.Alone {
		return append(s.NotReady(), "this is a toolshed alone (charmd toolshed), which runs no charms")
	}
	return s.NotReady()
}

func whyJSON(e explain.Explanation) api.Why {
	return api.Why{
		Status: e.Status, Cause: string(e.Cause), Because: e.Because, Next: e.Next,
		Since: moment(e.Since), Until: moment(e.Until), Run: e.Run,
	}
}

// moment is t for JSON, null when it is not set.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
