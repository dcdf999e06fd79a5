package service

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/config"
	"charmd/internal/live"
	"charmd/internal/oauth"
	"charmd/internal/store"
)

// openAccounts reads the provider table and the connections.
func (s *Service) openAccounts(ctx context.Context) (*oauth.Accounts, error) {
	table, err := providers(s.config)
	if err != nil {
		return nil, err
	}
	return oauth.Open(ctx, oauth.Options{
		Store: s.store, Vault: s.vault, Providers: table, Cells: cells{s}, Lost: s.accountLost, Restored: s.accountRestored,
		Refreshed: s.metrics.Refreshed, Answered: s.metrics.Answered,
		HTTP:    func(p oauth.Provider) http.RoundTripper { return oauth.Transport(s.egress, p) },
		Timeout: s.config.TokenRefreshTimeout, Logger: s.logger, Now: s.now,
	})
}

// providers is the provider table as configured.
func providers(cfg config.Config) (map[string]oauth.Provider, error) {
	var text []byte
	if cfg.ProvidersFile != "" {
		var err error
		if text, err = os.ReadFile(cfg.ProvidersFile); err != nil {
			return nil, charm.Errorf(charm.CodeUsage, "%s (%s) cannot be read: %w", config.Providers, cfg.Origin(config.Providers), err)
		}
	}
	table, err := oauth.Table(text)
	if err != nil {
		return nil, err
	}
	google := table["google"]
	if cfg.GoogleClientID != "" {
		google.ClientID, google.ClientSecret = cfg.GoogleClientID, cfg.GoogleClientSecret
	}
	table["google"] = google
	return table, nil
}

// cells are the manager's, which is made later.
type cells struct{ *Service }

func (c cells) ReadCell(r store.Reader, space string, at charm.AuthCell) ([]byte, error) {
	return c.manager.ReadCell(r, space, at)
}

func (c cells) ChangeCell(ctx context.Context, space string, at charm.AuthCell, change func(now []byte) []byte, then func(tx store.Tx) error) error {
	return c.manager.ChangeCell(ctx, space, at, change, then)
}

// accountLost tells the notification hook of an account that a person must connect
// again.
func (s *Service) accountLost(tx store.Tx, conn charm.Connection) error {
	c, err := tx.CharmByID(conn.Space, conn.Charm)
	if errors.Is(err, store.ErrNotFound) {
		c, err = charm.Charm{Space: conn.Space, ID: conn.Charm}, nil
	}
	if err != nil {
		return err
	}
	return s.notifier.Account(tx, c, s.accounts.Words(conn))
}

// accountRestored lets the charms go on that wait for the account.
func (s *Service) accountRestored(tx store.Tx, conn charm.Connection) error {
	return s.manager.Reconnected(tx, conn.Space)
}

// lostAccounts are those that a person must connect again for a charm: what it was
// connected to and, while it waits for an account, all of its space, since the one it
// uses may be another charm's.
func (s *Service) lostAccounts(c charm.Charm, waits bool) []live.Lost {
	var list []live.Lost
	for _, conn := range s.accounts.List() {
		if conn.State == charm.Disconnected && conn.Space == c.Space && (waits || conn.Charm == c.ID) {
			list = append(list, live.Lost{Connection: conn, Words: s.accounts.Words(conn)})
		}
	}
	return list
}

// accountCounts are the accounts by provider and state, and how long it takes until the
// first ends that nothing can renew; nil: none does.
func (s *Service) accountCounts(now time.Time) (by map[string]map[charm.ConnectionState]int, ends *time.Duration) {
	by = map[string]map[charm.ConnectionState]int{}
	for _, c := range s.accounts.List() {
		if by[c.Provider] == nil {
			by[c.Provider] = map[charm.ConnectionState]int{}
		}
		by[c.Provider][c.State]++
		if left := max(0, c.Ends.Sub(now)); c.State == charm.Connected && !c.Ends.IsZero() && (ends == nil || left < *ends) {
			ends = &left
		}
	}
	return by, ends
}

// Connections lists the accounts that charms may use.
func (s *Service) Connections(ctx context.Context) []api.Connection {
	return s.toolshed.Connections(ctx)
}
