package manager

import (
	"context"
	"errors"
	"time"

	"charmd/internal/api"
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/queue"
	"charmd/internal/schedule"
	"charmd/internal/store"
)

// List is every charm, or those of one space, without their results.
func (m *Manager) List(ctx context.Context, space string) ([]api.Charm, error) {
	did := ""
	if space != "" {
		err := m.store.View(ctx, func(r store.Reader) error {
			s, err := m.spaceFor(r, "list", space)
			did = s.DID
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	list := []api.Charm{}
	for _, s := range m.queue.Standings() {
		if did == "" || s.Charm.Space == did {
			list = append(list, m.charmJSON(s))
		}
	}
	return list, nil
}

// Show is one charm with its result.
func (m *Manager) Show(ctx context.Context, space, name string) (out api.Charm, err error) {
	err = m.view(ctx, space, name, func(r store.Reader, c charm.Charm, docs *cell.Snapshot) (err error) {
		// Who sees that nothing runs any more has the result of the last run.
		standing, err := m.queue.StandingAt(r, c)
		if err != nil {
			return err
		}
		out = m.charmJSON(standing)
		out.AllowHosts = c.AllowHosts
		if c.Timeout > 0 {
			out.Timeout = charm.ShortDuration(c.Timeout)
		}
		if c.ProbeNever {
			out.Probe = "never"
		}
		if err := m.history(r, &out, c); err != nil {
			return err
		}
		v, exists, err := cell.Export(docs, result(c, nil))
		if err != nil {
			return err
		}
		if !exists {
			v = jsontext.NewObject()
		}
		out.Result = jsontext.Append(nil, v)
		return nil
	})
	return out, err
}

func (m *Manager) charmJSON(s queue.Standing) api.Charm {
	c := api.Charm{
		Space: s.Charm.Space, SpaceName: s.Charm.SpaceName, CharmID: s.Charm.ID, Name: s.Charm.Name,
		Integration: s.Charm.Integration, Recipe: s.Charm.Recipe, Registered: s.Charm.Registered,
		Enabled: !s.State.Disabled, Status: m.statusOf(s), Schedule: s.Charm.Schedule.String(), Means: schedule.Words(s.Charm.Schedule),
		NextRun: m.nextRun(s), LastRun: s.State.LastRun, CreatedAt: s.Charm.CreatedAt, State: stateJSON(s.State),
		Priority: s.Charm.Priority,
	}
	if s.Paused != nil {
		p := m.pauseJSON(*s.Paused)
		c.Paused = &p
	}
	return c
}

// The words for charms that have no live job and are not due.
const (
	statusDisabled     = "disabled"
	statusUnregistered = "unregistered"
	statusWaiting      = "waiting"
	statusPaused       = "paused"
	statusLeftOut      = "left out"
)

func (m *Manager) statusOf(s queue.Standing) string {
	switch {
	case m.leftOut(s):
		return statusLeftOut
	case s.Held():
		return statusPaused
	case s.Job != nil:
		return string(s.Job.Status)
	case s.State.Disabled:
		return statusDisabled
	case !s.Charm.Registered:
		return statusUnregistered
	case s.State.WaitsForAccount():
		return charm.StatusAccount
	case s.State.Waiting.Is():
		return statusWaiting
	}
	return string(charm.Pending)
}

// leftOut reports whether a charm would run by itself in a service that runs all
// integrations, and does not in this one.
func (m *Manager) leftOut(s queue.Standing) bool {
	return m.only != "" && s.Charm.Integration != m.only && s.Job == nil && s.Charm.Registered && !s.State.Disabled && !s.State.Waiting.Is()
}

func (m *Manager) nextRun(s queue.Standing) *time.Time {
	if s.Held() || m.leftOut(s) || s.Job != nil && s.Job.Status == charm.Running {
		return nil
	}
	if s.Job != nil && s.Job.Status == charm.Pending {
		return moment(s.Job.DueAt)
	}
	return moment(s.State.NextRun)
}

// moment is t for JSON, null when it is not set.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func stateJSON(s charm.State) api.State {
	return api.State{
		TotalExecutions: s.Executions, TotalSuccesses: s.Successes, TotalFailures: s.Failures,
		ConsecutiveFailures: s.ConsecutiveFailures, LastExecuted: moment(s.LastExecuted), LastOutcome: s.LastOutcome,
		LastError: s.LastError, LastErrorTimestamp: moment(s.LastErrorAt),
		MinExecutionTimeMs: ms(s.MinTime), MaxExecutionTimeMs: ms(s.MaxTime), AvgExecutionTimeMs: ms(s.AverageTime()),
		LastExecutionTimeMs: ms(s.LastTime), Disabled: s.Disabled, DisabledBy: s.DisabledBy,
		DisabledReason: s.DisabledReason, DisabledAt: moment(s.DisabledAt), NextTry: moment(s.NextTry), Waiting: s.Waiting.Why,
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// RunFilter chooses runs to list.
type RunFilter struct {
	Space, Charm string // both empty: of every charm
	Outcome      charm.Outcome
	Before       string // only runs with a smaller id
	Limit        int    // 0 means 50
	Logs         bool
}

// Runs lists run records, newest first.
func (m *Manager) Runs(ctx context.Context, f RunFilter) ([]api.Run, error) {
	if f.Limit == 0 {
		f.Limit = 50
	}
	list := []api.Run{}
	err := m.store.View(ctx, func(r store.Reader) error {
		filter := store.RunFilter{Outcome: f.Outcome, Before: f.Before, Limit: f.Limit}
		if f.Charm != "" {
			c, err := find(r, f.Space, f.Charm)
			if err != nil {
				return err
			}
			filter.Charm = c.Row
		}
		runs, err := r.Runs(filter)
		if err != nil {
			return err
		}
		for _, run := range runs {
			if f.Logs {
				if run, err = r.Run(run.ID); err != nil {
					return err
				}
			}
			list = append(list, runJSON(run, m.refOf(run.Charm)))
		}
		return nil
	})
	return list, err
}

// Run is one run record with its log.
func (m *Manager) Run(ctx context.Context, id string) (out api.Run, err error) {
	err = m.store.View(ctx, func(r store.Reader) error {
		run, err := r.Run(id)
		if errors.Is(err, store.ErrNotFound) {
			return noRun(id)
		}
		out = runJSON(run, m.refOf(run.Charm))
		return err
	})
	return out, err
}

func (m *Manager) refOf(row int64) string {
	s, ok := m.queue.Standing(row)
	if !ok {
		return ""
	}
	return s.Charm.Ref()
}

func runJSON(r charm.Run, ref string) api.Run {
	return api.Run{
		ID: r.ID, Charm: ref, Job: r.Job, Task: r.Task, Reason: r.Reason, Attempt: r.Attempt,
		DueAt: r.DueAt.UTC(), StartedAt: r.StartedAt.UTC(), EndedAt: r.EndedAt.UTC(), DurationMs: ms(r.Elapsed()),
		Status: charm.StatusOf(r.Outcome), Outcome: r.Outcome, Code: r.Code, Error: r.Error, Position: r.Position, Handler: r.Handler, Note: note(r),
		Changed: r.Changed, Requests: r.Requests, Conflicts: r.Conflicts, CPUMs: ms(r.CPU), PeakBytes: r.PeakBytes, Walls: r.Walls, Log: r.Log, Egress: r.Ledger,
	}
}

// note is what a person should know of a run besides how it ended.
func note(r charm.Run) string {
	if r.Outcome == charm.OK && r.Requests > 0 && r.Changed == 0 && r.Task == "" {
		return "it made requests and wrote nothing"
	}
	return ""
}
