package memory

import (
	"context"
	"errors"
	"fmt"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// Invalid says that a received invocation is not a transaction, in the words the
// original has for it where it has any.
type Invalid struct {
	Kind    string // as JavaScript names errors: "TypeError", "ReferenceError"
	Message string
}

func (e *Invalid) Error() string { return e.Message }

func invalid(format string, args ...any) error {
	return &Invalid{"TypeError", fmt.Sprintf(format, args...)}
}

// Received prepares the transaction that somebody else has put into words: the
// log keeps the invocation as it is, and ref is its reference. The space is made
// when it is new, and what is current already is accepted. An *Invalid: it is not
// a transaction; a *charm.Error with CodeTooLarge: a value is beyond the limits.
func Received(did string, invocation *jsontext.Object, ref merkle.Ref) (*Draft, error) {
	d := &Draft{Space: charm.Space{DID: did}, Replay: true, create: true}
	args, err := member(invocation, "args")
	if err != nil {
		return nil, invalid("Cannot read properties of undefined (reading 'changes')")
	}
	changes, err := member(args, "changes")
	if err != nil {
		return nil, invalid("Cannot convert undefined or null to object")
	}
	for of := range changes.All() {
		byThe, err := member(changes, of)
		if err != nil {
			return nil, err
		}
		for the := range byThe.All() {
			causes, err := member(byThe, the)
			if err != nil {
				return nil, err
			}
			if causes.Len() == 0 {
				return nil, invalid("there is no change of the %s of %s", the, of)
			}
			for cause, body := range causes.All() {
				if err := d.receive(of, the, cause, body); err != nil {
					return nil, err
				}
			}
		}
	}
	d.text, d.digest = jsontext.Append(nil, invocation), ref
	return d, nil
}

func member(o *jsontext.Object, key string) (*jsontext.Object, error) {
	v, _ := o.Get(key)
	c, ok := v.(*jsontext.Object)
	if !ok {
		return nil, invalid("%s is not an object", key)
	}
	return c, nil
}

// receive adds one change in its form on the wire.
func (d *Draft) receive(of, the, cause string, body any) error {
	ref, err := merkle.ParseString(cause)
	if err != nil {
		return &Invalid{"ReferenceError", "Invalid reference " + cause}
	}
	c := Change{The: the, Of: of, Cause: ref}
	f := draftFact{base: merkle.Unclaimed(the, of)}
	switch b := body.(type) {
	case bool, float64:
		if c.Claim = b == true || b == float64(1); !c.Claim {
			return invalid("the change of the %s of %s is neither a claim nor an object", the, of)
		}
		f.ref = ref
	case *jsontext.Object:
		if c.Is, c.Has = b.Get("is"); !c.Has {
			f.ref = merkle.FactRef(the, of, nil, ref)
			break
		}
		if _, err := f.assert(c); err != nil {
			return err
		}
	default:
		return invalid("the change of the %s of %s is neither a claim nor an object", the, of)
	}
	switch {
	case c.Claim:
	case the == CommitJSON && of == d.Space.DID:
		return invalid("the log of a space is written by its server alone")
	case the == ACLJSON && of == d.Space.DID && c.Has:
		if err := checkACL(c.Is, len(f.is)); err != nil {
			return err
		}
	}
	if the == RunJSON && !c.Claim {
		d.Replay = false // two runs may say the same of a document, and both count
	}
	d.Changes, d.facts = append(d.Changes, c), append(d.facts, f)
	return nil
}

// Text is the transaction's invocation as JavaScript prints it; not to be changed.
func (d *Draft) Text() []byte { return d.text }

// Granting reports whether d changes who may use the space.
func (d *Draft) Granting() bool {
	for _, c := range d.Changes {
		if c.The == ACLJSON && c.Of == d.Space.DID && !c.Claim {
			return true
		}
	}
	return false
}

// spaceOf is the space d is for.
func (m *Memory) spaceOf(tx store.Tx, d *Draft) (charm.Space, error) {
	space, err := tx.Space(d.Space.DID)
	if !errors.Is(err, store.ErrNotFound) || !d.create {
		return space, err
	}
	space = charm.Space{DID: d.Space.DID, CreatedAt: m.now(), Since: -1}
	space.Row, err = tx.PutSpace(space)
	return space, err
}

// TransactAll is Transact of one after the other, each failing alone: failed is
// told of those that do, in their turn. While all go well they wait for the disk
// once.
func (m *Memory) TransactAll(ctx context.Context, drafts []*Draft, failed func(d *Draft, err error)) {
	if len(drafts) > 1 {
		err := m.store.Update(ctx, func(tx store.Tx) error {
			for _, d := range drafts {
				if _, err := m.Commit(tx, d, nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			return
		}
	}
	for _, d := range drafts {
		if _, err := m.Transact(ctx, d); err != nil {
			failed(d, err)
		}
	}
}
