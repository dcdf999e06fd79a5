package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"golang.org/x/oauth2"

	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/store"
)

// When tokens are refreshed.
const (
	margin      = 5 * time.Minute // before the token ends, so that clocks may differ by as much
	retryAgain  = time.Hour       // a connection that needs a person is tried no more often
	forcedAgain = time.Minute     // a host that refuses a fresh token does not get a new one for each request
	firstWait   = 5 * time.Second // after a failure of the provider, doubled each time
	longestWait = 5 * time.Minute
	clientWait  = time.Hour // when the provider does not know this charmd
)

// fresh are tokens that are good for the time within. used is an access token that
// a host did not take, "" for none. One caller refreshes, all others wait for it. An
// error is a *egress.Withheld, or that of a store that cannot be used.
func (a *Accounts) fresh(ctx context.Context, acc *account, within time.Duration, used string) (tokens, charm.Connection, error) {
	if err := acc.lock(ctx); err != nil {
		return tokens{}, charm.Connection{}, err
	}
	defer acc.unlock()
	// Whoever waits may leave; what the provider has given must not be lost for that.
	ctx = context.WithoutCancel(ctx)
	if err := a.saveLate(ctx, acc); err != nil {
		return tokens{}, charm.Connection{}, err
	}
	t, conn, err := a.read(ctx, acc)
	if err != nil {
		return t, conn, err
	}
	now := a.o.Now()
	p, err := a.row(ctx, conn.Provider)
	if err != nil {
		return t, conn, &egress.Withheld{Message: err.Error(), NotBefore: now.Add(firstWait)}
	}
	if conn.State == charm.Disconnected && (t.Lacking || t.Refresh == "" || near(now, conn.Tried, retryAgain)) {
		return t, conn, withheld(p, conn)
	}
	stale := used != "" && used == t.Access
	a.mu.Lock()
	retryAt, forced := acc.retryAt, acc.forced
	a.mu.Unlock()
	switch {
	case conn.State != charm.Disconnected && !stale && t.good(now, within):
		return t, conn, nil
	case stale && near(now, forced, forcedAgain):
		return t, conn, nil
	case t.Refresh == "":
		return t, conn, a.lose(ctx, acc, p, t, refused(p, conn, now))
	case now.Before(retryAt) && retryAt.Sub(now) <= clientWait:
		if !stale && t.good(now, 0) {
			return t, conn, nil
		}
		return t, conn, later(p, retryAt)
	}
	if stale {
		a.mu.Lock()
		acc.forced = now
		a.mu.Unlock()
	}
	return a.refresh(ctx, acc, p, t, conn)
}

// near reports whether less than d lies between two times, whichever is first: a
// clock may have been set back.
func near(a, b time.Time, d time.Duration) bool { return a.Sub(b).Abs() < d }

// good reports whether the access token can be used until the time within has
// passed. A token that lives shortly need not be good for longer than half its
// life. One that claims to live on for longer than it was given comes of a clock
// that was set back.
func (t tokens) good(now time.Time, within time.Duration) bool {
	if t.Expires.IsZero() {
		return t.Access != ""
	}
	left := t.Expires.Sub(now)
	return left > min(within, t.Lives/2) && left <= t.Lives+margin
}

func withheld(p Provider, c charm.Connection) error {
	return &egress.Withheld{Message: again(p, c), Reconnect: true}
}

func later(p Provider, at time.Time) error {
	return &egress.Withheld{Message: fmt.Sprintf("the token for %s could not be refreshed, and is tried again later", p.Title), NotBefore: at}
}

// saveLate writes what could not be written when the provider gave it.
func (a *Accounts) saveLate(ctx context.Context, acc *account) error {
	a.mu.Lock()
	t, conn := acc.unsaved, acc.conn
	a.mu.Unlock()
	if t == nil {
		return nil
	}
	conn.Expires = t.Expires
	return a.save(ctx, acc, conn, *t, nil, nil)
}

// refresh gets new tokens, with the refresh token that came last and then with the
// one before. They are on disk before anybody uses them.
func (a *Accounts) refresh(ctx context.Context, acc *account, p Provider, t tokens, conn charm.Connection) (tokens, charm.Connection, error) {
	var err error
	for _, with := range []string{t.Refresh, t.Previous} {
		if with == "" {
			continue
		}
		var got *oauth2.Token
		if got, err = a.redeem(ctx, p, with); err == nil {
			return a.renewed(ctx, acc, p, t, conn, with, got)
		}
		if codeOf(err) != "invalid_grant" {
			break
		}
	}
	if codeOf(err) == "invalid_grant" {
		a.o.Refreshed(p.Name, "refused")
		return t, conn, a.lose(ctx, acc, p, t, refused(p, conn, a.o.Now()))
	}
	a.o.Refreshed(p.Name, "failed")
	return t, conn, a.failed(acc, p, t, conn, err)
}

// redeem asks the provider for new tokens.
func (a *Accounts) redeem(ctx context.Context, p Provider, refresh string) (*oauth2.Token, error) {
	ctx, cancel := a.asking(ctx, p)
	defer cancel()
	return config(p, "").TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
}

// asking is a context for one request to the provider's endpoints.
func (a *Accounts) asking(ctx context.Context, p Provider) (context.Context, context.CancelFunc) {
	client := &http.Client{Transport: readable{a.o.HTTP(p)}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return context.WithTimeout(context.WithValue(ctx, oauth2.HTTPClient, client), a.o.Timeout)
}

func config(p Provider, redirect string) *oauth2.Config {
	style := oauth2.AuthStyleInParams
	if p.BasicAuth {
		style = oauth2.AuthStyleInHeader
	}
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret.Reveal(), RedirectURL: redirect, Scopes: p.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: p.AuthURL, TokenURL: p.TokenURL, DeviceAuthURL: p.DeviceURL, AuthStyle: style},
	}
}

// renewed keeps what the provider has given for the refresh token with.
func (a *Accounts) renewed(ctx context.Context, acc *account, p Provider, t tokens, conn charm.Connection, with string, got *oauth2.Token) (tokens, charm.Connection, error) {
	now := a.o.Now()
	next := tokensOf(got, now)
	switch {
	case next.Refresh == "":
		next.Refresh = with
	case next.Refresh != with:
		next.Previous = with // until the new one has been used
	}
	lost := conn.State == charm.Disconnected
	if lost {
		conn.State, conn.Reason, conn.Since, conn.Tried = charm.Connected, "", now, time.Time{}
	}
	conn.Expires = next.Expires
	if ends := endsOf(got, now); !ends.IsZero() {
		conn.Ends = ends
	}
	err := a.save(ctx, acc, conn, next, nil, func(tx store.Tx) error {
		if !lost {
			return nil
		}
		return a.o.Restored(tx, conn)
	})
	if err != nil {
		a.mu.Lock()
		acc.unsaved = &next
		a.mu.Unlock()
		a.o.Refreshed(p.Name, "failed")
		return t, conn, fmt.Errorf("the new token for %s could not be written, so it is not used: %w", p.Title, err)
	}
	a.mu.Lock()
	acc.retryAt, acc.failed = time.Time{}, 0
	a.mu.Unlock()
	a.o.Refreshed(p.Name, "ok")
	a.o.Logger.Debug("token refreshed", "provider", p.Name, "connection", conn.ID)
	return next, conn, nil
}

func tokensOf(got *oauth2.Token, now time.Time) tokens {
	t := tokens{Access: got.AccessToken, Type: got.Type(), Refresh: got.RefreshToken}
	if got.ExpiresIn > 0 {
		t.Lives = time.Duration(min(got.ExpiresIn, int64(10*365*day/time.Second))) * time.Second
		t.Expires = now.Add(t.Lives).Round(time.Millisecond)
	}
	return t
}

// endsOf is when the refresh token ends, for providers that say so.
func endsOf(got *oauth2.Token, now time.Time) time.Time {
	seconds, ok := got.Extra("refresh_token_expires_in").(float64)
	if !ok || seconds <= 0 || seconds > (10*365*day).Seconds() {
		return time.Time{}
	}
	return now.Add(time.Duration(seconds) * time.Second).Round(time.Millisecond)
}

// lose writes that a person must connect the account again, and tells of it when it
// was not so before.
func (a *Accounts) lose(ctx context.Context, acc *account, p Provider, t tokens, reason string) error {
	now := a.o.Now()
	a.mu.Lock()
	conn := acc.conn
	a.mu.Unlock()
	before := conn.State
	if before != charm.Disconnected {
		conn.State, conn.Reason, conn.Since = charm.Disconnected, reason, now
	}
	conn.Tried = now
	err := a.save(ctx, acc, conn, t, nil, func(tx store.Tx) error {
		if before == charm.Disconnected {
			return nil
		}
		return a.o.Lost(tx, conn)
	})
	if err != nil {
		return err
	}
	if before != charm.Disconnected {
		a.o.Logger.Warn("an account must be connected again", "provider", p.Name, "connection", conn.ID, "reason", reason)
	}
	return withheld(p, conn)
}

// failed remembers that the provider could not be asked, and until when it is not
// asked again.
func (a *Accounts) failed(acc *account, p Provider, t tokens, conn charm.Connection, err error) error {
	now := a.o.Now()
	a.mu.Lock()
	acc.failed++
	acc.forced = time.Time{} // retryAt says when the next may be
	wait := min(firstWait<<min(acc.failed-1, 10), longestWait)
	if code := codeOf(err); code == "invalid_client" || code == "unauthorized_client" {
		wait = clientWait
	}
	acc.retryAt = now.Add(wait)
	retryAt := acc.retryAt
	a.mu.Unlock()
	a.o.Logger.Warn("a token could not be refreshed", "provider", p.Name, "connection", conn.ID, "err", told(err), "again", wait)
	if conn.State == charm.Disconnected { // it waits for a person anyway
		a.mu.Lock()
		acc.conn.Tried = now
		a.mu.Unlock()
		return withheld(p, conn)
	}
	if t.good(now, 0) {
		return nil
	}
	return &egress.Withheld{Message: fmt.Sprintf("the token for %s could not be refreshed: %s", p.Title, told(err)), NotBefore: retryAt}
}

// codeOf is the provider's error code, "" for an error of another kind.
func codeOf(err error) string {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok && plain.MatchString(e.ErrorCode) {
		return e.ErrorCode
	}
	return ""
}

// plain is what an error code of the protocol looks like.
var plain = regexp.MustCompile(`^[a-z_]{1,64}$`)

// told is an error of the provider for people. What the provider wrote beside its
// code is left out: it may repeat what it was sent.
func told(err error) string {
	if e, ok := errors.AsType[*egress.Error](err); ok {
		return e.Message
	}
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	switch code := codeOf(err); {
	case code == "invalid_client", code == "unauthorized_client":
		return "the provider does not know this charmd (" + code + "): check its client id and secret"
	case code != "":
		return "the provider answered " + code
	case ok && e.Response != nil:
		return fmt.Sprintf("the provider answered %d", e.Response.StatusCode)
	case errors.Is(err, context.DeadlineExceeded):
		return "the provider did not answer in time"
	}
	return "the provider's answer cannot be used"
}
