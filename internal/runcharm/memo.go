package runcharm

import (
	"encoding/json"
	"maps"
	"strings"
	"sync"

	"charmd/internal/memory"
	"charmd/internal/wire"
)

const (
	mostMemoBytes  = 64 << 20 // of all memos
	mostChanges    = 16_384   // documents of a space whose last change is remembered
	mostAllChanges = 131_072  // of all spaces; some 20 MB
	fewChanges     = 1024     // are not looked through for those that no memo needs
)

// memos keep what the last committed run of each charm left for the next one, and
// which documents have changed since: without both, the next run computes all
// anew. They are lost with the service.
type memos struct {
	mu      sync.Mutex
	of      map[string]kept     // by charm
	spaces  map[string]*changes // by DID; of spaces whose charms leave memos
	bytes   int                 // of all memos
	changes int                 // of all spaces
}

type kept struct {
	memo
	space string
}

type memo struct {
	text          json.RawMessage
	recipe        string
	since, commit int64 // the commit that the run saw, and the one it made; 0 for none
}

// changes are the last changes of a space's documents after the commit floor.
type changes struct {
	floor, upTo int64
	last        map[string]int64 // number of the commit, by document
	sweep       int              // how many there are when it is next looked which of them a memo needs
}

func newMemos() *memos { return &memos{of: map[string]kept{}, spaces: map[string]*changes{}} }

// committed notes what a transaction changed.
func (m *memos) committed(e memory.Effect) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.spaces[e.Space]
	if c == nil {
		return
	}
	switch {
	case c.upTo < 0:
		c.floor = e.Since - 1 // it is the first that is told
	case e.Since != c.upTo+1: // whatever was not told is as if it had changed all
		m.forgetChanges(c, e.Since)
	case len(c.last) >= c.sweep:
		m.sweep(e.Space, c)
	}
	for _, change := range e.Changes {
		if _, known := c.last[change.Of]; !known {
			m.changes++
		}
		c.last[change.Of] = e.Since
	}
	c.upTo = e.Since
	if len(c.last) > mostChanges { // too much to remember
		m.forgetChanges(c, e.Since)
	}
	if m.changes > mostAllChanges {
		for _, c := range m.spaces {
			m.forgetChanges(c, c.upTo)
		}
	}
}

func (m *memos) forgetChanges(c *changes, floor int64) {
	m.changes -= len(c.last)
	c.floor, c.last, c.sweep = floor, map[string]int64{}, fewChanges
}

// sweep drops the changes that every memo of the space has seen.
func (m *memos) sweep(space string, c *changes) {
	oldest := c.upTo
	for _, known := range m.of {
		if known.space == space && known.since >= c.floor { // others hold no more
			oldest = min(oldest, known.since)
		}
	}
	before := len(c.last)
	maps.DeleteFunc(c.last, func(_ string, at int64) bool { return at <= oldest })
	m.changes -= before - len(c.last)
	c.floor, c.sweep = max(c.floor, oldest), max(fewChanges, 2*len(c.last))
}

// recall is the memo for a run that sees the commit since, and the ids of the
// documents that others have changed since it was made; nil when there is none
// that holds.
func (m *memos) recall(charm, recipe, space string, since int64) (json.RawMessage, []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.spaces[space]
	if c == nil {
		return nil, nil
	}
	if c.upTo < 0 {
		c.floor, c.upTo = since, since
	}
	last, known := m.of[charm]
	if !known || last.recipe != recipe || last.since < c.floor || c.upTo < since {
		return nil, nil
	}
	if max(last.since, last.commit) > since { // this run was claimed before that
		return nil, nil
	}
	var stale []string
	for of, at := range c.last {
		if at > last.since && at != last.commit {
			stale = append(stale, strings.TrimPrefix(of, memory.Of("")))
		}
	}
	if len(stale) > wire.MaxStale {
		return nil, nil
	}
	return last.text, stale
}

// keep takes the memo of a run whose changes are on disk. From the first memo on,
// the changes of its space are watched; that one itself comes too early.
func (m *memos) keep(charm, space string, next memo) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.spaces[space] == nil {
		m.spaces[space] = &changes{floor: -1, upTo: -1, last: map[string]int64{}, sweep: fewChanges}
		return
	}
	m.bytes += len(next.text) - len(m.of[charm].text)
	if m.bytes > mostMemoBytes {
		clear(m.of)
		m.bytes = len(next.text)
	}
	m.of[charm] = kept{next, space}
}

func (m *memos) forget(charm string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bytes -= len(m.of[charm].text)
	delete(m.of, charm)
}

// remembering keeps what the run leaves for the next one as soon as its changes
// are on disk, or at once when it changed nothing.
func (a *attempt) remembering(r *Result) {
	text := r.Report.Memo
	if text == nil {
		text = a.memo // it is as it was
	}
	if text == nil || a.runner.memory.Copies() {
		return
	}
	charm, space := a.work.Charm.Space+a.work.Charm.ID, a.work.Charm.Space
	next := memo{text: text, recipe: a.recipe.ID, since: a.space.Since}
	if r.Draft == nil {
		a.runner.memos.keep(charm, space, next)
		return
	}
	r.Draft.Committed = func(receipt memory.Receipt) {
		next.commit = receipt.Since
		a.runner.memos.keep(charm, space, next)
	}
}
