package live

import (
	"context"
	"testing"
	"time"

	"github.com/coder/websocket"

	"charmd/internal/charm"
	"charmd/internal/handlers"
	"charmd/internal/store"
)

// storeAfter is a store with which something happens right after it was first read.
type storeAfter struct {
	store.Store
	read func()
}

func (s *storeAfter) View(ctx context.Context, fn func(store.Reader) error) error {
	err := s.Store.View(ctx, fn)
	if read := s.read; read != nil {
		s.read = nil
		read()
	}
	return err
}

// A page that has lost its connection sends an act again. When it was carried out
// meanwhile, and has taken from the page what it was done on, it is answered as done.
func TestAnActThatTookItsButtonAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	st := w.server.o.Store
	w.server.o.Refused = func() error { return nil }
	w.server.o.Acts = &handlers.Interact{Store: &storeAfter{st, func() {
		now := time.Now()
		if err := st.Update(t.Context(), func(tx store.Tx) error {
			return tx.AddRun(charm.Run{ID: "01ARZ3NDEKTSV4RRFFQ69G5FAA", Job: someID, Charm: theCharm.Row, Outcome: charm.OK, DueAt: now, StartedAt: now, EndedAt: now})
		}); err != nil {
			t.Error(err)
		}
	}}}
	w.show("no button")
	ws := w.open()
	readUntil(t, ws, "no button")
	for _, tt := range []struct{ id, answer string }{
		{someID, `{"done":"` + someID + `"}`},
		{"01ARZ3NDEKTSV4RRFFQ69G5FAB", `{"done":"01ARZ3NDEKTSV4RRFFQ69G5FAB","error":"this is not on the page any more"}`},
	} {
		if err := ws.Write(t.Context(), websocket.MessageText, []byte(`{"id":"`+tt.id+`","node":"n","event":"click","value":{}}`)); err != nil {
			t.Fatal(err)
		}
		readUntil(t, ws, tt.answer)
	}
}
