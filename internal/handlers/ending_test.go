package handlers

import (
	"log/slog"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/memory"
	"charmd/internal/queue"
	"charmd/internal/registry"
	"charmd/internal/state"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

// A run that found its account disconnected leaves the charm waiting, unless an account
// of its space was connected while it ran.
func TestARunThatLacksItsAccount(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	began := time.UnixMilli(1_800_000_000_000)
	home, away := identity.FromPassphrase("home").DID(), identity.FromPassphrase("away").DID()
	c := charm.Charm{Space: home, ID: "baedreic", Recipe: "ba4jcrecipe", Registered: true, Schedule: charm.Schedule{Every: time.Minute}}
	if err := db.Update(t.Context(), func(tx store.Tx) error {
		_, err := tx.PutSpace(charm.Space{DID: home, Since: -1, CreatedAt: began})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	reg := registry.New(registry.Options{Store: db, Memory: memory.New(db, "did:key:zOperator", time.Now), Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	account := func(space, of string, s charm.ConnectionState, since time.Duration) charm.Connection {
		return charm.Connection{Space: space, Charm: of, Provider: "google", State: s, Since: began.Add(since)}
	}
	lost := charm.State{Waiting: charm.Wait{For: charm.ForAccount, Why: "connect it again"}}
	for _, tc := range []struct {
		name     string
		accounts []charm.Connection
		before   charm.State
		outcome  charm.Outcome
		want     charm.Need // what it waits for; its space's lists do not have the charm
	}{
		{"there is none", nil, charm.State{}, charm.NeedsReconnect, charm.ForAccount},
		{"its own was lost", []charm.Connection{account(home, c.ID, charm.Disconnected, time.Second)}, charm.State{}, charm.NeedsReconnect, charm.ForAccount},
		{"its own works, and it needs another", []charm.Connection{account(home, c.ID, charm.Connected, -time.Hour)}, charm.State{}, charm.NeedsReconnect, charm.ForAccount},
		{"its own was connected meanwhile", []charm.Connection{account(home, c.ID, charm.Connected, time.Second)}, charm.State{}, charm.NeedsReconnect, charm.ForLists},
		{"its own was at once", []charm.Connection{account(home, c.ID, charm.Connected, 400*time.Microsecond)}, charm.State{}, charm.NeedsReconnect, charm.ForLists},
		{"that of another charm was", []charm.Connection{account(home, "baedreib", charm.Connected, time.Second)}, lost, charm.NeedsReconnect, charm.ForLists},
		{"one was, and another is lost", []charm.Connection{
			account(home, "baedreib", charm.Disconnected, -time.Hour), account(home, c.ID, charm.Connected, time.Second),
		}, charm.State{}, charm.NeedsReconnect, charm.ForLists},
		{"one of another space was", []charm.Connection{account(away, "baedreib", charm.Connected, time.Second)}, lost, charm.NeedsReconnect, charm.ForAccount},
		{"it does not need it any more", nil, lost, charm.OK, charm.ForLists},
		{"it did not need any", []charm.Connection{account(home, c.ID, charm.Connected, time.Second)}, charm.State{}, charm.OK, ""},
	} {
		run := charm.Run{StartedAt: began.Add(300 * time.Microsecond), EndedAt: began.Add(2 * time.Second), Outcome: tc.outcome, Error: "connect it again"}
		e := &ending{ExecuteCharm: &ExecuteCharm{Registry: reg}, claim: queue.Claim{Charm: c}, run: run}
		e.after, _ = state.NewManager(5).After(tc.before, run, true)
		err := db.Update(t.Context(), func(tx store.Tx) error {
			for i, conn := range tc.accounts {
				conn.ID = string(rune('a' + i))
				if err := tx.PutConnection(conn); err != nil {
					return err
				}
			}
			if err := e.account(tx, tc.before); err != nil {
				return err
			}
			for i := range tc.accounts {
				if err := tx.DeleteConnection(string(rune('a' + i))); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || e.after.Waiting.For != tc.want {
			t.Errorf("%s: it waits for %+v, %v; want %q", tc.name, e.after.Waiting, err, tc.want)
		}
	}
}
