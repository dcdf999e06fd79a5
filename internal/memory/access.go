package memory

import (
	"errors"

	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/store"
)

// ACLJSON is the fact of a space, its of being the space's DID, that says who
// else than its owner may use it: {"<did>": "read" | "write" | "owner"}, where
// the DID "*" is anyone who signs.
const ACLJSON = "application/acl+json"

// Anyone stands in an ACL for whoever signs.
const Anyone = "*"

// maxACL is the length of an ACL's text; it is read with every request that
// needs it.
const maxACL = 64 << 10

// Right is what somebody may do in a space; each includes those before it.
type Right int

// The rights, from none to all. Write does not include changing who may do what.
const (
	NoRight Right = iota
	MayRead
	MayWrite
	MayOwn
)

var rights = map[string]Right{"read": MayRead, "write": MayWrite, "owner": MayOwn}

// Granted is what the space's ACL gives to who, a DID.
func Granted(r store.Reader, space charm.Space, who string) (Right, error) {
	fact, err := r.Head(space.Row, ACLJSON, space.DID)
	if errors.Is(err, store.ErrNotFound) {
		return NoRight, nil
	}
	if err != nil || fact.Is == nil || len(fact.Is) > maxACL {
		return NoRight, err
	}
	acl, err := jsontext.Parse(fact.Is, jsontext.DefaultLimits)
	if err != nil {
		return NoRight, err
	}
	return GrantedBy(acl, who), nil
}

// GrantedBy is what an ACL gives to who. What it does not say in the form of
// ACLJSON it does not give.
func GrantedBy(acl any, who string) Right {
	o, _ := acl.(*jsontext.Object)
	of := func(name string) Right {
		v, _ := o.Get(name)
		word, _ := v.(string)
		return rights[word]
	}
	return max(of(who), of(Anyone))
}

// checkACL refuses an ACL that would not say what its writer thinks.
func checkACL(v any, size int) error {
	o, ok := v.(*jsontext.Object)
	if !ok {
		return invalid("an ACL is an object of DIDs, or *, with read, write or owner")
	}
	if size > maxACL {
		return invalid("an ACL has at most %d bytes", maxACL)
	}
	for who, v := range o.All() {
		if _, err := identity.ParseDID(who); err != nil && who != Anyone {
			return invalid("an ACL names DIDs, or *, and not %q", who)
		}
		word, _ := v.(string)
		if rights[word] == NoRight {
			return invalid("an ACL gives read, write or owner; what it gives to %s is none of them", who)
		}
	}
	return nil
}
