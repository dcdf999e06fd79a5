package store

import "charmd/internal/charm"

// ContactReader reads the hosts that charms have asked or want to ask.
type ContactReader interface {
	// Contacts lists them in order of Who, then Host.
	Contacts() ([]charm.Contact, error)
}

// ContactWriter writes them. DeleteCharm takes those of the charm.
type ContactWriter interface {
	// PutContact inserts or replaces the contact with c.Who and c.Host.
	PutContact(c charm.Contact) error
}
