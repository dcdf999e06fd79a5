package runcharm

import (
	"encoding/json"
	"slices"
	"testing"

	"charmd/internal/memory"
	"charmd/internal/wire"

	"github.com/google/go-cmp/cmp"
)

func effect(since int64, ids ...string) memory.Effect {
	e := memory.Effect{Space: "s", Since: since}
	for _, id := range ids {
		e.Changes = append(e.Changes, memory.Change{The: memory.JSON, Of: memory.Of(id)})
	}
	return e
}

func TestWhatOthersChangedIsTold(t *testing.T) {
	t.Parallel()
	text := json.RawMessage(`{}`)
	begin := func() *memos {
		m := newMemos()
		m.keep("c", "s", memo{text: text, recipe: "r", since: 10}) // too early
		if got, _ := m.recall("c", "r", "s", 10); got != nil {
			t.Errorf("a memo of before the space was watched is given: %s", got)
		}
		return m
	}
	tests := []struct {
		name  string
		do    func(m *memos)
		since int64
		gone  bool
		stale []string
	}{
		{"nothing", func(m *memos) { m.keep("c", "s", memo{text, "r", 10, 0}) }, 10, false, nil},
		{"by the run itself", func(m *memos) { m.committed(effect(11, "a")); m.keep("c", "s", memo{text, "r", 10, 11}) }, 11, false, nil},
		{"while it ran, and after", func(m *memos) {
			m.committed(effect(11, "b"))
			m.committed(effect(12, "a", "c"))
			m.keep("c", "s", memo{text, "r", 10, 12})
			m.committed(effect(13, "c", "d"))
		}, 13, false, []string{"b", "c", "d"}},
		{"not told yet", func(m *memos) { m.keep("c", "s", memo{text, "r", 10, 0}) }, 11, true, nil},
		{"one was never told", func(m *memos) { m.keep("c", "s", memo{text, "r", 10, 0}); m.committed(effect(12, "a")) }, 12, true, nil},
		{"by another recipe", func(m *memos) { m.keep("c", "s", memo{text, "other", 10, 0}) }, 10, true, nil},
		{"forgotten", func(m *memos) { m.keep("c", "s", memo{text, "r", 10, 0}); m.forget("c") }, 10, true, nil},
		{"too much", func(m *memos) {
			m.keep("c", "s", memo{text, "r", 10, 0})
			for i := range int64(wire.MaxStale + 1) {
				m.committed(effect(11+i, string(rune('a'+i))))
			}
		}, 11 + wire.MaxStale, true, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := begin()
			tt.do(m)
			got, stale := m.recall("c", "r", "s", tt.since)
			if (got == nil) != tt.gone {
				t.Errorf("memo %s", got)
			}
			slices.Sort(stale)
			if diff := cmp.Diff(tt.stale, stale); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// All memos together are bounded.
func TestMemosAreBounded(t *testing.T) {
	t.Parallel()
	m := newMemos()
	m.keep("", "s", memo{})
	big := make(json.RawMessage, mostMemoBytes/4)
	for _, charm := range []string{"a", "b", "c", "d", "d", "e"} {
		m.keep(charm, "s", memo{text: big})
	}
	if len(m.of) != 1 || m.bytes != len(big) {
		t.Errorf("%d memos, %d bytes", len(m.of), m.bytes)
	}
}
