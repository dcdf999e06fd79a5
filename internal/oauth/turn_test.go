package oauth

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// slowCells are cells that take their time.
type slowCells struct{ *world }

func (c slowCells) ChangeCell(ctx context.Context, space string, at charm.AuthCell, change func([]byte) []byte, then func(store.Tx) error) error {
	<-time.After(time.Second)
	return c.world.ChangeCell(ctx, space, at, change, then)
}

// A cell holds one account. Of two providers that are connected to it at the same moment
// one ends the other, whether both were connected before or none was.
func TestTwoProvidersAtOnce(t *testing.T) {
	t.Parallel()
	for what, connected := range map[string]bool{"for the first time": false, "again": true} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.o.Cells = slowCells{w}
				second := w.o.Providers["google"]
				second.Name = "second"
				w.o.Providers["second"] = second
				to := Target{Space: home, Charm: mail.ID, Cell: authPlace}
				if connected {
					conn := w.connect().Connection
					conn.ID, conn.Provider = "OTHER", "second"
					w.byID[conn.ID] = newAccount(conn)
				}
				ended := make(chan error)
				for _, provider := range []string{"google", "second"} {
					begun, err := w.Begin(t.Context(), provider, to, "http://127.0.0.1:8000/back", "mine")
					if err != nil {
						t.Fatal(err)
					}
					answer := w.allow(begun)
					go func() {
						_, err := w.Finish(t.Context(), provider, "mine", answer)
						ended <- err
					}()
				}
				for range 2 {
					if err := <-ended; err != nil {
						t.Error(err)
					}
				}
				left := w.List()
				var stored []charm.Connection
				err := w.db.View(t.Context(), func(r store.Reader) (err error) {
					stored, err = r.Connections()
					return err
				})
				if err != nil || len(left) != 1 || len(stored) != 1 || stored[0].ID != left[0].ID {
					t.Fatalf("%v; there are %+v, on disk %+v", err, left, stored)
				}
				var cell authData
				if err := json.Unmarshal(w.cells[cellKey(home, authPlace)], &cell); err != nil || !strings.Contains(cell.Token, left[0].ID) {
					t.Errorf("the cell holds %q (%v), and connected is %s", cell.Token, err, left[0].ID)
				}
			})
		})
	}
}
