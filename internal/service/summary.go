package service

import (
	"context"
	"os"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/observe"
)

func (s *Service) runtimeFile() client.RuntimeFile {
	f := client.RuntimeFile{URL: s.localURL, DataDir: s.config.DataDir, PID: os.Getpid()}
	if f.URL != s.URL() {
		f.Pages = s.URL()
	}
	return f
}

// ailments lists what keeps the service from its work, other than too little room and a
// stop: nobody needs to be told of what a person does.
func (s *Service) ailments() []string {
	var reasons []string
	if err := s.store.Health(); err != nil {
		reasons = append(reasons, "the store cannot write: "+err.Error())
	}
	if text := s.away(); text != "" {
		reasons = append(reasons, text)
	}
	return reasons
}

// unwell lists the ailments, and that it stops.
func (s *Service) unwell() []string {
	reasons := s.ailments()
	if s.draining.Load() {
		reasons = append(reasons, "the service is stopping")
	}
	return reasons
}

// NotReady lists why the service cannot do its work now.
func (s *Service) NotReady() []string {
	reasons := s.unwell()
	if text := s.room.reason(); text != "" {
		reasons = append(reasons, text)
	}
	return reasons
}

// restarts is how often the daemon was started again on this data.
func (s *Service) restarts() int64 { return max(0, s.states.Totals().Starts-1) }

// mostProblems bounds how many charms a summary names.
const mostProblems = 20

func (s *Service) summary(ctx context.Context) api.Status {
	totals := s.states.Totals()
	st := api.Status{
		Version: s.config.Version, PID: os.Getpid(), DataDir: s.config.DataDir, URL: s.URL(), Toolshed: s.toolshedKind(),
		StartedAt: s.startedAt.UTC(), Restarts: s.restarts(), TotalExecutions: totals.Executions,
		TotalSuccesses: totals.Successes, TotalFailures: totals.Failures, Cycles: totals.Cycles,
		NotReady: s.NotReady(), Charms: map[string]int{}, Workers: []api.Worker{}, Problems: []api.Problematic{},
		Sandbox: map[string]api.Layer{}, Pauses: s.manager.Pauses(),
	}
	st.Ready = len(st.NotReady) == 0
	if !totals.LastCycle.IsZero() {
		st.LastCycle = &totals.LastCycle
	}
	if list, err := s.manager.List(ctx, ""); err == nil {
		for _, c := range list {
			st.Charms[c.Status]++
			if c.Status == charm.StatusAccount && len(st.Problems) < mostProblems {
				st.Problems = append(st.Problems, api.Problematic{Charm: c.SpaceName + "/" + c.Name, Status: c.Status, Reason: c.State.Waiting})
			}
			if c.State.Disabled && c.State.DisabledBy != charm.ByPerson && len(st.Problems) < mostProblems {
				st.Problems = append(st.Problems, api.Problematic{
					Charm: c.SpaceName + "/" + c.Name, Status: c.Status, Reason: c.State.DisabledReason, NextTry: c.State.NextTry,
				})
			}
		}
	}
	st.Connections = s.toolshed.Connections(ctx)
	for _, w := range append(s.pool.Status(), s.lane.Status()...) {
		st.Workers = append(st.Workers, api.Worker{PID: w.PID, Task: w.Task, AgeSec: time.Since(w.Started).Seconds(), Runs: int64(w.Runs)})
	}
	for _, l := range s.pool.Sandbox().Layers() {
		st.Sandbox[l.Name] = api.Layer{State: string(l.State), Reason: l.Reason}
	}
	if size, err := s.store.Size(); err == nil {
		st.StoreBytes = size
	}
	s.addFigures(ctx, &st)
	return st
}

func (s *Service) toolshedKind() string {
	switch {
	case s.config.Alone:
		return "alone"
	case s.replica != nil:
		return s.beside.toolshed
	}
	return embedded
}

// tryHook gives the notification hook a test notice.
func (s *Service) tryHook(ctx context.Context) (api.Notified, error) {
	notice, err := s.notifier.Try(ctx)
	return api.Notified{ID: notice.ID, Hook: s.notifier.Hook()}, err
}

// firstReport is when the first summary is logged.
const firstReport = 60 * time.Second

// report logs a summary a minute after the start and then every LogInterval; 0
// turns it off.
func (s *Service) report(ctx context.Context) {
	if s.config.LogInterval == 0 {
		return
	}
	timer := time.NewTimer(firstReport)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			observe.LogSummary(s.logger, s.summary(ctx))
			timer.Reset(s.config.LogInterval)
		}
	}
}
