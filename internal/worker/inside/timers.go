package inside

import (
	"container/heap"
	"fmt"
	"slices"
	"strings"
	"time"
)

// timer waits in real time, and moves the run's clock when it fires.
type timer struct {
	op     float64   // the runtime's number
	due    time.Time // real
	at     float64   // the same on the run's clock, ms
	period float64   // ms
	repeat bool
	late   bool // due after the deadline, so nobody waits for it
	order  int
	slot   int // in the heap
}

// timers are those of a run, by due time.
type timers struct {
	list  timerHeap
	byOp  map[float64]*timer
	live  int // one-shot timers that the run waits for
	count int
}

const maxDelay = 1e10 // ms; about four months, longer than any run

// start sets a timer. A delay that is no number is none.
func (t *timers) start(r *run, op, ms float64, repeat bool) {
	if !(ms > 0) {
		ms = 0
	}
	ms = min(ms, maxDelay)
	if repeat {
		ms = max(ms, 1)
	}
	t.cancel(op)
	due := r.time().Add(time.Duration(ms * float64(time.Millisecond)))
	t.count++
	e := &timer{op: op, due: due, at: r.clock.now + ms, period: ms, repeat: repeat, late: due.After(r.deadline), order: t.count}
	if t.byOp == nil {
		t.byOp = map[float64]*timer{}
	}
	t.byOp[op] = e
	heap.Push(&t.list, e)
	if e.live() {
		t.live++
	}
}

// live reports whether the run waits for the timer.
func (e *timer) live() bool { return !e.repeat && !e.late }

func (t *timers) cancel(op float64) {
	if e := t.byOp[op]; e != nil {
		heap.Remove(&t.list, e.slot)
		t.forget(e)
	}
}

func (t *timers) forget(e *timer) {
	delete(t.byOp, e.op)
	if e.live() {
		t.live--
	}
}

// next is when the next timer is due; false when there is none.
func (t *timers) next() (time.Time, bool) {
	if len(t.list) == 0 {
		return time.Time{}, false
	}
	return t.list[0].due, true
}

// fire takes the next timer if it is due now. An interval is set again, without
// the times that were missed.
func (t *timers) fire(c *clock, now time.Time) (op float64, fired bool) {
	if len(t.list) == 0 || t.list[0].due.After(now) {
		return 0, false
	}
	e := t.list[0]
	c.moveTo(e.at)
	if e.repeat {
		step := time.Duration(e.period * float64(time.Millisecond))
		missed := now.Sub(e.due) / step
		e.due = e.due.Add((missed + 1) * step)
		e.at += float64(missed+1) * e.period
		heap.Fix(&t.list, 0)
	} else {
		heap.Pop(&t.list)
		t.forget(e)
	}
	return e.op, true
}

// cancelled says what the end of the run puts an end to; "" when it is nothing.
func (t *timers) cancelled() string {
	const most = 5
	if len(t.list) == 0 {
		return ""
	}
	left := slices.SortedFunc(slices.Values(t.list), func(a, b *timer) int { return a.order - b.order })
	var what []string
	for _, e := range left[:min(len(left), most)] {
		if e.repeat {
			what = append(what, fmt.Sprintf("an interval of %.0f ms", e.period))
		} else {
			what = append(what, fmt.Sprintf("a timeout of %.0f ms, due after the run's deadline", e.period))
		}
	}
	if len(left) > most {
		what = append(what, "…")
	}
	if len(left) == 1 {
		return "1 timer was cancelled at the end of the run: " + what[0]
	}
	return fmt.Sprintf("%d timers were cancelled at the end of the run: %s", len(left), strings.Join(what, "; "))
}

// timerHeap orders timers by due time, those due at once by age.
type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if !h[i].due.Equal(h[j].due) {
		return h[i].due.Before(h[j].due)
	}
	return h[i].order < h[j].order
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}

func (h *timerHeap) Push(x any) {
	e := x.(*timer)
	e.slot = len(*h)
	*h = append(*h, e)
}

func (h *timerHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
