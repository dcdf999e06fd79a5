// Package frames is what travels between a memory server and its clients: signed
// requests one way, replies and effects the other (memory spec §7). It exists so
// that our server and our client read and write one and the same text.
package frames

import (
	"time"

	"charmd/internal/jsontext"
	"charmd/internal/merkle"
)

// Path is where a toolshed serves its memory, by WebSocket and by HTTP.
const Path = "/api/storage/memory"

// The commands of an invocation.
const (
	Transact    = "/memory/transact"
	Query       = "/memory/query"
	Subscribe   = "/memory/query/subscribe"
	Unsubscribe = "/memory/query/unsubscribe"
)

// MaxBytes is the length of a message, either way.
const MaxBytes = 64 << 20

// Any stands in a selection for every name of its level.
const Any = "_"

// PutBlob is what a signed request to store a blob says it is, in a header of the
// request; its sub is the system space, its args name the key.
const (
	PutBlob          = "/storage/blobby/put"
	InvocationHeader = "Charmd-Invocation"
)

// Validity is how long an invocation is good for; its time of issue is rounded
// down to issueStep, so that equal invocations made together have one id.
const (
	Validity  = time.Hour
	issueStep = 10
)

// Invocation is a command as its issuer signed it.
type Invocation struct {
	Object *jsontext.Object // all of it, keys in the order received
	Ref    merkle.Ref       // of Object
	Cmd    string
	Sub    string           // DID of the space
	Iss    string           // DID of the issuer
	Args   *jsontext.Object // nil when there are none
}

// Job is the id that replies to the invocation carry.
func (i *Invocation) Job() string { return job + i.Ref.String() }

const job = "job:"

// NewInvocation makes the invocation of a command on the space sub. Two with the
// same content have the same id: nonce, which may be "", tells them apart.
func NewInvocation(cmd, sub, iss string, args *jsontext.Object, at time.Time, nonce string) *Invocation {
	issued := at.Unix() / issueStep * issueStep
	o := jsontext.NewObject()
	o.Set("cmd", cmd)
	o.Set("sub", sub)
	o.Set("args", args)
	o.Set("iss", iss)
	o.Set("prf", []any{})
	o.Set("iat", float64(issued))
	o.Set("exp", float64(issued+int64(Validity/time.Second)))
	if nonce != "" {
		o.Set("nonce", nonce)
	}
	return &Invocation{Object: o, Ref: merkle.Refer(o), Cmd: cmd, Sub: sub, Iss: iss, Args: args}
}

// received reads the members that a command is carried out by; what is missing,
// or of another type, stays empty.
func received(o *jsontext.Object) *Invocation {
	i := &Invocation{Object: o, Ref: merkle.Refer(o)}
	i.Cmd, i.Sub, i.Iss = text(o, "cmd"), text(o, "sub"), text(o, "iss")
	i.Args = object(o, "args")
	return i
}

// Time is the time in the member key, seconds since 1970; false when it has none.
func (i *Invocation) Time(key string) (time.Time, bool) {
	v, _ := i.Object.Get(key)
	seconds, ok := v.(float64)
	if !ok || seconds != seconds || seconds > maxSeconds || seconds < -maxSeconds {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// maxSeconds keeps arithmetic with times from overflowing.
const maxSeconds = 1 << 40

func text(o *jsontext.Object, key string) string {
	v, _ := o.Get(key)
	s, _ := v.(string)
	return s
}

func object(o *jsontext.Object, key string) *jsontext.Object {
	v, _ := o.Get(key)
	c, _ := v.(*jsontext.Object)
	return c
}
