package storetest

import (
	"charmd/internal/charm"
	"charmd/internal/store"
)

func testContacts(f *fixture) {
	contacts := func() []charm.Contact { return read(f, store.Reader.Contacts) }
	f.equal(len(contacts()), 0)
	c := f.charm(f.space("home"), "asks")
	who := c.Space + "/" + c.ID
	full := charm.Contact{Who: who, Host: "b.example:8080", Allowed: true, Since: at(1)}
	f.complete(full)
	asked := charm.Contact{Who: who, Host: "a.example", Since: at(2)}
	other := charm.Contact{Who: who + "x", Host: "a.example", Since: at(3)}
	f.write(func(tx store.Tx) error {
		for _, contact := range []charm.Contact{other, full, asked} {
			f.ok(tx.PutContact(contact))
		}
		return nil
	})
	f.equal(contacts(), []charm.Contact{asked, full, other})
	asked.Allowed = true
	f.write(func(tx store.Tx) error { return tx.PutContact(asked) })
	f.equal(contacts(), []charm.Contact{asked, full, other})
	f.write(func(tx store.Tx) error { return tx.DeleteCharm(c.Row) })
	f.equal(contacts(), []charm.Contact{other})
}
