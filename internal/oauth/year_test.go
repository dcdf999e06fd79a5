package oauth

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/fakegoogle"
)

// A year of one account: tokens that end every hour, outages, lost answers, restarts, a
// disk that is full, clocks that jump, and accesses that are taken back and given again
// by a person who looks twice a day. CHARMD_YEARS says how many of them.
func TestAYearOfOneAccount(t *testing.T) {
	t.Parallel()
	years := 1
	if text := os.Getenv("CHARMD_YEARS"); text != "" {
		var err error
		if years, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	for seed := range years {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			live(t, rand.New(rand.NewPCG(uint64(seed), 2026)))
		})
	}
}

// life is what has happened so far.
type life struct {
	*world
	luck *rand.Rand

	bad      time.Time // until then the provider is not well
	ran      int
	outages  int
	waited   int // runs that had to wait for the provider
	idle     int // runs that had to wait for the person
	revoked  int
	takenOff time.Time // when the access was taken back; zero while it is given
}

func live(t *testing.T, luck *rand.Rand) {
	l := &life{world: newWorld(t), luck: luck}
	l.google.Change(func(r *fakegoogle.Rules) { r.Rotate = true })
	l.connect()
	end := l.clock.now().Add(365 * day)
	for looks := l.clock.now(); l.clock.now().Before(end); l.clock.pass(time.Duration(20+luck.IntN(100)) * time.Minute) {
		l.chance()
		l.run()
		if l.clock.now().Sub(looks) > 12*time.Hour {
			looks = l.clock.now()
			l.person()
		}
	}
	t.Logf("%d runs, %d refreshes, %d outages with %d runs that waited, taken back %d times with %d runs that waited for the person",
		l.ran, l.refreshes(), l.outages, l.waited, l.revoked, l.idle)
	if l.ran < 5000 || l.outages < 20 || l.revoked < 5 {
		t.Error("the year was too quiet to show anything")
	}
	if len(l.lost) != l.revoked {
		t.Errorf("taken back %d times, told %d times", l.revoked, len(l.lost))
	}
	// Quota: no more than a refresh a run and the retries of the outages.
	if n := l.refreshes(); n > l.ran+l.waited+l.revoked*24 {
		t.Errorf("%d runs made %d requests of the token endpoint", l.ran, n)
	}
}

// chance is what befalls the service now and then.
func (l *life) chance() {
	now := l.clock.now()
	if now.After(l.bad) {
		l.google.Change(func(r *fakegoogle.Rules) { r.Status = 0 })
	}
	switch l.luck.IntN(150) {
	case 0:
		l.outages++
		l.bad = now.Add(time.Duration(l.luck.IntN(360)) * time.Minute)
		l.google.Change(func(r *fakegoogle.Rules) { r.Status = []int{500, 502, 503, 429}[l.luck.IntN(4)] })
	case 1:
		l.google.Change(func(r *fakegoogle.Rules) { r.Forget = 1 + l.luck.IntN(2) })
	case 2, 3:
		l.restart()
	case 4:
		l.google.Expire()
	case 5:
		l.skewed = time.Duration(l.luck.IntN(600)-300) * time.Second
	case 6:
		if l.takenOff.IsZero() && now.After(l.bad) && l.luck.IntN(5) == 0 {
			l.revoked++
			l.takenOff = now
			l.google.Revoke()
		}
	}
}

// run is one run: it succeeds, waits for the provider while that is not well, or waits
// for the person after the access was taken back. Nothing else may happen.
func (l *life) run() {
	err := l.Prepare(l.t.Context(), mail, 30*time.Second)
	status := 0
	if err == nil {
		status, err = l.asks()
	}
	held, ok := errors.AsType[*egress.Withheld](err)
	switch {
	case err == nil && status == http.StatusOK && l.takenOff.IsZero():
		l.ran++
	case ok && held.Reconnect && !l.takenOff.IsZero():
		l.idle++
	case ok && !held.NotBefore.IsZero():
		l.waited++
	default:
		l.t.Errorf("at %v, taken back %v, provider unwell until %v: %d, %v", l.clock.now(), l.takenOff, l.bad, status, err)
	}
}

// person looks whether an account is to be connected again, and does it.
func (l *life) person() {
	for _, c := range l.List() {
		if c.State != charm.Disconnected || l.clock.now().Before(l.bad) {
			continue
		}
		l.google.Change(func(r *fakegoogle.Rules) { r.Forget = 0 })
		l.connect()
		l.takenOff = time.Time{}
	}
}
