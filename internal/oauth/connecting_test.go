package oauth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// roundTripper is a function that is one.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// asked has fn called before the Google is asked whose account it is.
func (w *world) asked(fn func()) {
	w.o.HTTP = func(Provider) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/userinfo") {
				fn()
			}
			return w.google.RoundTrip(r)
		})
	}
}

// A charm that waits for an account runs as soon as one is connected: what it runs with
// is known by then, and a run that has begun before counts as one that did not have it.
func TestARunThatBeginsWhileAnAccountIsConnected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var began time.Time // of a run that has no account yet
	w.asked(func() {
		w.clock.pass(time.Second)
		if began = w.now(); w.Has(mail) {
			t.Error("the charm has an account before it is known whose")
		}
		w.clock.pass(time.Second)
	})
	ready := make(chan error, 1)
	w.o.Cells = cellsBefore{w, func() {
		w.o.Cells = w
		if !w.Has(mail) || len(w.List()) != 0 {
			t.Errorf("while it is written the charm has an account: %v, and there are %+v", w.Has(mail), w.List())
		}
		go func() { ready <- w.Prepare(context.WithoutCancel(t.Context()), mail, time.Second) }()
	}}
	woken := false
	w.o.Restored = func(tx store.Tx, conn charm.Connection) error {
		tx.AfterCommit(func() { // as the queue does, which lets the charm run
			woken = true
			if list := w.List(); len(list) != 1 || list[0].ID != conn.ID || list[0].State != charm.Connected {
				t.Errorf("the charm is woken, and there are %+v", list)
			}
		})
		return nil
	}
	conn := w.connect()
	if err := <-ready; err != nil || !woken {
		t.Errorf("a run that began meanwhile: %v; the charm is woken: %v", err, woken)
	}
	if conn.Since.Before(began) {
		t.Errorf("it is connected since %v, before a run began that did not have it (%v): the charm would wait for ever", conn.Since, began)
	}
}

// A page that is told that an account works again finds it so.
func TestAnAccountThatWorksAgainIsKnownAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn := w.connect()
	acc := w.byID[conn.ID]
	acc.conn.State, acc.conn.Reason = charm.Disconnected, "it was taken back"
	w.o.Restored = func(tx store.Tx, _ charm.Connection) error {
		tx.AfterCommit(func() {
			if list := w.List(); list[0].State != charm.Connected {
				t.Errorf("it is told to work again, and stands as %+v", list)
			}
		})
		return nil
	}
	w.clock.pass(2 * time.Hour)
	if code, err := w.asks(); code != http.StatusOK || err != nil {
		t.Errorf("%d, %v", code, err)
	}
}

// Of an account that could not be written nothing stays.
func TestAnAccountThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	answer := w.allow(w.begin("mine"))
	nothing := errors.New("nothing is written")
	w.o.Restored = func(store.Tx, charm.Connection) error { return nothing }
	if _, err := w.Finish(t.Context(), "google", "mine", answer); !errors.Is(err, nothing) || w.Has(mail) || len(w.List()) != 0 {
		t.Errorf("%v; the charm has an account: %v", err, w.Has(mail))
	}
	if err := w.Prepare(t.Context(), mail, time.Second); err != nil {
		t.Errorf("a run: %v", err)
	}
}

// Two people who connect the same place at the same time connect it once.
func TestTwoWhoConnectAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	answers := map[string]Answer{"first": w.allow(w.begin("first")), "second": w.allow(w.begin("second"))}
	var both sync.WaitGroup
	both.Add(2)
	w.asked(func() {
		both.Done()
		both.Wait()
	})
	var finished sync.WaitGroup
	for session, answer := range answers {
		finished.Go(func() {
			if _, err := w.Finish(t.Context(), "google", session, answer); err != nil {
				t.Errorf("%s: %v", session, err)
			}
		})
	}
	finished.Wait()
	if list := w.List(); len(list) != 1 || w.cell().Token != accessStandIn+list[0].ID {
		t.Errorf("there are %+v, and the cell has %s", list, w.cell().Token)
	}
}

// storeBefore is a store with which something happens right before it is written to.
type storeBefore struct {
	store.Store
	update func()
}

func (s storeBefore) Update(ctx context.Context, fn func(store.Tx) error) error {
	s.update()
	return s.Store.Update(ctx, fn)
}

// Of two answers that are refused at once, both are kept, whichever is written last.
func TestTwoThatAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.o.Store = storeBefore{w.db, func() {
		w.o.Store = w.db
		w.Refuse(t.Context(), "google", "192.0.2.2", ErrForged)
	}}
	w.Refuse(t.Context(), "google", "192.0.2.1", ErrForged)
	w.restart()
	if list := w.Refused(); len(list) != 2 {
		t.Errorf("after a restart there are %+v", list)
	}
}
