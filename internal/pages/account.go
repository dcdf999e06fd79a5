package pages

import (
	"context"
	"slices"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
)

// foretold is how long before an access ends its person is told without asking.
const foretold = 3 * 24 * time.Hour

// accounts are the connections for which is holds.
func (p *Pages) accounts(ctx context.Context, is func(api.Connection) bool) []api.Connection {
	return slices.DeleteFunc(p.o.Service.Connections(ctx), func(c api.Connection) bool { return !is(c) })
}

// wantsPerson reports whether somebody must connect the account again, now or soon.
func wantsPerson(c api.Connection) bool {
	return c.State == charm.Disconnected || c.Ends != nil && time.Until(*c.Ends) < foretold
}

// accountStanding is how a connection stands.
func accountStanding(c api.Connection) stand {
	switch {
	case c.State == charm.Disconnected:
		return stand{"connect again", "bad"}
	case wantsPerson(c):
		return stand{"ends soon", "uneasy"}
	}
	return stand{"connected", "good"}
}

// contactAsked is the state of a contact that waits for a person's consent.
const contactAsked = "asked"

// contacts are the hosts for which is holds, those first that wait for a person.
func (p *Pages) contacts(ctx context.Context, is func(api.Contact) bool) ([]api.Contact, error) {
	list, err := p.o.Service.Contacts(ctx)
	list = slices.DeleteFunc(list, func(c api.Contact) bool { return !is(c) })
	slices.SortStableFunc(list, func(a, b api.Contact) int { return waits(b) - waits(a) })
	return list, err
}

func waits(c api.Contact) int {
	if c.State == contactAsked {
		return 1
	}
	return 0
}
