package registry_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/state"
	"charmd/internal/store"
)

// elsewhere is another toolshed, which may be away.
type elsewhere struct {
	w    *world
	away bool
}

func (e *elsewhere) Follow(string) {}

func (e *elsewhere) Ready(context.Context, string) error {
	if e.away {
		return charm.Errorf(charm.CodeUnavailable, "the toolshed is away")
	}
	return nil
}

func (e *elsewhere) Commit(ctx context.Context, did string, w memory.Write) error {
	if err := e.Ready(ctx, did); err != nil {
		return err
	}
	return e.w.db.Update(ctx, func(tx store.Tx) error {
		space, err := tx.Space(did)
		if err != nil {
			return err
		}
		d, err := w.Draft(tx, space)
		if err != nil {
			return err
		}
		var receipt memory.Receipt
		if d != nil {
			if receipt, err = e.w.memory.Commit(tx, d, nil); err != nil {
				return err
			}
		}
		return w.Then(tx, receipt)
	})
}

func newWorldBeside(t *testing.T) (*world, *elsewhere) {
	t.Helper()
	w := newWorld(t)
	e := &elsewhere{w: w}
	w.memory.CopyOf(e)
	return w, e
}

func (w *world) push(want charm.ErrorCode) {
	w.t.Helper()
	if err := w.registry.Push(w.t.Context()); err != nil && charm.CodeOf(err) != want || err == nil && want != "" {
		w.t.Fatalf("pushed: %v, want %q", err, want)
	}
}

// What is registered while the toolshed is away stays registered until it can be told.
func TestRegisteredWhileTheToolshedIsAway(t *testing.T) {
	t.Parallel()
	w, e := newWorldBeside(t)
	e.away = true
	c := w.add("one")
	w.push(charm.CodeUnavailable)
	w.sync()
	if !w.standing(c).Charm.Registered || strings.Contains(w.cellText(), c.ID) {
		t.Errorf("registered %v, the cell %s", w.standing(c).Charm.Registered, w.cellText())
	}
	e.away = false
	w.push("")
	if !strings.Contains(w.cellText(), c.ID) {
		t.Errorf("the cell does not have it: %s", w.cellText())
	}
	// From now on the cell wins.
	w.set("", "[]")
	w.sync()
	if w.standing(c).Charm.Registered {
		t.Error("its entry is gone, and it is still registered")
	}
	w.push("")
	if strings.Contains(w.cellText(), c.ID) {
		t.Error("it was put back")
	}
}

// What is removed while the toolshed is away does not come back.
func TestRemovedWhileTheToolshedIsAway(t *testing.T) {
	t.Parallel()
	w, e := newWorldBeside(t)
	c := w.add("one")
	w.push("")
	e.away = true
	w.update(func(tx store.Tx) error {
		if err := w.registry.Unregister(tx, c); err != nil {
			return err
		}
		if err := w.queue.Remove(tx, c.Row); err != nil {
			return err
		}
		return tx.DeleteCharm(c.Row)
	})
	w.sync()
	w.update(func(tx store.Tx) error {
		if list, err := tx.Charms(home); err != nil || len(list) != 0 {
			t.Errorf("it came back: %v, %v", list, err)
		}
		return nil
	})
	e.away = false
	w.push("")
	if strings.Contains(w.cellText(), c.ID) {
		t.Errorf("the cell has it still: %s", w.cellText())
	}
}

// Of what happened to a charm while the toolshed was away a person's word there counts.
func TestDisabledHereAndEnabledThere(t *testing.T) {
	t.Parallel()
	w, e := newWorldBeside(t)
	c := w.add("one")
	w.push("")
	disable := func() {
		w.update(func(tx store.Tx) error {
			s := state.Disable(charm.State{}, charm.ByFailures, "failed", time.UnixMilli(5000))
			if err := w.queue.Put(tx, c, s); err != nil {
				return err
			}
			return w.registry.Transition(tx, c, s)
		})
	}
	e.away = true
	disable()
	e.away = false
	w.push("")
	if !strings.Contains(w.cellText(), `"disabledAt":5000`) {
		t.Errorf("the cell was not told: %s", w.cellText())
	}
	w.sync()
	if s := w.state(c); !s.Disabled || s.DisabledBy != charm.ByFailures {
		t.Errorf("what we wrote was taken for a person's: %+v", s)
	}
	w.set("0/disabledAt", "7000")
	w.push("")
	w.sync()
	if s := w.state(c); s.DisabledBy != charm.ByPerson {
		t.Errorf("a person's word was not taken: %+v", s)
	}
}
