package client

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"charmd/internal/charm"
)

func TestWait(t *testing.T) {
	t.Parallel()
	cases := []struct {
		attempt int
		jitter  float64
		want    time.Duration
	}{
		{0, 0, 100 * time.Millisecond},
		{0, 0.5, 75 * time.Millisecond},
		{1, 0, 200 * time.Millisecond},
		{7, 0, 12800 * time.Millisecond},
		{8, 0, 15 * time.Second},
		{8, 1, 7500 * time.Millisecond},
		{15, 0, 15 * time.Second},
		{1 << 40, 0, 15 * time.Second},
	}
	for _, c := range cases {
		if got := wait(c.attempt, c.jitter); got != c.want {
			t.Errorf("wait(%d, %v) is %v, want %v", c.attempt, c.jitter, got, c.want)
		}
	}
}

// refusing is a network on which nobody is there.
type refusing func()

func (f refusing) RoundTrip(*http.Request) (*http.Response, error) {
	f()
	return nil, errors.New("nobody is there")
}

// Attempts get rarer, whoever waits is told why, and it is said once that nobody
// answers.
func TestFault24_AToolshedThatIsAwayIsTriedEverMoreRarely(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tries []time.Time
		var told []error
		c, err := New(Options{
			URL: "http://away.example", Transport: refusing(func() { tries = append(tries, time.Now()) }),
			Changed: func(err error) { told = append(told, err) },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		time.Sleep(5 * time.Minute) // of the bubble's clock
		synctest.Wait()
		if len(tries) < 25 || len(tries) > 60 {
			t.Errorf("%d tries in five minutes", len(tries))
		}
		for i := range slices.Values([]int{0, 3, 6, 20}) {
			gap, most := tries[i+1].Sub(tries[i]), wait(i, 0)
			if gap < most/2 || gap > most {
				t.Errorf("try %d came %v after the one before, want up to %v", i+1, gap, most)
			}
		}
		if len(told) != 1 || charm.CodeOf(told[0]) != charm.CodeUnavailable {
			t.Errorf("told %v, want once that it is unavailable", told)
		}
		_, err = c.Space(owner.DID(), owner).Read(canceled(), docA)
		contains(t, err, "the toolshed at http://away.example cannot be reached: nobody is there")
		if charm.CodeOf(err) != charm.CodeUnavailable {
			t.Errorf("code %s", charm.CodeOf(err))
		}
	})
}
