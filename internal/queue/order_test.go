package queue

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"charmd/internal/charm"
)

var morning = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// waiting puts a charm of a space into the order.
func (o *order) waiting(space string, row int64, due time.Time, change ...func(*entry)) *entry {
	e := &entry{charm: charm.Charm{Row: row, Space: space}}
	for _, fn := range change {
		fn(e)
	}
	o.put(e, due)
	return e
}

func priority(p int) func(*entry) { return func(e *entry) { e.charm.Priority = p } }

func TestInsideASpacePriorityThenOldestDue(t *testing.T) {
	t.Parallel()
	o := newOrder(0)
	o.waiting("s", 1, morning.Add(1*time.Second))
	o.waiting("s", 2, morning)
	o.waiting("s", 3, morning.Add(2*time.Second), priority(5))
	o.waiting("s", 4, morning.Add(time.Hour), priority(9))
	for _, want := range []int64{3, 2, 1} {
		e, _ := o.next(morning.Add(3 * time.Second))
		if e == nil || e.charm.Row != want {
			t.Fatalf("next is %+v, want charm %d", e, want)
		}
		o.take(e)
	}
	if e, wait := o.next(morning.Add(30 * time.Minute)); e != nil || wait != 30*time.Minute {
		t.Errorf("next is %+v in %v, want nothing for half an hour", e, wait)
	}
}

func TestWhatWaitedLongGoesBeforeAll(t *testing.T) {
	t.Parallel()
	o := newOrder(0)
	o.waiting("s", 1, morning, priority(-3))
	o.waiting("s", 2, morning.Add(time.Second), priority(-3))
	o.waiting("s", 3, morning.Add(charm.MaxWait), priority(9))
	if e, _ := o.next(morning.Add(charm.MaxWait - time.Nanosecond)); e.charm.Row != 1 {
		t.Fatalf("charm %d is first while only one is due", e.charm.Row)
	}
	if e, _ := o.next(morning.Add(charm.MaxWait)); e.charm.Row != 1 {
		t.Errorf("after %v of waiting charm %d goes first", charm.MaxWait, e.charm.Row)
	} else {
		o.take(e)
	}
	if e, _ := o.next(morning.Add(charm.MaxWait)); e.charm.Row != 3 {
		t.Errorf("one that has not waited so long went before the highest priority")
	}
}

// served lets runs of the given length go by, with some of them in flight at once,
// every charm due again as soon as it ended, and counts them by space.
func served(o *order, runs, inFlight int, took func(*entry) time.Duration) (counts map[string]int, busy map[string]time.Duration) {
	counts, busy = map[string]int{}, map[string]time.Duration{}
	var flying []*entry
	now := morning
	for range runs {
		for len(flying) >= inFlight {
			e := flying[0]
			flying = flying[1:]
			d := took(e)
			e.state.Executions++
			e.state.SumTime += d
			o.settle(e, d)
			busy[e.charm.Space] += d
			now = now.Add(time.Millisecond)
			o.put(e, now)
		}
		e, _ := o.next(now)
		o.take(e)
		counts[e.charm.Space]++
		flying = append(flying, e)
	}
	return counts, busy
}

func TestSpacesShareTheWorkersEvenly(t *testing.T) {
	t.Parallel()
	o := newOrder(20)
	row := int64(0)
	for space, charms := range map[string]int{"huge": 500, "large": 100, "middle": 20, "small": 5} {
		for range charms {
			row++
			o.waiting(space, row, morning)
		}
	}
	counts, _ := served(&o, 4000, 4, func(*entry) time.Duration { return 5 * time.Millisecond })
	for space, n := range counts {
		if n < 900 || n > 1100 {
			t.Errorf("%s had %d of 4000 runs, want a quarter within a tenth: %v", space, n, counts)
		}
	}
}

// A space whose runs take ten times as long gets the same time, not the same runs.
func TestTimeIsShared(t *testing.T) {
	t.Parallel()
	o := newOrder(20)
	for row := range int64(20) {
		o.waiting("slow", row, morning)
		o.waiting("quick", 100+row, morning)
	}
	_, busy := served(&o, 5500, 4, func(e *entry) time.Duration {
		if e.charm.Space == "slow" {
			return 50 * time.Millisecond
		}
		return 5 * time.Millisecond
	})
	if r := float64(busy["slow"]) / float64(busy["quick"]); r < 0.9 || r > 1.1 {
		t.Errorf("time was shared %v: ratio %.2f", busy, r)
	}
}

func TestANewcomerIsNotLateBehindAManyCharms(t *testing.T) {
	t.Parallel()
	o := newOrder(20)
	for row := range int64(500) {
		o.waiting("many", row, morning)
	}
	for range 100 {
		e, _ := o.next(morning)
		o.take(e)
		o.settle(e, 3*time.Millisecond)
	}
	o.waiting("one", 1000, morning.Add(time.Second))
	if e, _ := o.next(morning.Add(time.Second)); e.charm.Space != "one" {
		t.Errorf("the space with one charm waits behind the one with 500")
	}
}

// A space that was quiet does not save up turns.
func TestIdleTimeIsNotSavedUp(t *testing.T) {
	t.Parallel()
	o := newOrder(20)
	for row := range int64(10) {
		o.waiting("busy", row, morning)
	}
	served(&o, 1000, 1, func(*entry) time.Duration { return 10 * time.Millisecond })
	for row := range int64(200) {
		o.waiting("woken", 100+row, morning)
	}
	counts, _ := served(&o, 100, 1, func(*entry) time.Duration { return 10 * time.Millisecond })
	if counts["busy"] < 30 {
		t.Errorf("after a quiet time one space had %v", counts)
	}
}

func TestOneSpaceHoldsAtMostHalfWhileOthersWait(t *testing.T) {
	t.Parallel()
	o := newOrder(10)
	hog := func(e *entry) { e.state.Executions, e.state.SumTime = 1, time.Nanosecond } // seems to cost nothing
	for row := range int64(30) {
		o.waiting("hog", row, morning, hog)
	}
	take := func() string {
		e, _ := o.next(morning)
		if e == nil {
			return ""
		}
		o.take(e)
		return e.charm.Space
	}
	for range 8 {
		if got := take(); got != "hog" {
			t.Fatalf("alone, %q got the slot", got)
		}
	}
	dear := func(e *entry) { e.state.Executions, e.state.SumTime = 1, time.Hour }
	for row := range int64(3) {
		o.waiting("other", 100+row, morning, dear)
	}
	for n := range 3 {
		if got := take(); got != "other" {
			t.Errorf("slot %d went to %q though the hog holds more than half", n, got)
		}
	}
	if got := take(); got != "hog" {
		t.Errorf("with nobody else waiting %q got the slot", got)
	}
}

// Whatever is put, moved, removed, taken and settled: each due entry comes once,
// and none is kept.
func TestOrderLosesNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		o := newOrder(r.IntN(8))
		in := map[*entry]bool{}
		var flying []*entry
		now := morning
		for step := range 400 {
			switch r.IntN(6) {
			case 0, 1:
				in[o.waiting(fmt.Sprint("s", r.IntN(4)), int64(step), now.Add(time.Duration(r.IntN(5000))*time.Millisecond), priority(r.IntN(3)))] = true
			case 2:
				for e := range in {
					if r.IntN(2) == 0 {
						o.put(e, now.Add(time.Duration(r.IntN(9000))*time.Millisecond))
					} else {
						o.remove(e)
						delete(in, e)
					}
					break
				}
			case 3:
				now = now.Add(time.Duration(r.IntN(1500)) * time.Millisecond)
			case 4:
				e, wait := o.next(now)
				if e == nil {
					for other := range in {
						if !other.due.After(now) || other.due.Sub(now) < wait {
							t.Fatalf("seed %d: charm %d is due at %v and next says wait %v", seed, other.charm.Row, other.due, wait)
						}
					}
					continue
				}
				if !in[e] || e.due.After(now) {
					t.Fatalf("seed %d: charm %d came though it is not due", seed, e.charm.Row)
				}
				o.take(e)
				delete(in, e)
				flying = append(flying, e)
			case 5:
				if len(flying) > 0 {
					o.settle(flying[0], time.Duration(r.IntN(100))*time.Millisecond)
					flying = flying[1:]
				}
			}
		}
		now = now.Add(time.Hour)
		for len(in) > 0 {
			e, _ := o.next(now)
			if e == nil || !in[e] {
				t.Fatalf("seed %d: %d entries are left and next is %v", seed, len(in), e)
			}
			o.take(e)
			delete(in, e)
		}
		if e, _ := o.next(now); e != nil {
			t.Fatalf("seed %d: charm %d came twice", seed, e.charm.Row)
		}
	}
}

func BenchmarkPick(b *testing.B) {
	for _, backlog := range []int{100, 10_000, 1_000_000} {
		b.Run(fmt.Sprint(backlog), func(b *testing.B) {
			o := newOrder(20)
			for row := range backlog {
				o.waiting(fmt.Sprint("space-", row%100), int64(row), morning.Add(time.Duration(row)))
			}
			o.next(morning.Add(time.Hour)) // all become due
			now := morning.Add(time.Hour)
			b.ResetTimer()
			for b.Loop() {
				e, _ := o.next(now)
				o.take(e)
				o.settle(e, 3*time.Millisecond)
				o.put(e, now)
			}
		})
	}
}
