package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// Target is what an account is connected for.
type Target struct {
	Space string         // DID
	Charm string         // entity id; "" for a cell alone
	Cell  charm.AuthCell // where its recipe expects the account; zero for recipes that name connections
}

// login is a flow that a person has begun.
type login struct {
	provider string
	target   Target
	session  [sha256.Size]byte // of who began it; nobody else may end it
	verifier string
	redirect string
	device   *oauth2.DeviceAuthResponse // of a device code; nil for a redirect
	until    time.Time
}

// The bounds of flows that were begun.
const (
	loginLasts = 10 * time.Minute
	mostLogins = 256
)

// Begun is what a person needs to allow the access.
type Begun struct {
	State string // names the flow
	URL   string // to open in a browser
	Code  string // to type there; "" when it comes back by a redirect
}

// Begin begins a flow that ends at redirect, an address of ours, in the session that
// began it.
func (a *Accounts) Begin(ctx context.Context, provider string, to Target, redirect, session string) (Begun, error) {
	p, err := a.usable(ctx, provider)
	if err != nil {
		return Begun{}, err
	}
	l := login{provider: provider, target: to, session: sha256.Sum256([]byte(session)), verifier: oauth2.GenerateVerifier(), redirect: redirect}
	state := a.keep(l)
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(l.verifier)}
	for name, value := range p.Parameters {
		options = append(options, oauth2.SetAuthURLParam(name, value))
	}
	return Begun{State: state, URL: config(p, redirect).AuthCodeURL(state, options...)}, nil
}

// BeginDevice begins a flow for which the person types a code at the provider.
func (a *Accounts) BeginDevice(ctx context.Context, provider string, to Target, session string) (Begun, error) {
	p, err := a.usable(ctx, provider)
	if err != nil {
		return Begun{}, err
	}
	if p.DeviceURL == "" {
		return Begun{}, charm.Errorf(charm.CodeInvalid, "%s has no device codes", p.Title).WithHint("connect without --device")
	}
	asking, cancel := a.asking(ctx, p)
	defer cancel()
	device, err := config(p, "").DeviceAuth(asking)
	if err != nil {
		return Begun{}, unavailable(p, err)
	}
	state := a.keep(login{provider: provider, target: to, session: sha256.Sum256([]byte(session)), device: device})
	return Begun{State: state, URL: device.VerificationURI, Code: device.UserCode}, nil
}

// usable is a provider that accounts can be connected at.
func (a *Accounts) usable(ctx context.Context, name string) (Provider, error) {
	p, err := a.Provider(name)
	if err != nil {
		return p, err
	}
	if p.ClientID == "" {
		e := charm.Errorf(charm.CodeInvalid, "%s does not know this charmd yet: it has no client id", p.Title)
		if name == "google" {
			return p, e.WithHint("set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET; docs/integrations.md says where they come from")
		}
		return p, e.WithHint("put clientId into its row of --providers, and its secret into the vault: charmd secret set %s", SecretName(name))
	}
	return a.row(ctx, name)
}

func unavailable(p Provider, err error) error {
	return charm.Errorf(charm.CodeUnavailable, "%s could not be asked: %s", p.Title, told(err))
}

// keep remembers a flow under a state that nobody can guess. Of too many, the oldest
// is forgotten.
func (a *Accounts) keep(l login) (state string) {
	state = rand.Text()
	now := a.o.Now()
	l.until = now.Add(loginLasts)
	a.mu.Lock()
	defer a.mu.Unlock()
	oldest := ""
	for s, known := range a.logins {
		if now.After(known.until) {
			delete(a.logins, s)
		} else if oldest == "" || known.until.Before(a.logins[oldest].until) {
			oldest = s
		}
	}
	if len(a.logins) >= mostLogins {
		delete(a.logins, oldest)
	}
	a.logins[state] = l
	return state
}

// take ends a flow's being open: a state is good once, for ten minutes, in the
// session and for the provider it was made for.
func (a *Accounts) take(provider, state, session string) (login, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l, ok := a.logins[state]
	delete(a.logins, state)
	sum, why := sha256.Sum256([]byte(session)), ""
	switch {
	case !ok:
		why = "nothing was begun with its state, or it has been used"
	case l.provider != provider:
		why = "its state was made for " + l.provider
	case subtle.ConstantTimeCompare(sum[:], l.session[:]) != 1:
		why = "its state was made in another session"
	case a.o.Now().After(l.until):
		why = "its state is older than 10 minutes"
	default:
		return l, nil
	}
	return l, charm.Errorf(charm.CodeForbidden, "this answer belongs to no connecting that was begun here in the last 10 minutes: %w", &forged{"it was used before, or begun in another browser", why}).
		WithHint("begin again from the charm's page, or with charmd connect")
}

// Answer is what came back from the provider.
type Answer struct {
	State, Code, Error, Issuer string
}

// Connected is a connection that has just been made.
type Connected struct {
	charm.Connection
	Before string // address of the other account that its charm had before; "" for none
}

// Finish ends a flow with the provider's answer: the account is connected, its
// tokens sealed, and its cell written, in one transaction.
func (a *Accounts) Finish(ctx context.Context, provider, session string, answer Answer) (Connected, error) {
	conn, err := a.finish(ctx, provider, session, answer)
	switch {
	case errors.Is(err, ErrForged):
		a.o.Answered("forged")
	case err != nil:
		a.o.Answered("failed")
	default:
		a.o.Answered("connected")
	}
	return conn, err
}

func (a *Accounts) finish(ctx context.Context, provider, session string, answer Answer) (Connected, error) {
	l, err := a.take(provider, answer.State, session)
	if err != nil {
		return Connected{}, err
	}
	p, err := a.row(ctx, provider)
	switch {
	case err != nil:
		return Connected{}, err
	case answer.Issuer != "" && p.Issuer != "" && answer.Issuer != p.Issuer:
		return Connected{}, charm.Errorf(charm.CodeForbidden, "the answer is of another provider than %s: %w", p.Title, &forged{"it names another issuer", "it names another issuer"})
	case answer.Error != "":
		return Connected{}, charm.Errorf(charm.CodeInvalid, "the access was not allowed: %s", Denied(answer.Error))
	case l.device == nil && answer.Code == "":
		return Connected{}, charm.Errorf(charm.CodeInvalid, "No authorization code received")
	}
	ctx = context.WithoutCancel(ctx)
	var got *oauth2.Token
	if l.device != nil {
		got, err = a.awaitDevice(ctx, p, l.device)
	} else {
		asking, cancel := a.asking(ctx, p)
		defer cancel()
		got, err = config(p, l.redirect).Exchange(asking, answer.Code, oauth2.VerifierOption(l.verifier))
	}
	if err != nil {
		return Connected{}, unavailable(p, err)
	}
	return a.connect(ctx, p, l.target, got)
}

// Denied is the provider's word for why there is no code, in a form that can be shown.
func Denied(code string) string {
	if !plain.MatchString(code) {
		code = "the provider refused"
	}
	return code
}

// awaitDevice waits until the person has typed the code, or it is too old.
func (a *Accounts) awaitDevice(ctx context.Context, p Provider, device *oauth2.DeviceAuthResponse) (*oauth2.Token, error) {
	asking, cancel := a.asking(ctx, p)
	defer cancel()
	ctx, stop := context.WithTimeout(context.WithValue(ctx, oauth2.HTTPClient, asking.Value(oauth2.HTTPClient)), loginLasts)
	defer stop()
	return config(p, "").DeviceAccessToken(ctx, device)
}

// connect keeps a new access. A target that is connected already keeps its
// connection, and so what its cell and its recipe know of it.
func (a *Accounts) connect(ctx context.Context, p Provider, to Target, got *oauth2.Token) (_ Connected, err error) {
	given := a.o.Now()
	t := tokensOf(got, given)
	whose := a.user(ctx, p, t)
	done, err := a.turn(ctx, to)
	if err != nil {
		return Connected{}, err
	}
	defer done()
	acc, conn := a.ofTarget(p.Name, to)
	if err := acc.lock(ctx); err != nil {
		return Connected{}, err
	}
	defer acc.unlock()
	if a.expect(acc, conn) {
		defer func() {
			if err != nil {
				a.forget(acc)
			}
		}()
	}
	// Runs that found no account began before now, and those that begin from now on
	// wait for it.
	now := a.o.Now()
	conn.State, conn.Reason, conn.Since, conn.Tried, conn.Made = charm.Connected, "", now, time.Time{}, now
	conn.Expires, conn.Ends = t.Expires, endsOf(got, given)
	if t.Refresh == "" && !t.Expires.IsZero() {
		conn.Ends = t.Expires // nothing can renew it
	}
	conn.Scopes = scopesOf(p, got)
	conn.Account = whose
	before := ""
	err = a.save(ctx, acc, conn, t, mustJSON(cellValue(conn, t, now)), func(tx store.Tx) (err error) {
		if before, err = succeed(tx, conn); err != nil {
			return err
		}
		return a.o.Restored(tx, conn)
	})
	if err != nil {
		return Connected{}, err
	}
	for _, other := range a.of(func(c charm.Connection) bool {
		return c.Space == conn.Space && conn.Cell.ID != "" && c.Cell.ID == conn.Cell.ID && slices.Equal(c.Cell.Path, conn.Cell.Path) && c.ID != conn.ID
	}) { // of another provider: a cell holds one account
		forgotten := func(_ charm.Connection, forget func(store.Tx) error) error { return a.o.Store.Update(ctx, forget) }
		if err := a.end(ctx, other.ID, forgotten); err != nil {
			a.o.Logger.Warn("the account that was connected before could not be ended", "connection", other.ID, "err", err)
		}
	}
	a.mu.Lock()
	acc.retryAt, acc.failed = time.Time{}, 0
	a.mu.Unlock()
	a.o.Logger.Info("account connected", "provider", p.Name, "connection", conn.ID, "space", conn.Space, "charm", conn.Charm, "otherThanBefore", before != "")
	return Connected{conn, before}, nil
}

// expect makes an account that is being connected known before it is on disk, unless it
// is known already, and says whether it did. The caller has locked it.
func (a *Accounts) expect(acc *account, conn charm.Connection) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byID[conn.ID] == acc {
		return false
	}
	conn.State = coming
	acc.conn, acc.gone = conn, false
	a.byID[conn.ID] = acc
	return true
}

// forget takes an account away of which nothing is on disk. The caller has locked it.
func (a *Accounts) forget(acc *account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	acc.gone, acc.tokens, acc.unsaved = true, nil, nil
	delete(a.byID, acc.conn.ID)
}

// lastAccount is the key under which is kept whose account a charm, or a cell alone, had
// last at a provider, also when it has been disconnected since.
func lastAccount(space, of, provider string) string {
	return "account/" + space + "/" + of + "/" + provider
}

// succeed notes whose account a charm has now, and says whose it had before when that was
// another: its recipe may not tell the two apart.
func succeed(tx store.Tx, conn charm.Connection) (before string, err error) {
	of := conn.Charm
	if of == "" {
		of = conn.Cell.ID
	}
	key := lastAccount(conn.Space, of, conn.Provider)
	if before, err = tx.Value(key); err != nil || conn.Account.Email == "" {
		return "", err
	}
	if before == conn.Account.Email {
		before = ""
	}
	return before, tx.SetValue(key, conn.Account.Email)
}

// ofTarget is the connection of a target, a new one when there is none.
func (a *Accounts) ofTarget(provider string, to Target) (*account, charm.Connection) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, acc := range a.byID {
		c := acc.conn
		same := c.Cell.ID == to.Cell.ID && slices.Equal(c.Cell.Path, to.Cell.Path) && (to.Cell.ID != "" || c.Charm == to.Charm)
		if c.Provider == provider && c.Space == to.Space && same {
			if to.Charm != "" {
				c.Charm = to.Charm
			}
			return acc, c
		}
	}
	c := charm.Connection{ID: rand.Text(), Provider: provider, Space: to.Space, Charm: to.Charm, Cell: to.Cell}
	return newAccount(c), c
}

// scopesOf are the permissions that were given: those asked for, when the provider
// does not say otherwise.
func scopesOf(p Provider, got *oauth2.Token) []string {
	text, _ := got.Extra("scope").(string)
	scopes := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
	if len(scopes) == 0 {
		return p.Scopes
	}
	return scopes
}
