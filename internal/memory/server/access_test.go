package server_test

import (
	"strings"
	"testing"
	"time"

	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/memory/frames"
	"charmd/internal/memory/server"
	"charmd/internal/merkle"
)

// Who may do what, asked in all commands.
func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	owner, friend, stranger := user("owner"), user("friend"), user("stranger")
	const read, write, own = 1, 2, 3
	for _, c := range []struct {
		name   string
		acl    string // "" for none
		space  *identity.Key
		issuer *identity.Key
		dev    bool
		may    int
	}{
		{"the space itself", "", owner, owner, false, own},
		{"the operator", "", owner, operator, false, own},
		{"a stranger", "", owner, stranger, false, 0},
		{"the published service key", "", owner, identity.Service(), false, 0},
		{"the published service key with --dev", "", owner, identity.Service(), true, own},
		{"the system space's published key", "", identity.SystemSpace(), identity.SystemSpace(), false, 0},
		{"the system space's published key with --dev", "", identity.SystemSpace(), identity.SystemSpace(), true, own},
		{"the operator in the system space", "", identity.SystemSpace(), operator, false, own},
		{"a stranger in the system space with --dev", "", identity.SystemSpace(), stranger, true, 0},
		{"the anonymous key in its own space", "", identity.Anonymous(), identity.Anonymous(), false, 0},
		{"granted to read", `{"FRIEND":"read"}`, owner, friend, false, read},
		{"granted to write", `{"FRIEND":"write"}`, owner, friend, false, write},
		{"granted to own", `{"FRIEND":"owner"}`, owner, friend, false, own},
		{"granted to another", `{"FRIEND":"owner"}`, owner, stranger, false, 0},
		{"granted to anyone", `{"*":"read","FRIEND":"write"}`, owner, stranger, false, read},
		{"granted more than anyone", `{"*":"read","FRIEND":"write"}`, owner, friend, false, write},
		{"the published key as anyone", `{"*":"write"}`, owner, identity.Service(), false, write},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *server.Options) { o.Dev = c.dev })
			conn := w.dial()
			space := c.space.DID()
			none := merkle.Unclaimed(memory.ACLJSON, space)
			acl := none
			if c.acl != "" {
				i := grant(t, c.space, operator, none, strings.ReplaceAll(c.acl, "FRIEND", friend.DID()))
				conn.mustDo(i, operator)
				is := merkle.Refer(parse(t, strings.ReplaceAll(c.acl, "FRIEND", friend.DID())))
				acl = merkle.FactRef(memory.ACLJSON, space, &is, none)
			}
			try := func(what string, need int, i *frames.Invocation) {
				t.Helper()
				v, err := conn.ask(i, c.issuer)
				if allowed := err == nil; allowed != (c.may >= need) {
					t.Errorf("%s: got %v, %v", what, v, err)
				}
				if err != nil && !strings.Contains(err.Error(), "has no authority over") {
					t.Errorf("%s: %v", what, err)
				}
			}
			try("query", read, query(t, space, c.issuer, doc))
			try("transact", write, write0(t, space, c.issuer))
			try("claim", write, invocation(t, frames.Transact, space, c.issuer, `{"changes":{"of:none":{"application/json":{%q:true}}}}`, first("of:none")))
			try("change the ACL", own, grant(t, c.space, c.issuer, acl, `{"*":"owner"}`))
			if c.may == 0 {
				conn.mustFail(subscribe(t, space, c.issuer, doc), c.issuer, frames.AuthorizationError)
				conn.mustFail(invocation(t, frames.Unsubscribe, space, c.issuer, `{"source":"job:x"}`), c.issuer, frames.AuthorizationError)
				conn.mustFail(invocation(t, "/memory/nope", space, c.issuer, `{}`), c.issuer, frames.AuthorizationError)
			}
		})
	}
}

// write0 writes a document of its own.
func write0(t *testing.T, space string, key *identity.Key) *frames.Invocation {
	t.Helper()
	return write(t, space, key, doc, first(doc), `{"value":1}`)
}

// An ACL that says what cannot be understood is refused, not taken for less.
func TestAnACLHasItsForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, owner := w.dial(), user("owner")
	none := merkle.Unclaimed(memory.ACLJSON, owner.DID())
	for _, acl := range []string{`[]`, `"*"`, `null`, `{"*":"all"}`, `{"*":1}`, `{"somebody":"read"}`, `{"*":"read","x":"` + strings.Repeat("x", 65<<10) + `"}`} {
		conn.mustFail(grant(t, owner, owner, none, acl), owner, frames.TransactionError)
	}
	conn.mustDo(grant(t, owner, owner, none, `{}`), owner)
}

// What is taken from somebody is not told to them any more.
func TestRevokedWhileSubscribed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, friend := user("owner"), user("friend")
	mine, theirs := w.dial(), w.dial()
	space := owner.DID()
	none := merkle.Unclaimed(memory.ACLJSON, space)
	acl := `{"` + friend.DID() + `":"read"}`
	mine.mustDo(grant(t, owner, owner, none, acl), owner)
	listening := subscribe(t, space, friend, doc)
	theirs.send(frames.Sign(listening, friend))
	theirs.mustDo(query(t, space, friend, doc), friend) // the subscription was made
	mine.mustDo(write(t, space, owner, doc, first(doc), `1`), owner)
	if m := theirs.next(); m.The != frames.EffectOf || m.Of != listening.Job() {
		t.Fatalf("got %+v, want an effect", m)
	}
	is := merkle.Refer(parse(t, acl))
	mine.mustDo(invocation(t, frames.Transact, space, owner, `{"changes":{%q:{"application/acl+json":{%q:{}}}}}`, space, merkle.FactRef(memory.ACLJSON, space, &is, none)), owner)
	m := theirs.next()
	if _, err := m.Result(); m.Of != listening.Job() || err == nil || !strings.Contains(err.Error(), "does not let") {
		t.Fatalf("got %+v, %v; want the end of the subscription", m, err)
	}
	mine.mustDo(write(t, space, owner, doc, factOf(t, doc, first(doc), `1`), `2`), owner)
	theirs.mustFail(query(t, space, friend, doc), friend, frames.AuthorizationError) // and no effect before it
}

func TestTimesOfAnInvocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, owner := w.dial(), user("owner")
	for _, c := range []struct {
		name string
		set  func(o *jsontext.Object)
		ok   bool
	}{
		{"as made", func(*jsontext.Object) {}, true},
		{"no times", func(o *jsontext.Object) { o.Delete("iat"); o.Delete("exp") }, true},
		{"times that are none", func(o *jsontext.Object) { o.Set("iat", "yesterday"); o.Set("exp", nil) }, true},
		{"queued for hours", func(o *jsontext.Object) { o.Set("exp", float64(recordedAt.Add(-23*time.Hour).Unix())) }, true},
		{"expired", func(o *jsontext.Object) { o.Set("exp", float64(recordedAt.Add(-25*time.Hour).Unix())) }, false},
		{"a clock ahead", func(o *jsontext.Object) { o.Set("iat", float64(recordedAt.Add(23*time.Hour).Unix())) }, true},
		{"from the future", func(o *jsontext.Object) { o.Set("iat", float64(recordedAt.Add(25*time.Hour).Unix())) }, false},
	} {
		i := query(t, owner.DID(), owner, doc)
		c.set(i.Object)
		i.Ref = merkle.Refer(i.Object)
		_, err := conn.ask(i, owner)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
