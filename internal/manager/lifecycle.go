package manager

import (
	"context"
	"errors"
	"slices"
	"time"

	"charmd/internal/api"
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/queue"
	"charmd/internal/schedule"
	"charmd/internal/state"
	"charmd/internal/store"
)

// Enable lets a charm run again, with no failures counted: at once, by cron at its
// next time.
func (m *Manager) Enable(ctx context.Context, space, name string) (api.Charm, error) {
	return m.change(ctx, space, name, m.registry.Enable)
}

// Disable keeps a charm from running until a person enables it.
func (m *Manager) Disable(ctx context.Context, space, name, reason string) (api.Charm, error) {
	if len(reason) > charm.MaxErrorBytes {
		return api.Charm{}, charm.Errorf(charm.CodeTooLarge, "the reason is %d bytes; at most %d are kept", len(reason), charm.MaxErrorBytes)
	}
	return m.change(ctx, space, name, func(tx store.Tx, c charm.Charm, s charm.State) (charm.State, error) {
		switch {
		case reason != "":
		case s.Disabled && s.DisabledBy == charm.ByPerson:
			reason = s.DisabledReason // said again without a word: the first one stands
		default:
			reason = "disabled by a person"
		}
		s = state.Disable(s, charm.ByPerson, reason, m.now())
		return s, m.registry.Transition(tx, c, s)
	})
}

// change applies fn to a charm's state, in the table, the registry and the queue.
func (m *Manager) change(ctx context.Context, space, name string, fn func(store.Tx, charm.Charm, charm.State) (charm.State, error)) (api.Charm, error) {
	var standing queue.Standing // as this leaves it, whatever is done to it next
	err := m.store.Update(ctx, func(tx store.Tx) error {
		c, err := find(tx, space, name)
		if err != nil {
			return err
		}
		s, err := tx.State(c.Row)
		if err != nil {
			return err
		}
		if s, err = fn(tx, c, s); err != nil {
			return err
		}
		if err := m.queue.Put(tx, c, s); err != nil {
			return err
		}
		standing, err = m.queue.StandingAt(tx, c)
		return err
	})
	if err != nil {
		return api.Charm{}, err
	}
	m.tellRegistry(ctx)
	return m.charmJSON(standing), nil
}

// tellWithin is how long a command waits for the registry in another toolshed.
const tellWithin = time.Second

// tellRegistry writes to the registry in another toolshed what has just been done
// here. If that cannot be now, it is when the toolshed is there again.
func (m *Manager) tellRegistry(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	if err := m.registry.Push(ctx); err != nil {
		m.logger.Warn("the registry in the toolshed does not show it yet", "err", err)
	}
}

// Remove takes a charm out of the registry and the table, and moves it to its
// space's trash; its documents stay. What a run of it that is in flight does is
// not written any more.
func (m *Manager) Remove(ctx context.Context, space, name string) error {
	gone, err := m.found(ctx, space, name)
	if err != nil {
		return err
	}
	err = m.commit(ctx, gone.Space, memory.Write{
		Draft: func(r store.Reader, s charm.Space) (*memory.Draft, error) {
			if gone, err = find(r, space, name); err != nil {
				return nil, err
			}
			return m.trashed(r, s, gone.ID)
		},
		Then: func(tx store.Tx, _ memory.Receipt) error {
			if err := m.registry.Unregister(tx, gone); err != nil {
				return err
			}
			if err := m.queue.Remove(tx, gone.Row); err != nil {
				return err
			}
			if err := tx.SetValue(publishedKey(gone), ""); err != nil {
				return err
			}
			return tx.DeleteCharm(gone.Row)
		},
	})
	if err != nil {
		return err
	}
	m.tellRegistry(ctx)
	m.runner.Forget(gone.Space, gone.ID)
	m.logger.Info("charm removed", "charm", gone.Ref(), "id", gone.ID)
	return nil
}

// Register makes a charm that exists run in the background, as `<common-updater>`
// asks (runtime spec §5). Registering again enables it.
func (m *Manager) Register(ctx context.Context, space, id, integration string) error {
	if !charm.IsDID(space) {
		return charm.Errorf(charm.CodeInvalid, "space %q is not a DID", space)
	}
	if m.memory.Copies() { // what it is made of has to be here
		if _, err := m.openSpace(ctx, space); err != nil {
			return err
		}
	}
	err := m.store.Update(ctx, func(tx store.Tx) error {
		c, err := tx.CharmByID(space, id)
		if errors.Is(err, store.ErrNotFound) {
			return m.registry.Adopt(tx, space, id, integration)
		}
		if err != nil {
			return err
		}
		if !c.Registered {
			c.Registered, c.UpdatedAt = true, m.now()
			if integration != "" {
				c.Integration = integration
			}
			if _, err := tx.PutCharm(c); err != nil {
				return err
			}
		}
		s, err := tx.State(c.Row)
		if err != nil {
			return err
		}
		s = state.Enable(s)
		if s.NextRun.IsZero() {
			s.NextRun = schedule.First(c, m.now())
		}
		if s, err = m.registry.Waits(tx, c, s); err != nil {
			return err
		}
		if err := m.registry.Register(tx, c, s); err != nil {
			return err
		}
		return m.queue.Put(tx, c, s)
	})
	if err == nil {
		m.tellRegistry(ctx)
	}
	return err
}

// found is the charm that people mean.
func (m *Manager) found(ctx context.Context, space, name string) (c charm.Charm, err error) {
	err = m.view(ctx, space, name, func(_ store.Reader, found charm.Charm, _ *cell.Snapshot) error {
		c = found
		return nil
	})
	return c, err
}

// RunNow asks for one run. When wait is set it returns how that attempt went.
func (m *Manager) RunNow(ctx context.Context, space, name string, wait bool) (api.RunReply, error) {
	c, err := m.found(ctx, space, name)
	if err != nil {
		return api.RunReply{}, err
	}
	next, err := m.queue.RunNow(ctx, c.Row)
	if errors.Is(err, store.ErrNotFound) {
		err = charm.Errorf(charm.CodeNotFound, "%s was removed at this moment", c.Ref())
	}
	if err != nil {
		return api.RunReply{}, err
	}
	return m.reply(ctx, next, c, wait)
}

// Maintain asks for a maintenance task now. When wait is set it returns how it went.
func (m *Manager) Maintain(ctx context.Context, task charm.Task, wait bool) (api.RunReply, error) {
	if !slices.Contains(charm.Tasks(), task) {
		return api.RunReply{}, charm.Errorf(charm.CodeInvalid, "there is no maintenance task %q", task).WithHint("the tasks are: %v", charm.Tasks())
	}
	next, err := m.queue.Maintain(ctx, task, m.now())
	if err != nil {
		return api.RunReply{}, err
	}
	return m.reply(ctx, next, charm.Charm{}, wait)
}

// reply is what is told of an attempt at a run of charm c, zero for maintenance.
func (m *Manager) reply(ctx context.Context, next queue.Attempt, c charm.Charm, wait bool) (api.RunReply, error) {
	ref := ""
	if c.Row != 0 {
		ref = c.Ref()
	}
	if !wait {
		return api.RunReply{Job: next.Job, Charm: ref}, nil
	}
	run, err := m.await(ctx, next, c.Row)
	if err != nil {
		return api.RunReply{}, err
	}
	reply := runJSON(run, ref)
	return api.RunReply{Job: next.Job, Charm: ref, Run: &reply}, nil
}

// await is the record of an attempt at a run of the charm with the row; it may be
// there already, and so may be the end of the job without one.
func (m *Manager) await(ctx context.Context, next queue.Attempt, row int64) (charm.Run, error) {
	ended, stop := m.queue.Watch(next.Job)
	defer stop()
	var done []charm.Run
	var lives bool
	err := m.store.View(ctx, func(r store.Reader) (err error) {
		if done, err = r.Runs(store.RunFilter{Job: next.Job}); err == nil {
			lives, err = isLive(r, next.Job, row)
		}
		return err
	})
	if err != nil {
		return charm.Run{}, err
	}
	for _, run := range done {
		if run.Attempt >= next.Number && run.Outcome != charm.Lost {
			return run, nil
		}
	}
	if !lives { // whoever took it away may have told nobody, since nobody watched yet
		now := m.now()
		return charm.Run{
			Charm: row, Job: next.Job, Attempt: next.Number, DueAt: now, StartedAt: now, EndedAt: now,
			Outcome: charm.Cancelled, Code: charm.CodeCancelled, Error: "it was taken away before it ran",
		}, nil
	}
	select {
	case run := <-ended:
		return run, nil
	case <-ctx.Done():
		return charm.Run{}, ctx.Err()
	}
}

// isLive reports whether a job of the charm with the row waits or runs, or is to
// follow one that does.
func isLive(r store.Reader, id string, row int64) (bool, error) {
	if _, err := r.Job(id); !errors.Is(err, store.ErrNotFound) {
		return true, err
	}
	jobs, err := r.JobsOf(row)
	return slices.ContainsFunc(jobs, func(j charm.Job) bool { return j.FollowUp == id }), err
}
