package storetest

import (
	"charmd/internal/store"
)

func testSignIns(f *fixture) {
	all := func() []store.SignIn { return read(f, store.Reader.SignIns) }
	one := func(hash [32]byte) (s store.SignIn, err error) {
		err = f.View(f.Context(), func(r store.Reader) (err error) {
			s, err = r.SignIn(hash)
			return err
		})
		return s, err
	}
	f.equal(len(all()), 0)
	old := store.SignIn{Hash: [32]byte{1, 0, 31: 9}, Created: at(1), Seen: at(5), Browser: "Firefox"}
	f.complete(old)
	young := store.SignIn{Hash: [32]byte{2}, Created: at(2), Seen: at(2)}
	f.write(func(tx store.Tx) error {
		f.ok(tx.PutSignIn(old))
		return tx.PutSignIn(young)
	})
	f.equal(all(), []store.SignIn{young, old})
	old.Seen = at(8)
	f.write(func(tx store.Tx) error { return tx.PutSignIn(old) })
	f.reopen()
	got, err := one(old.Hash)
	f.ok(err)
	f.equal(got, old)
	f.write(func(tx store.Tx) error {
		f.ok(tx.DeleteSignIn(old.Hash))
		return tx.DeleteSignIn([32]byte{3})
	})
	f.equal(all(), []store.SignIn{young})
	_, err = one(old.Hash)
	f.is(err, store.ErrNotFound)
}
