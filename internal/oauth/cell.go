package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// What stands for tokens wherever a charm, a cell or a client sees them. It opens
// nothing but here: egress puts the access token in its place, in requests of charms
// of the connection's space to hosts of its provider.
const (
	accessStandIn  = "charmd-access-"
	refreshStandIn = "charmd-refresh-"
)

// standIn finds access stand-ins.
var standIn = regexp.MustCompile(accessStandIn + `[A-Z2-7]{26}`)

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
	return a.o.Store.Update(ctx, func(tx store.Tx) error { return a.o.Cells.WriteCell(tx, space, at, emptyCell()) })
}

func mustJSON(d authData) []byte {
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return text
}

// loggedOut reports whether an auth cell's value is the empty one, which the page
// writes when a person logs out.
func loggedOut(value []byte) bool {
	var d struct {
		Token        *string `json:"token"`
		RefreshToken string  `json:"refreshToken"`
	}
	return json.Unmarshal(value, &d) == nil && d.Token != nil && *d.Token == "" && d.RefreshToken == ""
}

// Prepare makes the accounts that a charm was connected to ready for a run that
// takes at most the time within: their tokens are good for so long, and its auth
// cells say so. What a recipe has written there by mistake is put right; an emptied
// cell ends the connection. An error is a *egress.Withheld, or that of a store that
// cannot be used.
func (a *Accounts) Prepare(ctx context.Context, c charm.Charm, within time.Duration) error {
	for _, conn := range a.of(func(conn charm.Connection) bool { return conn.Space == c.Space && conn.Charm == c.ID }) {
		acc, _, ok := a.account(conn.ID)
		if !ok {
			continue
		}
		out, err := a.isLoggedOut(ctx, conn)
		if err != nil {
			return err
		}
		if out {
			if err := a.end(ctx, conn.ID, false); err != nil {
				return err
			}
			continue
		}
		t, conn, err := a.fresh(ctx, acc, within+margin, "")
		if err != nil {
			return err
		}
		err = a.tellCell(ctx, conn, t)
		if e, ok := errors.AsType[*charm.Error](err); ok && e.Code == charm.CodeInvalid {
			a.o.Logger.Warn("an auth cell cannot be written: something else stands in its way", "connection", conn.ID, "err", err)
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *Accounts) isLoggedOut(ctx context.Context, conn charm.Connection) (out bool, err error) {
	if conn.Cell.ID == "" {
		return false, nil
	}
	return out, a.o.Store.View(ctx, func(r store.Reader) error {
		value, err := a.o.Cells.ReadCell(r, conn.Space, conn.Cell)
		out = loggedOut(value)
		return err
	})
}

// tellCell writes the connection's auth cell unless it says the same already.
func (a *Accounts) tellCell(ctx context.Context, conn charm.Connection, t tokens) error {
	if conn.Cell.ID == "" {
		return nil
	}
	want := mustJSON(cellValue(conn, t, a.o.Now()))
	same := false
	err := a.o.Store.View(ctx, func(r store.Reader) error {
		value, err := a.o.Cells.ReadCell(r, conn.Space, conn.Cell)
		same = equal(value, want)
		return err
	})
	if err != nil || same {
		return err
	}
	return a.o.Store.Update(ctx, func(tx store.Tx) error { return a.o.Cells.WriteCell(tx, conn.Space, conn.Cell, want) })
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
