package manager

import (
	"context"
	"errors"
	"slices"

	"charmd/internal/api"
	"charmd/internal/cell"
	"charmd/internal/charm"
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
	var row int64
	err := m.store.Update(ctx, func(tx store.Tx) error {
		c, err := find(tx, space, name)
		if err != nil {
			return err
		}
		row = c.Row
		s, err := tx.State(c.Row)
		if err != nil {
			return err
		}
		if s, err = fn(tx, c, s); err != nil {
			return err
		}
		return m.queue.Put(tx, c, s)
	})
	if err != nil {
		return api.Charm{}, err
	}
	standing, _ := m.queue.Standing(row)
	return m.charmJSON(standing), nil
}

// Remove takes a charm out of the registry and the table, and moves it to its
// space's trash; its documents stay. What a run of it that is in flight does is
// not written any more.
func (m *Manager) Remove(ctx context.Context, space, name string) error {
	var gone charm.Charm
	err := m.store.Update(ctx, func(tx store.Tx) error {
		c, err := find(tx, space, name)
		if err != nil {
			return err
		}
		gone = c
		s, err := tx.Space(c.Space)
		if err != nil {
			return err
		}
		if err := m.registry.Unregister(tx, c); err != nil {
			return err
		}
		if err := m.trash(tx, s, c.ID); err != nil {
			return err
		}
		if err := m.queue.Remove(tx, c.Row); err != nil {
			return err
		}
		if err := tx.SetValue(publishedKey(c), ""); err != nil {
			return err
		}
		return tx.DeleteCharm(c.Row)
	})
	if err != nil {
		return err
	}
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
	return m.store.Update(ctx, func(tx store.Tx) error {
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
		if s.Waiting, err = m.registry.Waiting(tx, c); err != nil {
			return err
		}
		if err := m.registry.Register(tx, c, s); err != nil {
			return err
		}
		return m.queue.Put(tx, c, s)
	})
}

// RunNow asks for one run. When wait is set it returns how that attempt went.
func (m *Manager) RunNow(ctx context.Context, space, name string, wait bool) (api.RunReply, error) {
	var c charm.Charm
	err := m.view(ctx, space, name, func(_ store.Reader, found charm.Charm, _ *cell.Snapshot) error {
		c = found
		return nil
	})
	if err != nil {
		return api.RunReply{}, err
	}
	next, err := m.queue.RunNow(ctx, c.Row)
	if err != nil {
		return api.RunReply{}, err
	}
	return m.reply(ctx, next, c.Ref(), wait)
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
	return m.reply(ctx, next, "", wait)
}

func (m *Manager) reply(ctx context.Context, next queue.Attempt, ref string, wait bool) (api.RunReply, error) {
	if !wait {
		return api.RunReply{Job: next.Job, Charm: ref}, nil
	}
	run, err := m.await(ctx, next)
	if err != nil {
		return api.RunReply{}, err
	}
	reply := runJSON(run, ref)
	return api.RunReply{Job: next.Job, Charm: ref, Run: &reply}, nil
}

// await is the record of an attempt; it may be there already.
func (m *Manager) await(ctx context.Context, next queue.Attempt) (charm.Run, error) {
	ended, stop := m.queue.Watch(next.Job)
	defer stop()
	var done []charm.Run
	err := m.store.View(ctx, func(r store.Reader) (err error) {
		done, err = r.Runs(store.RunFilter{Job: next.Job})
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
	select {
	case run := <-ended:
		return run, nil
	case <-ctx.Done():
		return charm.Run{}, ctx.Err()
	}
}
