package manager

import (
	"context"
	"strings"
	"time"

	"charmd/internal/api"
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/queue"
	"charmd/internal/schedule"
	"charmd/internal/store"
)

// schedule is the one that people give, completed: without any the service's
// interval, by cron in the service's zone unless they name one.
func (m *Manager) schedule(every, cron, zone string) (charm.Schedule, error) {
	s, err := schedule.Read(every, cron, zone)
	if err != nil {
		return s, err
	}
	if s == (charm.Schedule{}) {
		s.Every = m.every
	}
	if s.Cron != "" && s.Zone == "" {
		s.Zone = m.zone
	}
	return s, nil
}

// Reschedule gives a charm another schedule, by which it runs from now on. A run
// in flight, or one that is tried again, is not touched by it.
func (m *Manager) Reschedule(ctx context.Context, space, name string, req api.ScheduleRequest) (api.Preview, error) {
	if req == (api.ScheduleRequest{}) {
		return api.Preview{}, charm.Errorf(charm.CodeInvalid, "a schedule is needed").WithHint("give one like --every 5m or --cron '0 9 * * *'")
	}
	wanted, err := m.schedule(req.Every, req.Cron, req.Zone)
	if err != nil {
		return api.Preview{}, err
	}
	err = m.store.Update(ctx, func(tx store.Tx) error {
		c, err := find(tx, space, name)
		if err != nil {
			return err
		}
		s, err := tx.State(c.Row)
		if err != nil {
			return err
		}
		c.Schedule, c.UpdatedAt = wanted, m.now()
		if _, err := tx.PutCharm(c); err != nil {
			return err
		}
		s.NextRun = schedule.Resume(c, s, m.now())
		if s, err = m.registry.Waits(tx, c, s); err != nil {
			return err
		}
		tx.AfterCommit(func() { m.logger.Info("charm scheduled", "charm", c.Ref(), "schedule", c.Schedule.String()) })
		return m.queue.Put(tx, c, s)
	})
	if err != nil {
		return api.Preview{}, err
	}
	return m.Preview(ctx, space, name, 0)
}

// defaultPreview is how many times a preview shows that is not told.
const defaultPreview = 10

// Preview is when a charm runs the next n times, 0 for ten.
func (m *Manager) Preview(ctx context.Context, space, name string, n int) (p api.Preview, err error) {
	if n == 0 {
		n = defaultPreview
	}
	err = m.view(ctx, space, name, func(_ store.Reader, c charm.Charm, _ *cell.Snapshot) error {
		standing, ok := m.queue.Standing(c.Row)
		if !ok {
			standing = queue.Standing{Charm: c}
		}
		p = m.preview(standing, n)
		return nil
	})
	return p, err
}

func (m *Manager) preview(s queue.Standing, n int) api.Preview {
	zone := s.Charm.Schedule.Zone
	if s.Charm.Schedule.Cron == "" {
		zone = m.zone
	}
	location, err := schedule.Zone(zone)
	if err != nil {
		location = time.UTC // the reason says what is wrong
	}
	p := api.Preview{
		Charm: s.Charm.Ref(), Schedule: s.Charm.Schedule.String(), Means: schedule.Words(s.Charm.Schedule),
		Zone: location.String(), Reason: whyNot(s), Times: []time.Time{},
	}
	from := m.now()
	// The run that waits already may have been put forward or off.
	if next := m.nextRun(s); next != nil && p.Reason == "" {
		p.Times = append(p.Times, next.In(location))
		if next.After(from) {
			from = *next
		}
	}
	for _, at := range schedule.Upcoming(s.Charm, from, n-len(p.Times)) {
		p.Times = append(p.Times, at.In(location))
	}
	return p
}

// whyNot is why a charm does not run by its schedule now; "" when it does.
func whyNot(s queue.Standing) string {
	switch {
	case !s.Charm.Registered:
		return "it is not registered"
	case s.State.Disabled:
		return "disabled by " + string(s.State.DisabledBy) + ": " + s.State.DisabledReason
	case s.Paused != nil:
		return strings.TrimSuffix("paused: "+s.Paused.Note, ": ")
	}
	return s.State.Waiting.Why
}
