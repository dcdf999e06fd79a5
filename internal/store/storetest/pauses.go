package storetest

import (
	"charmd/internal/charm"
	"charmd/internal/store"
)

func testPauses(f *fixture) {
	all := charm.Pause{Scope: charm.PauseAll, Note: "moving house", At: at(1)}
	feeds := charm.Pause{Scope: charm.PauseSpace, Subject: "did:key:feeds", At: at(2)}
	home := charm.Pause{Scope: charm.PauseSpace, Subject: "did:key:home", Note: "first", At: at(3)}
	for _, p := range []charm.Pause{home, all, feeds} {
		f.write(func(tx store.Tx) error { return tx.PutPause(p) })
	}
	home.Note, home.At = "second", at(4)
	f.write(func(tx store.Tx) error { return tx.PutPause(home) })
	f.equal(read(f, store.Reader.Pauses), []charm.Pause{all, feeds, home})

	end := func(p charm.Pause) func(store.Tx) error {
		return func(tx store.Tx) error { return tx.DeletePause(p.Scope, p.Subject) }
	}
	f.write(end(feeds))
	f.refused(store.ErrNotFound, end(feeds))
	f.refused(store.ErrNotFound, end(charm.Pause{Scope: charm.PauseAll, Subject: "not this one"}))
	f.reopen()
	f.equal(read(f, store.Reader.Pauses), []charm.Pause{all, home})
}
