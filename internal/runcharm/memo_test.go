package runcharm

import (
	"encoding/json"
	"fmt"
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
		{"by a run that this one does not see", func(m *memos) { // it was claimed before that, with what it begins with
			m.committed(effect(11, "a"))
			m.keep("c", "s", memo{text, "r", 10, 11})
		}, 10, true, nil},
		{"by a run that saw more than this one", func(m *memos) {
			m.committed(effect(11, "a"))
			m.keep("c", "s", memo{text, "r", 11, 0})
		}, 10, true, nil},
		{"by another recipe", func(m *memos) { m.keep("c", "s", memo{text, "other", 10, 0}) }, 10, true, nil},
		{"forgotten", func(m *memos) { m.keep("c", "s", memo{text, "r", 10, 0}); m.forget("c") }, 10, true, nil},
		{"just before the space was watched", func(m *memos) { // by commit 10, as that of the first memo
			m.committed(effect(11, "b"))
			m.keep("c", "s", memo{text, "r", 9, 0})
		}, 11, true, nil},
		{"swept away", func(m *memos) {
			m.keep("c", "s", memo{text, "r", 10, 0})
			for i := range int64(10) { // of a charm that has seen the last of them
				m.committed(effect(11+i, documents(int(1000*i), 1000)...))
				m.keep("d", "s", memo{text, "r", 11 + i, 0})
				m.keep("c", "s", memo{text, "r", 11 + i, 0})
			}
			m.committed(effect(21, "b"))
		}, 21, false, []string{"b"}},
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

func documents(from, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprint(from + i)
	}
	return ids
}

// Changes that all memos have seen are dropped, and all spaces together are bounded.
func TestChangesAreBounded(t *testing.T) {
	t.Parallel()
	m := newMemos()
	total := func() (n int) {
		for _, c := range m.spaces {
			n += len(c.last)
		}
		return n
	}
	watch := func(space string) {
		m.keep(space, space, memo{recipe: "r"})
		m.keep(space, space, memo{json.RawMessage(`{}`), "r", 0, 0})
	}
	told := func(space string, since int64, n int) {
		e := effect(since, documents(int(since)*n, n)...)
		e.Space = space
		m.committed(e)
	}
	watch("seen")
	for i := range int64(100) {
		told("seen", i+1, 100)
		m.keep("seen", "seen", memo{json.RawMessage(`{}`), "r", i + 1, 0})
	}
	if n := total(); n > 2*fewChanges || n != m.changes {
		t.Errorf("%d changes are kept that the only memo has seen, %d are counted", n, m.changes)
	}
	if text, stale := m.recall("seen", "r", "seen", 100); text == nil || stale != nil {
		t.Errorf("the memo is %s, %v", text, stale)
	}
	for s := range 20 {
		space := fmt.Sprint("unseen", s)
		watch(space)
		for i := range int64(10) {
			told(space, i+1, 1000)
			if n := total(); n > mostAllChanges || n != m.changes {
				t.Fatalf("%d changes are kept, %d are counted", n, m.changes)
			}
		}
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
