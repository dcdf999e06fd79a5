package manager

import (
	"context"
	"errors"

	"charmd/internal/api"
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/queue"
	"charmd/internal/store"
)

// Jobs lists live work, oldest due first.
func (m *Manager) Jobs() []api.Job {
	list := []api.Job{}
	for _, l := range m.queue.Jobs() {
		job := jobJSON(l.Job, l.Charm)
		job.Paused = l.Held
		list = append(list, job)
	}
	return list
}

func jobJSON(j charm.Job, c charm.Charm) api.Job {
	job := api.Job{
		ID: j.ID, Type: j.Type, Task: j.Task, Reason: j.Reason, Status: j.Status,
		Priority: j.Priority, Attempt: j.Attempt, DueAt: j.DueAt.UTC(), Run: j.Run,
	}
	if j.Charm != 0 {
		job.Charm = c.Ref()
	}
	return job
}

// Cancel ends the live job with the id; the charm goes on by its schedule.
func (m *Manager) Cancel(ctx context.Context, id string) (api.Job, error) {
	job, err := m.queue.Cancel(ctx, id)
	if err != nil {
		return api.Job{}, err
	}
	standing, _ := m.queue.Standing(job.Charm)
	out := jobJSON(job, standing.Charm)
	m.logger.Info("job cancelled", "job", id, "charm", out.Charm, "was", out.Status)
	return out, nil
}

// CancelOf ends the live job of a charm.
func (m *Manager) CancelOf(ctx context.Context, space, name string) (api.Job, error) {
	var c charm.Charm
	err := m.view(ctx, space, name, func(_ store.Reader, found charm.Charm, _ *cell.Snapshot) error {
		c = found
		return nil
	})
	if err != nil {
		return api.Job{}, err
	}
	standing, ok := m.queue.Standing(c.Row)
	if !ok || standing.Job == nil {
		return api.Job{}, charm.Errorf(charm.CodeNotFound, "%s has no job that waits or runs", c.Ref()).
			WithHint("to keep it from running: charmd pause %s", c.Ref())
	}
	return m.Cancel(ctx, standing.Job.ID)
}

// Retry lets every charm that the request chooses run now, but those that a person
// disabled.
func (m *Manager) Retry(ctx context.Context, req api.RetryRequest) (api.Retried, error) {
	chosen, err := m.failing(ctx, req)
	out := api.Retried{Charms: []string{}}
	for _, s := range chosen {
		if !req.DryRun {
			_, err := m.queue.RunNow(ctx, s.Charm.Row)
			if errors.Is(err, store.ErrNotFound) {
				continue // it was removed meanwhile
			}
			if err != nil {
				return out, err
			}
		}
		out.Charms = append(out.Charms, s.Charm.Ref())
	}
	return out, err
}

func (m *Manager) failing(ctx context.Context, req api.RetryRequest) ([]queue.Standing, error) {
	var space, row = "", int64(0)
	err := m.store.View(ctx, func(r store.Reader) error {
		if req.Space == "" {
			return nil
		}
		s, err := m.spaceFor(r, "jobs retry", req.Space)
		if space = s.DID; err != nil || req.Charm == "" {
			return err
		}
		c, err := find(r, req.Space, req.Charm)
		row = c.Row
		return err
	})
	if err != nil {
		return nil, err
	}
	var chosen []queue.Standing
	for _, s := range m.queue.Standings() {
		last := s.State.LastOutcome
		switch {
		case s.State.Disabled && s.State.DisabledBy == charm.ByPerson:
		case space != "" && s.Charm.Space != space, row != 0 && s.Charm.Row != row:
		case req.Integration != "" && s.Charm.Integration != req.Integration:
		case s.Job != nil && s.Job.Status == charm.Running:
		case last == "" || last == charm.OK || req.Outcome != "" && last != req.Outcome:
		default:
			chosen = append(chosen, s)
		}
	}
	return chosen, nil
}
