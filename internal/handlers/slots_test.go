package handlers

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"charmd/internal/charm"
)

// bench is slots, and who was given one in what order.
type bench struct {
	slots *Slots
	order []string
	leave map[string]func()
}

// ask asks for a slot for an act, whose first letter is its space.
func (b *bench) ask(act string) {
	go func() {
		leave, err := b.slots.take(context.Background(), act[:1])
		if err == nil {
			b.order = append(b.order, act)
			b.leave[act] = leave
		}
	}()
	synctest.Wait()
}

func (b *bench) done(acts ...string) {
	for _, act := range acts {
		b.leave[act]()
		synctest.Wait()
	}
}

// However many acts of one space hang, those of others find a slot.
func TestSlotsAreShared(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		slots int
		do    func(b *bench)
		want  []string
	}{
		{"one space leaves others room", 4, func(b *bench) {
			for _, act := range []string{"a1", "a2", "a3", "a4", "b1", "c1"} {
				b.ask(act)
			}
			b.done("a1", "a2", "a3")
		}, []string{"a1", "a2", "b1", "c1", "a3", "a4"}},
		{"a space that had one comes after others", 1, func(b *bench) {
			for _, act := range []string{"a1", "a2", "a3", "b1", "c1"} {
				b.ask(act)
			}
			b.done("a1", "b1", "c1", "a2")
		}, []string{"a1", "b1", "c1", "a2", "a3"}},
		{"two slots are for two spaces", 2, func(b *bench) {
			for _, act := range []string{"a1", "a2", "b1", "c1"} {
				b.ask(act)
			}
			b.done("b1", "c1", "a1")
		}, []string{"a1", "b1", "c1", "a2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := &bench{slots: NewSlots(c.slots), leave: map[string]func(){}}
				c.do(b)
				if !slices.Equal(b.order, c.want) {
					t.Errorf("slots were given to %v, want %v", b.order, c.want)
				}
			})
		})
	}
}

// Who does not wait any more holds nothing and keeps nobody.
func TestWhoStopsWaitingHoldsNoSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewSlots(1)
		leave, err := s.take(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		gone := errors.New("gone")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, gone)
		defer cancel()
		if _, err := s.take(ctx, "b"); !errors.Is(err, gone) {
			t.Errorf("who stops waiting is told %v", err)
		}
		leave()
		leave, err = s.take(t.Context(), "c")
		if err != nil {
			t.Fatal(err)
		}
		leave()
		if s.free != 1 || len(s.held) != 0 || len(s.waiting) != 0 {
			t.Errorf("at the end %d are free, %v hold some and %d wait", s.free, s.held, len(s.waiting))
		}
	})
}

func TestActsAreShort(t *testing.T) {
	t.Parallel()
	h := &Interact{Timeout: 2 * time.Minute}
	for own, want := range map[time.Duration]time.Duration{0: 30 * time.Second, time.Second: time.Second, 10 * time.Minute: 30 * time.Second} {
		if got := h.within(charm.Charm{Timeout: own}); got != want {
			t.Errorf("an act of a charm with the timeout %v may take %v, want %v", own, got, want)
		}
	}
}
