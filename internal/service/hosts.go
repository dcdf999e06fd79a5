package service

import (
	"context"
	"errors"
	"strings"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/store"
)

// openEgress opens the door out. What was known of hosts at the last stop still
// holds.
func (s *Service) openEgress(ctx context.Context) (*egress.Client, error) {
	var hosts []charm.Host
	var contacts []charm.Contact
	err := s.store.View(ctx, func(r store.Reader) (err error) {
		if hosts, err = r.Hosts(); err != nil {
			return err
		}
		contacts, err = r.Contacts()
		return err
	})
	if err != nil {
		return nil, err
	}
	var origins []string
	if !strings.HasSuffix(s.config.Listen, ":0") { // a port that the system chooses is known when it is bound
		origins = []string{s.config.LocalURL()}
	}
	proxy, err := s.config.EgressProxy()
	if err != nil {
		return nil, err
	}
	if s.beside.toolshed != "" { // where relative addresses of recipes lead
		origins = append(origins, s.beside.toolshed)
	}
	return egress.New(egress.Options{
		Proxy:      proxy,
		Limits:     egress.DefaultLimits().Within(s.config.EgressTimeout),
		AllowHosts: s.config.AllowHosts, Origins: origins, Local: s.local, Hosts: hosts,
		Consent: s.config.Consent, Contacts: contacts, Contacted: s.contacted,
		Ended: s.requested, Now: s.now, RootCAs: s.roots,
	})
}

// Hosts lists the hosts that charms do not get to ask for a while.
func (s *Service) Hosts(ctx context.Context) ([]api.Host, error) {
	list := []api.Host{}
	now := s.now()
	err := s.store.View(ctx, func(r store.Reader) error {
		for _, h := range s.egress.Hosts() {
			who, err := nameOf(r, h.Who)
			if err != nil {
				return err
			}
			state := "open"
			if !now.Before(h.Until) {
				state = "half-open"
			}
			list = append(list, api.Host{
				Host: h.Name, For: who, State: state, Failures: h.Failures, Since: h.Since.UTC(), Until: h.Until.UTC(), Reason: h.Reason,
			})
		}
		return nil
	})
	return list, err
}

// nameOf is the space or charm a host is kept from, by name where it has one.
func nameOf(r store.Reader, who string) (string, error) {
	space, id, isCharm := strings.Cut(who, "/")
	if who == "" {
		return "", nil
	}
	known, err := r.Space(space)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	name := space
	if known.Name != "" {
		name = known.Name
	}
	if !isCharm {
		return name, nil
	}
	c, err := r.CharmByID(space, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && c.Name == "" {
		return name + "/" + id, nil
	}
	return name + "/" + c.Name, err
}

// ResetHost lets a host be asked again at once, and the charms that wait run.
func (s *Service) ResetHost(ctx context.Context, name string) error {
	if !s.egress.ResetHost(name) {
		return charm.Errorf(charm.CodeNotFound, "no host %q is held off", name).WithHint("charmd hosts lists those that are")
	}
	if err := s.store.Update(ctx, func(tx store.Tx) error { return s.egress.SaveHosts(tx, nil) }); err != nil {
		return err
	}
	// Which host each of them waits for is not known; who meets another one that is
	// held waits again.
	_, err := s.queue.Unpostpone(ctx)
	return err
}
