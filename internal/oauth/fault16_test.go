package oauth

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/fakegoogle"
)

// Answers that fit no beginning in their session are refused, and nothing is connected
// by them.
func TestFault16_ForgedAnswers(t *testing.T) {
	t.Parallel()
	type step func(w *world, mine Begun, answer Answer) (provider, session string, forged Answer)
	for name, forge := range map[string]step{
		"a state that was never given": func(_ *world, _ Begun, a Answer) (string, string, Answer) {
			a.State = "AAAAAAAAAAAAAAAAAAAAAAAAAA"
			return "google", "mine", a
		},
		"no state": func(_ *world, _ Begun, a Answer) (string, string, Answer) {
			a.State = ""
			return "google", "mine", a
		},
		"the state of another session": func(_ *world, _ Begun, a Answer) (string, string, Answer) { return "google", "theirs", a },
		"no session":                   func(_ *world, _ Begun, a Answer) (string, string, Answer) { return "google", "", a },
		"another provider":             func(_ *world, _ Begun, a Answer) (string, string, Answer) { return "github", "mine", a },
		"too late": func(w *world, _ Begun, a Answer) (string, string, Answer) {
			w.clock.pass(loginLasts + time.Second)
			return "google", "mine", a
		},
		"an answer before it": func(w *world, _ Begun, a Answer) (string, string, Answer) {
			_, _ = w.Finish(w.t.Context(), "google", "mine", Answer{State: a.State, Error: "access_denied"})
			return "google", "mine", a
		},
		"another issuer": func(w *world, _ Begun, a Answer) (string, string, Answer) {
			p := w.o.Providers["google"]
			p.Issuer = "https://accounts.google.com"
			w.o.Providers["google"] = p
			a.Issuer = "https://evil.example"
			return "google", "mine", a
		},
	} {
		w := newWorld(t)
		begun := w.begin("mine")
		provider, session, answer := forge(w, begun, w.allow(begun))
		before := w.refreshes()
		_, err := w.Finish(t.Context(), provider, session, answer)
		if !errors.Is(err, ErrForged) || charm.CodeOf(err) != charm.CodeForbidden {
			t.Errorf("%s: %v", name, err)
		}
		if len(w.List()) != 0 || w.refreshes() != before || len(w.cells) != 0 {
			t.Errorf("%s: something was connected, or the code used", name)
		}
		if w.counted["answer forged"] != 1 {
			t.Errorf("%s: counted were %v", name, w.counted)
		}
	}
}

func TestFault16_AnAnswerIsGoodOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	answer := w.allow(w.begin("mine"))
	if _, err := w.Finish(t.Context(), "google", "mine", answer); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(t.Context(), "google", "mine", answer); !errors.Is(err, ErrForged) {
		t.Errorf("again: %v", err)
	}
}

// A code that was made for somebody else's flow is of no use in mine, although the
// state is mine: the verifier is another.
func TestFault16_ACodeOfAnotherFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	theirs := w.allow(w.begin("theirs"))
	mine := w.allow(w.begin("mine"))
	mine.Code = theirs.Code
	_, err := w.Finish(t.Context(), "google", "mine", mine)
	if charm.CodeOf(err) != charm.CodeUnavailable || !strings.Contains(err.Error(), "invalid_grant") || strings.Contains(err.Error(), theirs.Code) {
		t.Errorf("it ended with %v", err)
	}
	if len(w.List()) != 0 {
		t.Error("it is connected")
	}
}

func TestFault16_ManyBeginningsForgetTheOldest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.allow(w.begin("mine"))
	var last Begun
	for range mostLogins {
		w.clock.pass(time.Millisecond)
		last = w.begin("mine")
	}
	if n := len(w.logins); n > mostLogins {
		t.Errorf("%d are remembered", n)
	}
	if _, err := w.Finish(t.Context(), "google", "mine", first); !errors.Is(err, ErrForged) {
		t.Errorf("the oldest: %v", err)
	}
	if _, err := w.Finish(t.Context(), "google", "mine", w.allow(last)); err != nil {
		t.Errorf("the newest: %v", err)
	}
}

// What a person is sent away with holds no secret, and each time another state.
func TestFault16_TheAddressGivesNothingAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.begin("mine"), w.begin("mine")
	if one.State == two.State || len(one.State) < 26 {
		t.Errorf("the states are %q and %q", one.State, two.State)
	}
	u, err := url.Parse(one.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Get("redirect_uri") != "http://127.0.0.1:8000/back" || q.Get("code_challenge_method") != "S256" || q.Get("state") != one.State {
		t.Errorf("the address is %s", one.URL)
	}
	for _, secret := range []string{w.logins[one.State].verifier, fakegoogle.ClientSecret, home, mail.ID, authPlace.ID} {
		if strings.Contains(one.URL, secret) {
			t.Errorf("the address %s holds %s", one.URL, secret)
		}
	}
	w.google.Change(func(r *fakegoogle.Rules) { r.Denied = true })
	if _, err := w.Finish(t.Context(), "google", "mine", w.allow(two)); charm.CodeOf(err) != charm.CodeInvalid || err.Error() != "the access was not allowed: access_denied" {
		t.Errorf("what the person refused ended with %v", err)
	}
}
