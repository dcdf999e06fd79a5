package oauth

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/fakegoogle"
	"charmd/internal/store"
)

// cellsSeen are cells of which the test hears when they are read.
type cellsSeen struct {
	Cells
	read func()
}

func (c cellsSeen) ReadCell(r store.Reader, space string, at charm.AuthCell) ([]byte, error) {
	value, err := c.Cells.ReadCell(r, space, at)
	c.read()
	return value, err
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A run that begins while a person connects again finds the emptied cell of before,
// and must not take away what was connected then.
func TestALogoutThatIsOverEndsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn := w.connect()
	w.runsOK()
	w.writes(emptyCell())
	answer := w.allow(w.begin("mine"))
	writing, read := make(chan struct{}), make(chan struct{})
	w.o.Cells = cellsSeen{
		cellsBefore{w, sync.OnceFunc(func() { // the account is locked, and known by its old name
			close(writing)
			<-read
		})},
		sync.OnceFunc(func() { close(read) }),
	}
	connected := make(chan error)
	go func() {
		_, err := w.Finish(t.Context(), "google", "mine", answer)
		connected <- err
	}()
	<-writing
	err := w.Prepare(t.Context(), mail, 30*time.Second)
	if done := <-connected; done != nil || err != nil {
		t.Fatalf("connecting: %v, the run: %v", done, err)
	}
	if list := w.List(); len(list) != 1 || list[0].ID != conn.ID || w.cell().Token != accessStandIn+conn.ID {
		t.Errorf("afterwards there are %+v, and the cell has %q", list, w.cell().Token)
	}
	w.runsOK()
}

// A token that a host refuses is replaced as soon as the provider can be asked, also
// when the host is asked every minute.
func TestFault14_ARefusedTokenIsReplacedAfterAnOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect()
	w.runsOK()
	w.google.Expire()
	w.google.Change(func(r *fakegoogle.Rules) { r.Status = http.StatusServiceUnavailable })
	if status, err := w.asks(); status != http.StatusUnauthorized || err != nil {
		t.Fatalf("in the outage the API answered %d, %v", status, err)
	}
	w.google.Change(func(r *fakegoogle.Rules) { r.Status = 0 })
	w.clock.pass(forcedAgain - time.Second)
	if status, err := w.asks(); status != http.StatusOK || err != nil {
		t.Errorf("after it the API answered %d, %v", status, err)
	}
	// A host that refuses every token gets another one each minute, no later.
	before := w.refreshes()
	for range 120 {
		w.google.Expire()
		w.clock.pass(forcedAgain / 2)
		if _, err := w.asks(); err != nil {
			t.Error(err)
		}
	}
	if n := w.refreshes() - before; n < 50 || n > 60 {
		t.Errorf("in an hour of refusals there were %d refreshes", n)
	}
}

// cellsBlocked are cells that cannot be written.
type cellsBlocked struct {
	*world
	code charm.ErrorCode
}

func (c cellsBlocked) ChangeCell(context.Context, string, charm.AuthCell, func([]byte) []byte, func(store.Tx) error) error {
	return charm.Errorf(c.code, "something else stands there")
}

// What cannot be written in a cell keeps no token from being taken away.
func TestAnAccountEndsWhateverItsCellIs(t *testing.T) {
	t.Parallel()
	for _, code := range []charm.ErrorCode{charm.CodeInvalid, charm.CodeForbidden, charm.CodeUnavailable, charm.CodeUnanswered} {
		w := newWorld(t)
		conn := w.connect()
		w.o.Cells = cellsBlocked{w, code}
		if err := w.EndOf(t.Context(), home, mail.ID); err != nil || len(w.List()) != 0 {
			t.Errorf("%s: %v, and there are %+v", code, err, w.List())
		}
		err := w.db.View(t.Context(), func(r store.Reader) error {
			_, err := w.vault.Get(r, place(conn.ID))
			return err
		})
		if err == nil {
			t.Errorf("%s: its tokens are kept", code)
		}
	}
	w := newWorld(t)
	w.connect()
	w.fill(true) // nothing is written at all
	if err := w.EndOf(t.Context(), home, mail.ID); err == nil || len(w.List()) != 1 {
		t.Errorf("%v, and there are %+v", err, w.List())
	}
}

// A person who was told that connecting failed goes on with the account of before.
func TestAConnectThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.connect()
	w.runsOK()
	token, _, err := w.lentTo(mail, w.outgoing(w.cell().Token))
	if err != nil {
		t.Fatal(err)
	}
	w.o.Cells = cellsBlocked{w, charm.CodeInvalid}
	if _, err := w.Finish(t.Context(), "google", "mine", w.allow(w.begin("mine"))); charm.CodeOf(err) != charm.CodeInvalid {
		t.Fatalf("connecting ended with %v", err)
	}
	w.o.Cells = w
	w.clock.pass(time.Minute)
	w.runsOK()
	after, _, err := w.lentTo(mail, w.outgoing(w.cell().Token))
	if err != nil || after != token {
		t.Errorf("it uses other tokens than before: %v", err)
	}
	if list := w.List(); len(list) != 1 || !list[0].Made.Equal(before.Made) {
		t.Errorf("there are %+v", list)
	}
}
