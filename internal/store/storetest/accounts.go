package storetest

import (
	"charmd/internal/charm"
	"charmd/internal/store"
)

func testSecrets(f *fixture) {
	all := func() []store.Secret { return read(f, store.Reader.Secrets) }
	f.equal(len(all()), 0)
	full := store.Secret{Place: "b", Key: "k1", Wrapped: []byte{0, 1}, Sealed: []byte{2, 255}, Changed: at(1)}
	f.complete(full)
	other := store.Secret{Place: "a", Key: "k2", Wrapped: []byte{3}, Sealed: []byte{4}, Changed: at(2)}
	f.write(func(tx store.Tx) error {
		f.ok(tx.PutSecret(full))
		return tx.PutSecret(other)
	})
	f.equal(all(), []store.Secret{other, full})
	full.Key, full.Wrapped, full.Changed = "k2", []byte{9}, at(3)
	f.write(func(tx store.Tx) error {
		f.ok(tx.PutSecret(full))
		f.ok(tx.DeleteSecret("nothing"))
		return tx.DeleteSecret("a")
	})
	f.equal(read(f, func(r store.Reader) (store.Secret, error) { return r.Secret("b") }), full)
	missing(f, store.ErrNotFound, func(r store.Reader) (store.Secret, error) { return r.Secret("a") })
}

func testConnections(f *fixture) {
	all := func() []charm.Connection { return read(f, store.Reader.Connections) }
	f.equal(len(all()), 0)
	full := charm.Connection{
		ID: "C2", Space: "did:key:z6MkHome", Charm: "baedrei", Provider: "google", Cell: charm.AuthCell{ID: "baedre2", Path: []string{"auth", "x/y"}},
		Account: charm.Account{Email: "a@example.org", Name: "Ä", Picture: "https://p"}, Scopes: []string{"email", "profile"},
		State: charm.Disconnected, Reason: "revoked", Since: at(1), Tried: at(2), Made: at(3), Expires: at(4), Ends: at(5),
	}
	f.complete(full)
	bare := charm.Connection{ID: "C1", Space: "did:key:z6MkHome", Provider: "github", State: charm.Connected}
	f.write(func(tx store.Tx) error {
		f.ok(tx.PutConnection(full))
		return tx.PutConnection(bare)
	})
	f.equal(all(), []charm.Connection{bare, full})
	full.State, full.Reason, full.Scopes = charm.Connected, "", []string{"email"}
	f.write(func(tx store.Tx) error {
		f.ok(tx.PutConnection(full))
		return tx.DeleteConnection(bare.ID)
	})
	f.equal(all(), []charm.Connection{full})
	f.refused(store.ErrNotFound, func(tx store.Tx) error { return tx.DeleteConnection(bare.ID) })
}
