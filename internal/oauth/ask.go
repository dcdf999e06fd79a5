package oauth

import (
	"context"
	"slices"
	"strings"

	"charmd/internal/charm"
)

// TokenInfo is what recipes are told when they ask for a refresh (runtime spec §5),
// under the names of the original's client library and under those of the auth
// cell, which later recipes read. The tokens in it are stand-ins.
type TokenInfo struct {
	AccessToken  string   `json:"accessToken"`
	Token        string   `json:"token"`
	TokenType    string   `json:"tokenType"`
	Scope        string   `json:"scope"`
	ExpiresIn    int64    `json:"expiresIn"` // seconds
	RefreshToken string   `json:"refreshToken"`
	ExpiresAt    int64    `json:"expiresAt"` // ms since 1970
	User         userData `json:"user"`
}

// Refresh makes a connection's token good and says until when. A connection is named
// by the refresh token in its cell, which charms of its space know. An error is a
// *egress.Withheld or a *charm.Error.
func (a *Accounts) Refresh(ctx context.Context, c charm.Connection) (TokenInfo, error) {
	acc, _, ok := a.account(c.ID)
	if !ok {
		return TokenInfo{}, ErrGone
	}
	t, c, err := a.fresh(ctx, acc, margin, "")
	if err != nil {
		return TokenInfo{}, err
	}
	now := a.o.Now()
	d := cellValue(c, t, now)
	return TokenInfo{
		AccessToken: d.Token, Token: d.Token, TokenType: d.TokenType, Scope: strings.Join(d.Scope, " "),
		ExpiresIn: max((d.ExpiresAt-now.UnixMilli())/1000, 0), RefreshToken: d.RefreshToken, ExpiresAt: d.ExpiresAt, User: d.User,
	}, nil
}

// IsStandIn reports whether a refresh token in a cell is of a charmd, and so of use to
// nobody else.
func IsStandIn(refreshToken string) bool { return strings.HasPrefix(refreshToken, refreshStandIn) }

// ByRefreshToken is the connection that a refresh token in a cell stands for. space
// "" means any.
func (a *Accounts) ByRefreshToken(space, text string) (charm.Connection, bool) {
	id, ok := strings.CutPrefix(text, refreshStandIn)
	if !ok {
		return charm.Connection{}, false
	}
	_, c, ok := a.account(id)
	return c, ok && (space == "" || c.Space == space)
}

// ByID is the connection with the id.
func (a *Accounts) ByID(id string) (charm.Connection, bool) {
	_, conn, ok := a.account(id)
	return conn, ok
}

// ByCell is the connection of an auth cell.
func (a *Accounts) ByCell(space string, at charm.AuthCell) (charm.Connection, bool) {
	list := a.of(func(c charm.Connection) bool {
		return c.Space == space && c.Cell.ID == at.ID && slices.Equal(c.Cell.Path, at.Path)
	})
	if len(list) == 0 {
		return charm.Connection{}, false
	}
	return list[0], true
}
