package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// What stands for tokens wherever a charm, a cell or a client sees them. It opens
// nothing but here: egress puts the access token in its place, in the Authorization of
// requests of charms of the connection's space to addresses of its provider.
const (
	accessStandIn  = "charmd-access-"
	refreshStandIn = "charmd-refresh-"
)

// authData is an auth cell's value, in the form that recipes expect.
type authData struct {
	Token        string   `json:"token"`
	TokenType    string   `json:"tokenType"`
	Scope        []string `json:"scope"`
	ExpiresIn    int64    `json:"expiresIn"` // seconds
	RefreshToken string   `json:"refreshToken"`
	ExpiresAt    int64    `json:"expiresAt"` // ms since 1970
	User         userData `json:"user"`
}

type userData struct {
	Email   string `json:"email"`
	Name    string `json:"name"`
	Picture string `json:"picture"`
}

// never is how long tokens live, for recipes, that do not end.
const never = 10 * 365 * day

// cellValue is what the auth cell of a connection holds.
func cellValue(c charm.Connection, t tokens, now time.Time) authData {
	d := authData{
		Token: accessStandIn + c.ID, TokenType: t.Type, Scope: append([]string{}, c.Scopes...), ExpiresIn: int64(t.Lives / time.Second),
		RefreshToken: refreshStandIn + c.ID, ExpiresAt: t.Expires.UnixMilli(),
		User: userData{c.Account.Email, c.Account.Name, c.Account.Picture},
	}
	if t.Expires.IsZero() {
		d.ExpiresIn, d.ExpiresAt = int64(never/time.Second), now.Truncate(365*day).Add(never).UnixMilli()
	}
	return d
}

// emptyCell is the value of an auth cell that no account is connected to.
func emptyCell() []byte { return mustJSON(authData{Scope: []string{}}) }

// Empty writes the empty value into an auth cell.
func (a *Accounts) Empty(ctx context.Context, space string, at charm.AuthCell) error {
	return a.o.Cells.ChangeCell(ctx, space, at, func([]byte) []byte { return emptyCell() }, nil)
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // what is given to it always marshals
	}
	return text
}

// Whose an auth cell is by its value.
const (
	ours      = iota // the connection's, or nonsense, which is put right
	loggedOut        // nobody's: a page writes the empty value when a person logs out
	another          // of another connection, which may be another charmd's
	theirs           // of a toolshed that keeps tokens in cells: a person has connected there
)

// whose says whose the auth cell of a connection is.
func whose(value []byte, conn charm.Connection) int {
	var d struct {
		Token        *string                `json:"token"`
		RefreshToken string                 `json:"refreshToken"`
		ExpiresAt    float64                `json:"expiresAt"`
		User         struct{ Email string } `json:"user"`
	}
	if json.Unmarshal(value, &d) != nil || d.Token == nil {
		return ours
	}
	id, standIn := strings.CutPrefix(*d.Token, accessStandIn)
	switch {
	case *d.Token == "" && d.RefreshToken == "":
		return loggedOut
	case standIn && id != conn.ID && len(id) == len(conn.ID):
		return another
	case !standIn && *d.Token != "" && d.RefreshToken != "" && !strings.HasPrefix(d.RefreshToken, refreshStandIn) && d.ExpiresAt > 0 && d.User.Email != "":
		return theirs
	}
	return ours
}

// Has reports whether a charm has accounts for Prepare to make ready.
func (a *Accounts) Has(c charm.Charm) bool { return len(a.madeFor(c.Space, c.ID)) > 0 }

// Prepare makes the accounts that a charm was connected to ready for a run that
// takes at most the time within: their tokens are good for so long, and its auth
// cells say so. What a recipe has written there by mistake is put right; an emptied
// cell ends the connection. An error is a *egress.Withheld, or that of a store that
// cannot be used.
func (a *Accounts) Prepare(ctx context.Context, c charm.Charm, within time.Duration) error {
	for _, conn := range a.madeFor(c.Space, c.ID) {
		err := a.prepare(ctx, conn, within)
		if err != nil && !errors.Is(err, ErrGone) { // one that has ended is as if it had never been
			return err
		}
	}
	return nil
}

func (a *Accounts) prepare(ctx context.Context, conn charm.Connection, within time.Duration) error {
	acc, _, ok := a.account(conn.ID)
	if !ok {
		return ErrGone
	}
	if err := a.endGivenUp(ctx, conn); err != nil {
		return err
	}
	t, conn, err := a.fresh(ctx, acc, within+margin, "")
	if err != nil {
		return err
	}
	return a.tellCell(ctx, conn, t)
}

// endGivenUp ends a connection whose cell is nobody's any more, or another toolshed's,
// and says so with ErrGone. What is seen first may be on its way to being connected
// again, and counts only if it is still so when that is done.
func (a *Accounts) endGivenUp(ctx context.Context, conn charm.Connection) error {
	ended := false
	look := func(r store.Reader) (err error) {
		ended, err = a.givenUp(r, conn)
		return err
	}
	if err := a.o.Store.View(ctx, look); err != nil || !ended {
		return err
	}
	err := a.end(ctx, conn.ID, func(_ charm.Connection, forget func(store.Tx) error) error {
		return a.o.Store.Update(ctx, func(tx store.Tx) error {
			if err := look(tx); err != nil || !ended {
				return err
			}
			return forget(tx)
		})
	})
	if charm.CodeOf(err) == charm.CodeNotFound || err == nil && ended {
		return ErrGone
	}
	return err
}

func (a *Accounts) givenUp(r store.Reader, conn charm.Connection) (bool, error) {
	if conn.Cell.ID == "" {
		return false, nil
	}
	value, err := a.o.Cells.ReadCell(r, conn.Space, conn.Cell)
	is := whose(value, conn)
	return is == loggedOut || is == theirs, err
}

// tellCell writes the connection's auth cell unless it says the same already. A person
// who logs out meanwhile, or connects another account, is not written over.
func (a *Accounts) tellCell(ctx context.Context, conn charm.Connection, t tokens) error {
	if conn.Cell.ID == "" {
		return nil
	}
	want := mustJSON(cellValue(conn, t, a.o.Now()))
	is := ours
	change := func(now []byte) []byte {
		if is = whose(now, conn); is != ours || equal(now, want) {
			return nil
		}
		return want
	}
	same := false
	err := a.o.Store.View(ctx, func(r store.Reader) error {
		value, err := a.o.Cells.ReadCell(r, conn.Space, conn.Cell)
		same = change(value) == nil
		return err
	})
	if err == nil && !same {
		err = a.o.Cells.ChangeCell(ctx, conn.Space, conn.Cell, change, nil)
	}
	if charm.CodeOf(err) == charm.CodeInvalid { // something else stands there
		a.o.Logger.Warn("an auth cell cannot be written", "connection", conn.ID, "err", err)
		return nil
	}
	if err == nil && (is == loggedOut || is == theirs) {
		return a.endGivenUp(ctx, conn)
	}
	return err
}

// emptied empties an auth cell, unless it is another toolshed's or another connection's
// by now.
func emptied(conn charm.Connection) func(now []byte) []byte {
	return func(now []byte) []byte {
		if whose(now, conn) != ours {
			return nil
		}
		return emptyCell()
	}
}

// equal reports whether two JSON texts are the same auth value.
func equal(a, b []byte) bool {
	var x, y authData
	d := json.NewDecoder(bytes.NewReader(a))
	d.DisallowUnknownFields()
	if d.Decode(&x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	return bytes.Equal(mustJSON(x), mustJSON(y))
}
