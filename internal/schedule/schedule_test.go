package schedule

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"charmd/internal/charm"
)

func every(d time.Duration) charm.Charm {
	return charm.Charm{Space: "did:key:zSpace", ID: "baedreicharm", Schedule: charm.Schedule{Every: d}}
}

func TestNextIsTheFirstGridPointAfter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(48*time.Hour)).Draw(t, "every"))
		after := time.Unix(rapid.Int64Range(-1e9, 4e9).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		c := every(d)
		next := Next(c, after)
		if !next.After(after) {
			t.Fatalf("next %v is not after %v", next, after)
		}
		if next.Sub(after) > d {
			t.Fatalf("next %v skips a grid point after %v (every %v)", next, after, d)
		}
		if second := Next(c, next); second.Sub(next) != d {
			t.Fatalf("the grid moves: %v then %v, every %v", next, second, d)
		}
	})
}

func TestMissedRunsAreOneRun(t *testing.T) {
	t.Parallel()
	c := every(time.Minute)
	last := Next(c, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	threeDaysLater := last.Add(72*time.Hour + 10*time.Second)
	next := Next(c, threeDaysLater)
	if wait := next.Sub(threeDaysLater); wait <= 0 || wait > time.Minute {
		t.Errorf("after a suspension the next run waits %v, want at most a minute", wait)
	}
}

func TestPhaseSpreadsCharms(t *testing.T) {
	t.Parallel()
	const n = 600
	var perTenth [10]int
	for i := range n {
		p := Phase("did:key:zSpace", string(rune('a'+i%26))+time.Duration(i).String(), time.Minute)
		if p < 0 || p >= time.Minute {
			t.Fatalf("phase %v outside the interval", p)
		}
		perTenth[p*10/time.Minute]++
	}
	for i, got := range perTenth {
		if got < n/20 || got > n/5 {
			t.Errorf("%d of %d charms are due in tenth %d of the minute", got, n, i)
		}
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for attempt, want := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 6: 30 * time.Second, 100: 30 * time.Second} {
		if got := Backoff(attempt, 0); got != want {
			t.Errorf("Backoff(%d) = %v, want %v", attempt, got, want)
		}
		if got := Backoff(attempt, 0.999); got < want || got > want+want/4 {
			t.Errorf("Backoff(%d) with jitter = %v, want within a quarter over %v", attempt, got, want)
		}
	}
}

func TestProbeDoublesToADay(t *testing.T) {
	t.Parallel()
	wait := time.Duration(0)
	var got []time.Duration
	for range 12 {
		wait = Probe(wait)
		got = append(got, wait)
	}
	if got[0] != 5*time.Minute || got[1] != 10*time.Minute || got[11] != 24*time.Hour {
		t.Errorf("probes wait %v", got)
	}
}
