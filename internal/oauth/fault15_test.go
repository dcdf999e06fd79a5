package oauth

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/fakegoogle"
)

func TestFault15_RevokedIsToldOnceAndNotAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.connect()
	w.runsOK()
	w.google.Revoke()
	// The API says so first: the token is still good by the clock.
	if _, err := w.asks(); !strings.Contains(reconnect(err), "its Google account ada@example.com must be connected again: ") {
		t.Errorf("the words are %v", err)
	}
	before := w.refreshes()
	for range 1000 {
		w.clock.pass(3 * time.Second)
		if reconnect(w.runs()) == "" {
			t.Fatal("it ran")
		}
	}
	w.restart()
	if reconnect(w.runs()) == "" {
		t.Error("after a restart it ran")
	}
	if n := w.refreshes() - before; n != 0 {
		t.Errorf("in 50 minutes the provider was asked %d times", n)
	}
	for range 10 {
		w.clock.pass(30 * time.Minute)
		if reconnect(w.runs()) == "" {
			t.Fatal("it ran")
		}
	}
	if n := w.refreshes() - before; n != 5 {
		t.Errorf("in 5 hours the provider was asked %d times, want once an hour", n)
	}
	if w.counted["refresh google refused"] != 6 || w.counted["refresh google ok"]+w.counted["refresh google failed"] != 0 {
		t.Errorf("counted were %v", w.counted)
	}
	if len(w.lost) != 1 || w.lost[0].ID != first.ID {
		t.Errorf("told were %+v", w.lost)
	}
	restored := w.restored
	again := w.connect()
	if again.ID != first.ID || again.State != charm.Connected || w.restored != restored+1 {
		t.Errorf("connected again it is %+v", again)
	}
	w.runsOK()
}

// What a provider says by mistake is mended by the try of the next hour.
func TestFault15_ARefusalThatWasAMistake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect()
	w.clock.pass(2 * time.Hour)
	w.google.Change(func(r *fakegoogle.Rules) { r.Strict = true })
	a := w.byID[w.List()[0].ID]
	good := *mustRead(t, w, a)
	bad := good
	bad.Refresh = "1//0eunknown"
	a.tokens = &bad
	if reconnect(w.runs()) == "" {
		t.Fatal("it ran")
	}
	a.tokens = &good
	if reconnect(w.runs()) == "" {
		t.Error("it was tried again at once")
	}
	w.clock.pass(retryAgain)
	restored := w.restored
	w.runsOK()
	if w.restored != restored+1 || len(w.lost) != 1 {
		t.Errorf("restored %d times, lost %d", w.restored-restored, len(w.lost))
	}
}

func mustRead(t *testing.T, w *world, a *account) *tokens {
	t.Helper()
	got, _, err := w.read(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return &got
}

func TestFault15_AccessesOfAnAppInTestingEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.google.Change(func(r *fakegoogle.Rules) { r.Testing = true })
	conn := w.connect()
	if days := conn.Ends.Sub(w.now()); days < 7*day-time.Minute || days > 7*day {
		t.Errorf("it ends in %v", days)
	}
	if words := w.Words(conn.Connection); !strings.Contains(words, "Google ends the access on 2026-01-12 ") || !strings.Contains(words, "in 6 days") && !strings.Contains(words, "in 7 days") {
		t.Errorf("the forecast is %q", words)
	}
	for w.now().Before(conn.Ends) {
		w.runsOK()
		w.clock.pass(3 * time.Hour)
	}
	w.clock.pass(2 * time.Hour) // the last access token
	why := reconnect(w.runs())
	if !strings.Contains(why, "the access ended on 2026-01-12") || !strings.Contains(why, "publishing status is Testing") {
		t.Errorf("the words are %q", why)
	}
	w.connect()
	w.runsOK()
}

func TestFault15_AMissingPermission(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.google.HandleAPI("GET /calendar", "https://www.googleapis.com/auth/calendar.readonly", func(w http.ResponseWriter, _ *http.Request, _ fakegoogle.Account) {})
	w.google.Change(func(r *fakegoogle.Rules) { r.Withheld = []string{"https://www.googleapis.com/auth/calendar.readonly"} })
	conn := w.connect()
	if missing := w.Missing(conn.Connection); len(missing) != 1 || !strings.HasSuffix(missing[0], "calendar.readonly") {
		t.Errorf("missing are %v", missing)
	}
	w.runsOK() // what does not need it works
	out := w.outgoing(w.cell().Token)
	_, loan, err := w.lentTo(mail, out)
	if err != nil {
		t.Fatal(err)
	}
	_, err = loan.Judge(t.Context(), http.StatusForbidden, http.Header{}, []byte(`{"error":{"details":[{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}`))
	if why := reconnect(err); !strings.Contains(why, "without the permission calendar.readonly") {
		t.Errorf("the words are %q", why)
	}
	before := w.refreshes()
	for range 5 {
		w.clock.pass(time.Hour)
		if reconnect(w.runs()) == "" {
			t.Error("it ran")
		}
	}
	if n := w.refreshes() - before; n != 0 || len(w.lost) != 1 {
		t.Errorf("refreshed %d times, told %d times", n, len(w.lost))
	}
	w.google.Change(func(r *fakegoogle.Rules) { r.Withheld = nil })
	if conn = w.connect(); len(w.Missing(conn.Connection)) != 0 {
		t.Errorf("missing are %v", w.Missing(conn.Connection))
	}
	w.runsOK()
}

// Refresh tokens that are replaced at each use survive lost answers, a disk that is
// full, and a death between use and save, as far as the provider allows.
func TestFault15_RotatedRefreshTokens(t *testing.T) {
	t.Parallel()
	t.Run("many", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.google.Change(func(r *fakegoogle.Rules) { r.Rotate, r.Strict = true, true })
		w.connect()
		for i := range 50 {
			w.clock.pass(time.Hour)
			w.runsOK()
			if i%10 == 0 {
				w.restart()
			}
		}
	})
	t.Run("the answer is lost", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.google.Change(func(r *fakegoogle.Rules) { r.Rotate = true })
		w.connect()
		for range 10 {
			w.clock.pass(time.Hour)
			w.google.Change(func(r *fakegoogle.Rules) { r.Forget = 1 })
			if err := w.runs(); err == nil || reconnect(err) != "" {
				t.Fatalf("with the answer lost it ended with %v", err)
			}
			w.clock.pass(firstWait)
			w.runsOK()
		}
	})
	t.Run("the new one is no good", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.google.Change(func(r *fakegoogle.Rules) { r.Rotate = true })
		w.connect()
		w.clock.pass(time.Hour)
		w.runsOK()
		a := w.byID[w.List()[0].ID]
		now := mustRead(t, w, a)
		if now.Previous == "" || now.Previous == now.Refresh {
			t.Fatal("the one before was not kept")
		}
		bad := *now
		bad.Refresh = "1//0ebroken"
		a.tokens = &bad
		w.clock.pass(time.Hour)
		w.runsOK()
		if next := mustRead(t, w, a); next.Previous != now.Previous {
			t.Errorf("the one that worked was not kept until the new one has")
		}
	})
	t.Run("the disk is full", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.google.Change(func(r *fakegoogle.Rules) { r.Rotate, r.Strict = true, true })
		w.connect()
		w.runsOK()
		w.clock.pass(time.Hour)
		w.fill(true)
		if err := w.runs(); err == nil || reconnect(err) != "" || w.counted["refresh google failed"] != 1 {
			t.Fatalf("with the disk full it ended with %v", err)
		}
		before := w.refreshes()
		w.fill(false)
		w.runsOK()
		if n := w.refreshes() - before; n != 0 {
			t.Errorf("what the provider had given was thrown away: %d more refreshes", n)
		}
		w.clock.pass(time.Hour)
		w.restart()
		w.runsOK()
	})
	t.Run("it dies between use and save", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.google.Change(func(r *fakegoogle.Rules) { r.Rotate = true })
		w.connect()
		w.runsOK()
		w.clock.pass(time.Hour)
		w.fill(true)
		if err := w.runs(); err == nil {
			t.Fatal("it ran with a token that is not on disk")
		}
		w.fill(false)
		w.restart() // what was in memory is gone
		w.runsOK()
	})
}

// fill makes the disk full, or no longer.
func (w *world) fill(full bool) {
	w.t.Helper()
	w.mu.Lock()
	w.full = full
	w.mu.Unlock()
	for !full && w.db.Health() != nil { // the store finds out by itself, within a second
		_, _ = w.db.Size()
	}
}
