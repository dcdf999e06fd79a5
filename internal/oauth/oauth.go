// Package oauth connects accounts at other services (Google, GitHub …) to charms
// and keeps them usable for years: it exists so that no other package, and no
// charm, ever holds a token. What stands in a charm's auth cell, and what its
// requests carry, are stand-ins; egress asks this package for what they stand for
// when a request goes to one of the provider's own hosts.
package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
	"charmd/internal/vault"
)

// Cells reads and writes the cells that recipes expect accounts in.
type Cells interface {
	// ReadCell is the JSON value at the place, nil when there is none.
	ReadCell(r store.Reader, space string, at charm.AuthCell) ([]byte, error)
	// ChangeCell makes what change says of the JSON value at the place, nil when there
	// is none, the value there; nil leaves it. then, which may be nil, writes what
	// belongs to it as one with it. Nobody else writes the place between change and the
	// writing: who was quicker is seen by change, which is asked again.
	ChangeCell(ctx context.Context, space string, at charm.AuthCell, change func(now []byte) []byte, then func(tx store.Tx) error) error
}

// Options are what Accounts work with.
type Options struct {
	Store     store.Store
	Vault     *vault.Vault
	Providers map[string]Provider
	Cells     Cells
	// HTTP carries out requests to a provider's endpoints.
	HTTP func(Provider) http.RoundTripper
	// Lost is told, inside the transaction that writes it, of a connection that a
	// person must connect again, once each time; Restored of one that works again.
	Lost, Restored func(tx store.Tx, c charm.Connection) error
	// Refreshed is told how a refresh went ("ok", "refused", "failed"), Answered what a
	// provider's answer to a person came to ("connected", "failed", "forged").
	Refreshed func(provider, outcome string)
	Answered  func(result string)
	Timeout   time.Duration // of one request to an endpoint
	Logger    *slog.Logger
	Now       func() time.Time
}

// Accounts are the connections of all spaces. It is safe for concurrent use.
type Accounts struct {
	o Options

	mu     sync.Mutex
	byID   map[string]*account
	logins map[string]login
	turns  map[string]chan struct{} // by the place that an account is being connected for; closed when it is
	rows   map[string]Provider      // as discovery completed them

	refused refusals
}

// account is one connection with what is known of it in memory.
type account struct {
	work chan struct{} // holds a token while somebody refreshes, connects or ends it: one at a time

	// The rest is guarded by Accounts.mu.
	conn    charm.Connection
	tokens  *tokens   // nil: not read from the vault yet
	unsaved *tokens   // got for a refresh token and not on disk: not used before it is
	retryAt time.Time // no refresh before, after one that failed by the provider's fault
	failed  int       // such failures in a row
	forced  time.Time // when a refresh was last forced by a 401
	gone    bool
}

// tokens are what proves a connection, as the vault keeps them.
type tokens struct {
	Access   string
	Type     string
	Expires  time.Time     // of Access; zero: never
	Lives    time.Duration // from when it was given
	Refresh  string        // "" when the provider gives none
	Previous string        // the refresh token before; kept until Refresh has been used
	Lacking  bool          // a permission is missing: refreshing cannot help
}

func place(id string) string { return "connection/" + id }

// Open reads the connections.
func Open(ctx context.Context, o Options) (*Accounts, error) {
	a := &Accounts{o: o, byID: map[string]*account{}, logins: map[string]login{}, turns: map[string]chan struct{}{}, rows: map[string]Provider{}}
	return a, o.Store.View(ctx, func(r store.Reader) error {
		list, err := r.Connections()
		for _, c := range list {
			a.byID[c.ID] = newAccount(c)
		}
		return errors.Join(err, a.loadRefused(r))
	})
}

func newAccount(c charm.Connection) *account { return &account{conn: c, work: make(chan struct{}, 1)} }

// List is every connection, in order of space, charm and provider.
func (a *Accounts) List() []charm.Connection {
	return a.of(func(c charm.Connection) bool { return c.State != coming })
}

// coming is the state of a connection that is being made: it is on no disk, and whoever
// wants to use it waits for it.
const coming charm.ConnectionState = ""

// of are the connections for which is holds.
func (a *Accounts) of(is func(charm.Connection) bool) []charm.Connection {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []charm.Connection
	for _, acc := range a.byID {
		if is(acc.conn) {
			list = append(list, acc.conn)
		}
	}
	slices.SortFunc(list, func(x, y charm.Connection) int {
		return slices.Compare([]string{x.Space, x.Charm, x.Provider, x.ID}, []string{y.Space, y.Charm, y.Provider, y.ID})
	})
	return list
}

// madeFor are the connections that were made for a charm.
func (a *Accounts) madeFor(space, id string) []charm.Connection {
	return a.of(func(c charm.Connection) bool { return c.Space == space && c.Charm == id })
}

// Provider is the row of the table with the name.
func (a *Accounts) Provider(name string) (Provider, error) {
	p, ok := a.o.Providers[name]
	if !ok {
		return p, charm.Errorf(charm.CodeNotFound, "there is no provider %q", name).WithHint("docs/integrations.md says how one is added")
	}
	return p, nil
}

func (a *Accounts) account(id string) (*account, charm.Connection, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	acc, ok := a.byID[id]
	if !ok {
		return nil, charm.Connection{}, false
	}
	return acc, acc.conn, true
}

// lock makes the caller the only one who works on the account.
func (acc *account) lock(ctx context.Context) error {
	select {
	case acc.work <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (acc *account) unlock() { <-acc.work }

// ErrGone says that a connection was ended meanwhile.
var ErrGone = errors.New("the account is not connected any more")

// read are the account's tokens; the caller has locked it.
func (a *Accounts) read(ctx context.Context, acc *account) (tokens, charm.Connection, error) {
	a.mu.Lock()
	known, conn, gone := acc.tokens, acc.conn, acc.gone
	a.mu.Unlock()
	if gone {
		return tokens{}, conn, ErrGone
	}
	if known != nil {
		return *known, conn, nil
	}
	var t tokens
	err := a.o.Store.View(ctx, func(r store.Reader) error {
		text, err := a.o.Vault.Get(r, place(conn.ID))
		if err != nil {
			return err
		}
		if json.Unmarshal(text, &t) != nil { // its error may repeat what it read
			return fmt.Errorf("what the vault holds for connection %s cannot be understood", conn.ID)
		}
		return nil
	})
	if err == nil {
		a.mu.Lock()
		acc.tokens = &t
		a.mu.Unlock()
	}
	return t, conn, err
}

// save writes tokens and connection in one transaction with what more there is to
// write, and with what its cell says then, nil to leave that; and makes them what is
// used from then on. The caller has locked the account.
func (a *Accounts) save(ctx context.Context, acc *account, conn charm.Connection, t tokens, cell []byte, more func(tx store.Tx) error) error {
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	write := func(tx store.Tx) error {
		// First of all: what more there is to write wakes charms and pages, which look here.
		tx.AfterCommit(func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			acc.conn, acc.tokens, acc.unsaved = conn, &t, nil
		})
		if err := a.o.Vault.Put(tx, place(conn.ID), text); err != nil {
			return err
		}
		if err := tx.PutConnection(conn); err != nil {
			return err
		}
		if more != nil {
			return more(tx)
		}
		return nil
	}
	if cell == nil || conn.Cell.ID == "" {
		return a.o.Store.Update(ctx, write)
	}
	return a.o.Cells.ChangeCell(ctx, conn.Space, conn.Cell, func([]byte) []byte { return cell }, write)
}

// emptyWithin is how long an account that ends waits for the toolshed that has its cell.
const emptyWithin = 5 * time.Second

// End forgets a connection and its tokens, and empties its cell if that can be
// written. The provider is not asked to take the access back: that would end all
// others of the same account.
func (a *Accounts) End(ctx context.Context, id string) error {
	return a.end(ctx, id, func(conn charm.Connection, forget func(store.Tx) error) error {
		if conn.Cell.ID != "" {
			emptying, cancel := context.WithTimeout(ctx, emptyWithin)
			defer cancel()
			err := a.o.Cells.ChangeCell(emptying, conn.Space, conn.Cell, emptied(conn), forget)
			if err == nil {
				return nil
			}
			a.o.Logger.Warn("the auth cell of an account that ends could not be emptied", "connection", conn.ID, "err", err)
		}
		return a.o.Store.Update(ctx, forget)
	})
}

// EndOf ends the connections that were made for a charm, which is no more.
func (a *Accounts) EndOf(ctx context.Context, space, id string) error {
	var errs []error
	for _, c := range a.madeFor(space, id) {
		errs = append(errs, a.End(ctx, c.ID))
	}
	errs = append(errs, a.o.Store.Update(ctx, func(tx store.Tx) error {
		for name := range a.o.Providers {
			last, err := tx.Value(lastAccount(space, id, name))
			if err == nil && last != "" {
				err = tx.SetValue(lastAccount(space, id, name), "")
			}
			if err != nil {
				return err
			}
		}
		return nil
	}))
	return errors.Join(errs...)
}

// end forgets a connection and its tokens. write is called while nobody else works on
// the account, and has forget carried out in a transaction with what else there is to
// write; when it does not, the connection stays.
func (a *Accounts) end(ctx context.Context, id string, write func(conn charm.Connection, forget func(tx store.Tx) error) error) error {
	acc, _, ok := a.account(id)
	if !ok {
		return charm.Errorf(charm.CodeNotFound, "there is no connection %q", id).WithHint("charmd connections lists them")
	}
	if err := acc.lock(ctx); err != nil {
		return err
	}
	defer acc.unlock()
	a.mu.Lock()
	conn, gone := acc.conn, acc.gone
	a.mu.Unlock()
	if gone {
		return nil
	}
	forgotten := false
	err := write(conn, func(tx store.Tx) error {
		forgotten = true
		if err := tx.DeleteSecret(place(id)); err != nil {
			return err
		}
		return tx.DeleteConnection(id)
	})
	if err != nil || !forgotten {
		return err
	}
	a.forget(acc)
	a.o.Logger.Info("account disconnected", "provider", conn.Provider, "connection", id)
	return nil
}
