package service_test

import (
	"strings"

	"charmd/internal/client"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	memclient "charmd/internal/memory/client"
	"charmd/internal/merkle"
)

// keyOf is the key of an OPERATOR_PASS as it stands in an environment.
func keyOf(env string) *identity.Key {
	_, pass, _ := strings.Cut(env, "=")
	return identity.FromPassphrase(pass)
}

// counted is what the counter charm's cell holds in the toolshed's memory.
func (d *daemon) counted(key *identity.Key, ref client.Ref) int {
	d.t.Helper()
	c, err := memclient.New(memclient.Options{URL: d.URL})
	if err != nil {
		d.t.Fatal(err)
	}
	defer c.Close()
	id, err := merkle.ParseLink(ref.Charm)
	if err != nil {
		d.t.Fatal(err)
	}
	process, err := c.Space(ref.Space, key).Read(d.t.Context(), memclient.Document(merkle.ProcessID(id).Link()))
	if err != nil {
		d.t.Fatal(err)
	}
	var at any = process.Value()
	for _, key := range []string{"value", "argument", "value"} {
		o, _ := at.(*jsontext.Object)
		at, _ = o.Get(key)
	}
	n, ok := at.(float64)
	if !ok {
		d.t.Fatalf("the charm's document is %s", jsontext.Text(process.Value()))
	}
	return int(n)
}
