package sqlite

import (
	"fmt"

	"charmd/internal/charm"
)

var contactColumns = columns{"who", "host", "allowed", "since"}

var (
	putContact     = contactColumns.upsert("contact", "who", "host")
	selectContacts = "select " + contactColumns.of("contact") + " from contact order by who, host"
)

func (v *view) Contacts() ([]charm.Contact, error) {
	return list(v.session, selectContacts, nil, func(scan func(...any) error) (c charm.Contact, err error) {
		err = scan(&c.Who, &c.Host, &c.Allowed, timeOf{&c.Since})
		return c, err
	})
}

func (t *tx) PutContact(c charm.Contact) error {
	if _, err := t.exec(putContact, c.Who, c.Host, c.Allowed, millis(c.Since)); err != nil {
		return fmt.Errorf("store contact %s of %s: %w", c.Host, c.Who, err)
	}
	return nil
}
