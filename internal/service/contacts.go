package service

import (
	"context"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/store"
)

// contacted logs that a charm asks a host for the first time.
func (s *Service) contacted(c charm.Contact) {
	ref := c.Who
	_ = s.store.View(context.Background(), func(r store.Reader) (err error) { // else its id will do
		ref, err = nameOf(r, c.Who)
		return err
	})
	if c.Allowed {
		s.logger.Warn("a charm asks a host that it has not asked before", "charm", ref, "host", c.Host)
		return
	}
	s.logger.Warn("a charm wants to ask a host that it has not asked before; charmd contacts allow lets it", "charm", ref, "host", c.Host)
}

// Contacts lists the hosts that charms have asked, or want to ask and may not yet.
func (s *Service) Contacts(ctx context.Context) ([]api.Contact, error) {
	list := []api.Contact{}
	err := s.store.View(ctx, func(r store.Reader) error {
		for _, c := range s.egress.Contacts() {
			ref, err := nameOf(r, c.Who)
			if err != nil {
				return err
			}
			state := "asked"
			if c.Allowed {
				state = "allowed"
			}
			list = append(list, api.Contact{Charm: ref, Host: c.Host, State: state, Since: c.Since.UTC()})
		}
		return nil
	})
	return list, err
}

// AllowContact lets a charm ask a host from its next request on.
func (s *Service) AllowContact(ctx context.Context, space, name, host string) error {
	c, err := s.manager.Show(ctx, space, name)
	if err != nil {
		return err
	}
	if err := s.egress.AllowContact(c.Space, c.CharmID, host); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx store.Tx) error { return s.egress.SaveHosts(tx, nil) })
}
