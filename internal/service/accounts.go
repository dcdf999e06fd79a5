package service

import (
	"context"
	"errors"
	"net/http"
	"os"

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

func (c cells) WriteCell(tx store.Tx, space string, at charm.AuthCell, value []byte) error {
	return c.manager.WriteCell(tx, space, at, value)
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

// Connections lists the accounts that charms may use.
func (s *Service) Connections(ctx context.Context) []api.Connection {
	return s.toolshed.Connections(ctx)
}
