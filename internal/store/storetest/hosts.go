package storetest

import (
	"charmd/internal/charm"
	"charmd/internal/store"
)

func testHosts(f *fixture) {
	hosts := func() []charm.Host { return read(f, store.Reader.Hosts) }
	f.equal(len(hosts()), 0)
	full := charm.Host{Name: "a.example:443", Who: "did:key:z6MkHome", Failures: 3, Since: at(1), Until: at(9), Reason: "it answered 503"}
	f.complete(full)
	all := charm.Host{Name: "a.example:443", Failures: 1, Since: at(2), Until: at(3)}
	other := charm.Host{Name: "b.example:80", Until: at(4)}
	f.write(func(tx store.Tx) error {
		for _, h := range []charm.Host{other, full, all} {
			f.ok(tx.PutHost(h))
		}
		return nil
	})
	f.equal(hosts(), []charm.Host{all, full, other})
	full.Failures, full.Until, full.Reason = 4, at(20), "it answered 500"
	f.write(func(tx store.Tx) error {
		f.ok(tx.PutHost(full))
		return tx.DeleteHost(all.Name, all.Who)
	})
	f.equal(hosts(), []charm.Host{full, other})
	f.write(func(tx store.Tx) error { return tx.DeleteHost("nobody.example:80", "") })
	f.equal(hosts(), []charm.Host{full, other})
}
