package server_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory/frames"
	"charmd/internal/memory/server"
)

// While there is no room nothing is written, reading goes on, and who may not
// write is not told; then writing goes on by itself.
func TestNothingIsWrittenWithoutRoom(t *testing.T) {
	t.Parallel()
	var full atomic.Bool
	w := newWorld(t, func(o *server.Options) {
		o.Room = func() error {
			if full.Load() {
				return charm.Errorf(charm.CodeNoRoom, "there is no room to write")
			}
			return nil
		}
	})
	owner, stranger := user("owner"), user("stranger")
	space, c := owner.DID(), w.dial()
	c.mustDo(write(t, space, owner, doc, first(doc), `{"n":1}`), owner)
	second := write(t, space, owner, doc, factOf(t, doc, first(doc), `{"n":1}`), `{"n":2}`)

	full.Store(true)
	e := c.mustFail(second, owner, frames.TransactionError)
	if e.Message != "Failed to commit transaction because: there is no room to write" {
		t.Errorf("refused with %q", e.Message)
	}
	status, _, body := w.request(http.MethodPatch, frames.Path, string(frames.Sign(second, owner)), map[string]string{"Content-Type": "application/json"})
	if status != http.StatusInsufficientStorage || !strings.Contains(body, `"code":"no_room"`) {
		t.Errorf("over HTTP: %d %s", status, body)
	}
	c.mustFail(write(t, space, stranger, doc, first(doc), `{}`), stranger, frames.AuthorizationError)
	found := c.mustDo(query(t, space, owner, doc), owner)
	if text := jsontext.Text(found); !strings.Contains(text, `{"n":1}`) {
		t.Errorf("found %s", text)
	}

	full.Store(false)
	c.mustDo(second, owner)
	c.mustFail(write(t, space, owner, doc, first(doc), `{"n":3}`), owner, frames.ConflictError)
	c.send(frames.Sign(subscribe(t, space, owner, doc), owner))
	c.mustDo(query(t, space, owner, doc), owner)
	want := server.Counts{Connections: 1, Subscriptions: 1, Committed: 2, Conflicts: 1, Refused: 3}
	if got := w.server.Counts(); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}
