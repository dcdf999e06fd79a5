package queue

import (
	"container/heap"
	"slices"
	"time"

	"charmd/internal/charm"
)

// order is the charms that wait for a run: those that are not due yet by time,
// those that are due in one line for each space.
//
// Spaces take turns by the worker time their runs have used (fair queueing by
// virtual time, which gives each the share that deficit round robin would, and
// lets a space that has just got something due go ahead of the busy ones instead
// of waiting for a round). Inside a space the highest priority goes first, then
// what is due longest; what has waited for charm.MaxWait goes before all.
type order struct {
	slots int // runs in flight that keep the workers busy; 0 means no bound
	later dueHeap
	lines map[string]*line
	turns turns
	clock time.Duration // virtual time of the line served last
}

// line is what is due in one space.
type line struct {
	space    string
	lanes    []*lane       // those that hold something, highest priority first
	used     time.Duration // virtual time: worker time of its runs, those in flight as far as they are expected to take
	inFlight int
	index    int // in turns; -1 when nothing is due
}

// lane is what is due in a space with one priority.
type lane struct {
	line     *line
	priority int
	due      dueHeap
}

// unknownCost is the worker time a charm that never ran is expected to take, and
// leastCost what any run takes at least: the clock of records is that coarse.
const (
	unknownCost = 20 * time.Millisecond
	leastCost   = time.Millisecond
)

func newOrder(slots int) order { return order{slots: slots, lines: map[string]*line{}} }

// put makes e wait until it is due. It reports whether e is the next of those
// that wait for a time.
func (o *order) put(e *entry, due time.Time) bool {
	o.remove(e)
	e.due = due
	o.later.add(e)
	return o.later.first() == e
}

// remove takes e out, wherever it waits.
func (o *order) remove(e *entry) {
	if e.heap == nil {
		return
	}
	e.heap.drop(e)
	if l := e.lane; l != nil {
		e.lane = nil
		o.emptied(l)
	}
}

// emptied takes a lane that holds nothing away, and its line out of turn when it
// was the last one.
func (o *order) emptied(l *lane) {
	if len(l.due) > 0 {
		return
	}
	l.line.lanes = slices.DeleteFunc(l.line.lanes, func(other *lane) bool { return other == l })
	if len(l.line.lanes) == 0 {
		heap.Remove(&o.turns, l.line.index)
		o.forget(l.line)
	}
}

// forget drops a line that holds nothing and owes nothing: spaces come and go.
func (o *order) forget(l *line) {
	if len(l.lanes) == 0 && l.inFlight == 0 && l.used <= o.clock {
		delete(o.lines, l.space)
	}
}

// next is the entry whose turn it is, left where it is, or how long until one is due.
func (o *order) next(now time.Time) (*entry, time.Duration) {
	for e := o.later.first(); e != nil && !e.due.After(now); e = o.later.first() {
		o.later.drop(e)
		o.ripen(e)
	}
	if l := o.turn(); l != nil {
		return l.first(now), 0
	}
	if e := o.later.first(); e != nil {
		return nil, e.due.Sub(now)
	}
	return nil, longestSleep
}

// ripen puts an entry that has become due into its line.
func (o *order) ripen(e *entry) {
	l := o.line(e.charm.Space)
	at, found := slices.BinarySearchFunc(l.lanes, e.charm.Priority, func(lane *lane, priority int) int { return priority - lane.priority })
	if !found {
		l.lanes = slices.Insert(l.lanes, at, &lane{line: l, priority: e.charm.Priority})
	}
	e.lane = l.lanes[at]
	e.lane.due.add(e)
	if l.index < 0 {
		// What it did not use while nothing of it was due is not saved up.
		l.used = max(l.used, o.clock)
		heap.Push(&o.turns, l)
	}
}

func (o *order) line(space string) *line {
	l := o.lines[space]
	if l == nil {
		l = &line{space: space, index: -1}
		o.lines[space] = l
	}
	return l
}

// turn is the line whose turn it is. One that holds half of the slots waits while
// others have something due.
func (o *order) turn() *line {
	if len(o.turns) == 0 {
		return nil
	}
	var full []*line // at most two lines hold half of the slots
	defer func() {
		for _, l := range full {
			heap.Push(&o.turns, l)
		}
	}()
	for len(o.turns) > 0 {
		l := o.turns[0]
		if o.slots == 0 || l.inFlight < max(o.slots/2, 1) {
			return l
		}
		full = append(full, heap.Pop(&o.turns).(*line))
	}
	return full[0] // nobody else waits
}

// first is the entry of the line that goes first.
func (l *line) first(now time.Time) *entry {
	best := l.lanes[0].due.first()
	for _, lane := range l.lanes[1:] {
		if e := lane.due.first(); now.Sub(e.due) >= charm.MaxWait && e.due.Before(best.due) {
			best = e
		}
	}
	return best
}

// take takes the entry that next returned out, and charges its space with the
// time that it will probably take.
func (o *order) take(e *entry) {
	l := e.lane.line
	o.clock = max(o.clock, l.used)
	l.inFlight++ // first, so that the line stays when this was the last of it
	o.remove(e)
	e.charged = e.state.AverageTime()
	if e.state.Executions == 0 {
		e.charged = unknownCost
	}
	e.charged = max(e.charged, leastCost)
	o.charge(l, e.charged)
}

// settle ends the flight of e, which took the time.
func (o *order) settle(e *entry, took time.Duration) {
	l := o.line(e.charm.Space)
	l.inFlight--
	o.charge(l, took-e.charged)
	e.charged = 0
	o.forget(l)
}

func (o *order) charge(l *line, d time.Duration) {
	l.used += d
	if l.index >= 0 {
		heap.Fix(&o.turns, l.index)
	}
}

// turns orders lines by the virtual time they have used, then by name.
type turns []*line

func (t turns) Len() int { return len(t) }

func (t turns) Less(i, j int) bool {
	if t[i].used != t[j].used {
		return t[i].used < t[j].used
	}
	return t[i].space < t[j].space
}

func (t turns) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].index, t[j].index = i, j
}

func (t *turns) Push(x any) {
	l := x.(*line)
	l.index = len(*t)
	*t = append(*t, l)
}

func (t *turns) Pop() any {
	old := *t
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	l.index = -1
	return l
}
