package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/fakegoogle"
)

func TestFault14_TokensAreRefreshedBeforeTheyEnd(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{0, 5 * time.Minute, -5 * time.Minute, 26 * time.Hour, -26 * time.Hour} {
		t.Run(fmt.Sprint(skew), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.skewed = skew
			w.connect()
			before := w.refreshes()
			for range 30 { // 5 hours
				w.clock.pass(10 * time.Minute)
				w.runsOK()
			}
			if n := w.refreshes() - before; n < 5 || n > 6 {
				t.Errorf("in 5 hours there were %d refreshes", n)
			}
		})
	}
}

// A clock that is set while the service runs makes at worst a refresh more.
func TestFault14_TheClockIsSet(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{5 * time.Minute, -5 * time.Minute, 400 * day, -400 * day} {
		w := newWorld(t)
		w.connect()
		w.runsOK()
		w.skewed = by
		before := w.refreshes()
		for range 20 {
			w.clock.pass(10 * time.Minute)
			w.runsOK()
		}
		if n := w.refreshes() - before; n > 6 {
			t.Errorf("after the clock was set by %v there were %d refreshes in 200 minutes", by, n)
		}
	}
}

func TestFault14_OneRefreshForAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect()
	w.runsOK()
	stale := w.cell().Token
	w.clock.pass(2 * time.Hour)
	before, hold := w.refreshes(), make(chan struct{})
	w.google.Change(func(r *fakegoogle.Rules) { r.Hold = hold })
	var all sync.WaitGroup
	tokens := make([]string, 50)
	for i := range tokens {
		all.Go(func() {
			if i%2 == 0 {
				if err := w.Prepare(t.Context(), mail, time.Second); err != nil {
					t.Error(err)
				}
			}
			token, loan, err := w.lentTo(mail, w.outgoing(stale))
			if err != nil || loan == nil {
				t.Errorf("%v, %v", loan, err)
			}
			tokens[i] = token
		})
	}
	close(hold)
	all.Wait()
	if n := w.refreshes() - before; n != 1 {
		t.Errorf("50 callers made %d refreshes", n)
	}
	slices.Sort(tokens)
	if got := slices.Compact(tokens); len(got) != 1 || !strings.HasPrefix(got[0], "ya29.") {
		t.Errorf("they got %q", got)
	}
}

// A run that goes on while its token ends, or is ended early, gets the next one.
func TestFault14_ARunningCharmGetsTheNewToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect()
	w.runsOK()
	first, _, err := w.lentTo(mail, w.outgoing(w.cell().Token))
	if err != nil {
		t.Fatal(err)
	}
	w.clock.pass(59*time.Minute + 30*time.Second)
	second, _, err := w.lentTo(mail, w.outgoing(w.cell().Token))
	if err != nil || second == first {
		t.Errorf("just before its end it got the same token: %v", err)
	}
	w.google.Expire()
	if status, err := w.asks(); status != http.StatusOK || err != nil {
		t.Errorf("after a token was ended early the API answered %d, %v", status, err)
	}
	// A host that refuses whatever it is shown does not make a refresh of each request.
	before := w.refreshes()
	for range 20 {
		w.google.Expire()
		w.clock.pass(time.Second)
		if _, err := w.asks(); err != nil {
			t.Error(err)
		}
	}
	if n := w.refreshes() - before; n > 1 {
		t.Errorf("20 requests that were refused made %d refreshes", n)
	}
}

func TestFault14_OutagesOfTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect()
	w.runsOK()
	w.google.Change(func(r *fakegoogle.Rules) { r.Status = http.StatusServiceUnavailable })
	w.clock.pass(56 * time.Minute)
	w.runsOK() // it would be refreshed, and is good as it is
	w.clock.pass(10 * time.Minute)
	before := w.refreshes()
	for range 600 { // 10 minutes
		w.clock.pass(time.Second)
		err := w.runs()
		held, ok := errors.AsType[*egress.Withheld](err)
		if !ok || held.Reconnect || held.NotBefore.Before(w.now()) {
			t.Fatalf("without a token it ended with %v", err)
		}
	}
	if n := w.refreshes() - before; n < 3 || n > 12 {
		t.Errorf("10 minutes of outage, with a run a second, made %d requests", n)
	}
	w.google.Change(func(r *fakegoogle.Rules) { r.Status = 0 })
	w.clock.pass(longestWait)
	w.runsOK()
	if w.counted["refresh google ok"] != 1 || w.counted["refresh google failed"] != w.refreshes()-2 { // the code, and the one that went well
		t.Errorf("of %d requests counted were %v", w.refreshes(), w.counted)
	}
	if c := w.List()[0]; c.State != charm.Connected || len(w.lost) != 0 {
		t.Errorf("afterwards it stands as %+v", c)
	}
}
