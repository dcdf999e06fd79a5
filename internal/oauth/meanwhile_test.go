package oauth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/fakegoogle"
	"charmd/internal/store"
)

// cellsBefore are cells with which something happens right before they are changed.
type cellsBefore struct {
	*world
	change func()
}

func (c cellsBefore) ChangeCell(ctx context.Context, space string, at charm.AuthCell, change func([]byte) []byte, then func(store.Tx) error) error {
	c.change()
	return c.world.ChangeCell(ctx, space, at, change, then)
}

// other is an account that a toolshed which keeps tokens in cells has put there.
const other = `{"token":"ya29.theirs","tokenType":"Bearer","scope":["email"],"expiresIn":3599,"refreshToken":"1//0theirs","expiresAt":1767600000000,
	"user":{"email":"bob@example.com","name":"Bob","picture":""}}`

// What gets into the auth cell between the look at it and the writing of a new token
// stays: it is a person's.
func TestWhatIsWrittenMeanwhileIsNotWrittenOver(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		value string
		ends  bool
	}{
		"a logout": {string(emptyCell()), true},
		"an account of the toolshed that has the cell": {other, true},
		"an account of another charmd":                 {strings.ReplaceAll(string(mustJSON(authData{Token: accessStandIn + strings.Repeat("A", 26), RefreshToken: "x"})), "null", "[]"), false},
	} {
		w := newWorld(t)
		w.connect()
		w.runsOK()
		w.clock.pass(time.Hour) // so that there is a new token to tell of
		w.o.Cells = cellsBefore{w, func() { w.writes([]byte(c.value)) }}
		err := w.Prepare(t.Context(), mail, time.Second)
		if got, _ := w.ReadCell(nil, home, authPlace); err != nil || string(got) != c.value {
			t.Errorf("%s: %v, and the cell is %s", what, err, got)
		}
		if ended := len(w.List()) == 0; ended != c.ends {
			t.Errorf("%s: the connections are %+v", what, w.List())
		}
	}
}

// An account that somebody has connected in the other toolshed takes the place of ours,
// and is not emptied with ours.
func TestAnAccountOfTheToolshedTakesThePlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn := w.connect()
	w.writes([]byte(other))
	if !w.Has(mail) || w.Has(charm.Charm{Space: mail.Space, ID: "another"}) {
		t.Error("it is not the charm's account alone")
	}
	if err := w.Prepare(t.Context(), mail, time.Second); err != nil || len(w.List()) != 0 || w.Has(mail) {
		t.Errorf("%v, and there are %+v", err, w.List())
	}
	w.connect()
	w.writes([]byte(other))
	if err := w.End(t.Context(), w.List()[0].ID); err != nil {
		t.Error(err)
	}
	if got, _ := w.ReadCell(nil, home, authPlace); string(got) != other {
		t.Errorf("after %s had ended the cell is %s", conn.ID, got)
	}
}

// A connection that ends while a run is made ready is as one that had ended before.
func TestAnAccountEndsWhileARunIsMadeReady(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn := w.connect()
	ending, read := make(chan struct{}), make(chan struct{})
	cells := cellsBefore{w, func() { close(ending); <-read }}
	w.o.Cells = cells
	ended := make(chan error)
	go func() { ended <- w.End(t.Context(), conn.ID) }()
	<-ending // it holds the account, and its cell has not been emptied yet
	w.o.Cells = cellsSeen{w, func() { close(read) }}
	if err := w.Prepare(t.Context(), mail, time.Second); err != nil {
		t.Errorf("the run: %v", err)
	}
	if err := <-ended; err != nil || len(w.List()) != 0 {
		t.Errorf("%v, and there are %+v", err, w.List())
	}
}

// Whoever has found a connection just before it ended says what they say afterwards.
func TestAnAccountThatHasJustEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn := w.connect()
	token, loan, err := w.lentTo(mail, w.outgoing(w.cell().Token))
	if err != nil || token == "" {
		t.Fatalf("%q, %v", token, err)
	}
	w.byID[conn.ID].gone = true
	if err := w.Prepare(t.Context(), mail, time.Second); err != nil {
		t.Errorf("a run: %v", err)
	}
	if _, _, err := w.lentTo(mail, w.outgoing(w.cell().Token)); !strings.Contains(reconnect(err), "is not connected here") {
		t.Errorf("the stand-in: %v", err)
	}
	named := w.outgoing("")
	named.Header = http.Header{}
	if _, err := w.Credentials(mail).Lend(t.Context(), "google", named); reconnect(err) != "it is not connected to a Google account" {
		t.Errorf("by name: %v", err)
	}
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		again, err := loan.Judge(t.Context(), status, http.Header{"Www-Authenticate": {`error="insufficient_scope"`}}, nil)
		if again || err != nil {
			t.Errorf("an answer %d: %v, %v", status, again, err)
		}
	}
	if _, err := w.Refresh(t.Context(), conn.Connection); !errors.Is(err, ErrGone) {
		t.Errorf("a refresh: %v", err)
	}
}

// A refresh token that could not be written when it was given is not lost when the
// next thing that is heard of the account is that it lacks a permission.
func TestFault15_ARotatedTokenOutlivesAMissingPermission(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.google.Change(func(r *fakegoogle.Rules) { r.Rotate, r.Strict = true, true })
	conn := w.connect()
	_, loan, err := w.lentTo(mail, w.outgoing(w.cell().Token))
	if err != nil {
		t.Fatal(err)
	}
	w.clock.pass(time.Hour)
	w.fill(true)
	if err := w.runs(); err == nil {
		t.Fatal("it ran with a token that is not on disk")
	}
	given := w.byID[conn.ID].unsaved
	w.fill(false)
	if _, err := loan.Judge(t.Context(), http.StatusForbidden, http.Header{}, []byte("ACCESS_TOKEN_SCOPE_INSUFFICIENT")); reconnect(err) == "" {
		t.Errorf("the words are %v", err)
	}
	w.restart()
	if got := mustRead(t, w, w.byID[conn.ID]); given == nil || got.Refresh != given.Refresh || !got.Lacking {
		t.Errorf("on disk is another refresh token than the one that was given last")
	}
}

// An access without a refresh token ends with its token, and that is foretold.
func TestAnAccessThatNothingRenews(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.o.HTTP = func(Provider) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			res, err := w.google.RoundTrip(r)
			if err != nil || r.URL.Path != "/token" {
				return res, err
			}
			text, err := io.ReadAll(res.Body)
			res.Body = io.NopCloser(strings.NewReader(strings.Replace(string(text), "refresh_token", "not_given", 1)))
			return res, err
		})
	}
	conn := w.connect()
	if !conn.Ends.Equal(conn.Expires) || !strings.Contains(w.Words(conn.Connection), "Google ends the access on 2026-01-05 08:59:59") {
		t.Errorf("foretold is %q", w.Words(conn.Connection))
	}
	w.runsOK()
	w.clock.pass(time.Hour)
	if why := reconnect(w.runs()); !strings.Contains(why, "the access ended on 2026-01-05, as Google had said") || w.refreshes() != 1 {
		t.Errorf("the words are %q, after %d requests", why, w.refreshes())
	}
}
