package client

import (
	"fmt"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory/frames"
	"charmd/internal/merkle"
)

// Place names one memory of a space: what kind of thing it is of what.
type Place struct{ The, Of string }

// Document is the place of the document with an entity id.
func Document(id string) Place { return Place{documents, "of:" + id} }

// The kinds of facts the client knows by name.
const (
	documents = "application/json"
	commits   = "application/commit+json"
)

// Selection is what a query or a subscription is about. In a Place of it an empty
// name stands for every one.
type Selection []Place

// Documents selects every document of a space.
func Documents() Selection { return Selection{{The: documents}} }

// covers reports whether p is selected.
func (s Selection) covers(p Place) bool {
	for _, q := range s {
		if (q.The == "" || q.The == p.The) && (q.Of == "" || q.Of == p.Of) {
			return true
		}
	}
	return false
}

// args is the selection as a query has it.
func (s Selection) args() *jsontext.Object {
	sel := jsontext.NewObject()
	for _, p := range s {
		of := p.Of
		if of == "" {
			of = frames.Any
		}
		the := sel.Child(of)
		if p.The != "" {
			the.Set(p.The, jsontext.NewObject())
		}
	}
	args := jsontext.NewObject()
	args.Set("select", sel)
	return args
}

// Fact is what a memory holds: an assertion of Is when Has is set, else a
// retraction; with a zero Ref nothing was ever written there.
type Fact struct {
	Place
	Ref   merkle.Ref // of the fact itself
	Cause merkle.Ref // of the fact before it, or merkle.Unclaimed(the, of) for the first
	Is    any        // jsontext value
	Has   bool
}

// Assert is the fact that follows f and says v.
func (f Fact) Assert(v any) Fact {
	is := merkle.Refer(v)
	cause := f.cause()
	return Fact{Place: f.Place, Ref: merkle.FactRef(f.The, f.Of, &is, cause), Cause: cause, Is: v, Has: true}
}

// Retract is the fact that follows f and takes back what f says.
func (f Fact) Retract() Fact {
	cause := f.cause()
	return Fact{Place: f.Place, Ref: merkle.FactRef(f.The, f.Of, nil, cause), Cause: cause}
}

// cause is the cause of the fact that follows f.
func (f Fact) cause() merkle.Ref {
	if f.Ref.IsZero() {
		return merkle.Unclaimed(f.The, f.Of)
	}
	return f.Ref
}

// follows reports whether f is the fact right after the one that is g, or after
// nothing when g is nothing.
func (f Fact) follows(g Fact) bool { return !f.Ref.IsZero() && f.Cause == g.cause() }

// Value is the value of the document that f is a version of, nil when it has none.
func (f Fact) Value() *jsontext.Object {
	o, _ := f.Is.(*jsontext.Object)
	return o
}

// readChange reads what stands at a cause in the changes form (memory spec §3).
// It is false for a claim, which changes nothing.
func readChange(p Place, cause string, body any) (Fact, bool, error) {
	ref, err := merkle.ParseString(cause)
	if err != nil {
		return Fact{}, false, fmt.Errorf("a change of %s: %w", p.Of, err)
	}
	o, ok := body.(*jsontext.Object)
	if !ok {
		return Fact{}, false, nil
	}
	before := Fact{Place: p, Ref: ref} // Unclaimed(the, of) is a cause like any other
	if is, has := o.Get("is"); has {
		return before.Assert(is), true, nil
	}
	return before.Retract(), true, nil
}

// eachChange calls fn for what stands in changes, or in the result of a query,
// which has the same form, as far as wanted selects it.
func eachChange(changes *jsontext.Object, wanted func(Place) bool, fn func(Fact)) error {
	for of, v := range changes.All() {
		thes, _ := v.(*jsontext.Object)
		for the, v := range thes.All() {
			p := Place{the, of}
			if !wanted(p) {
				continue
			}
			causes, _ := v.(*jsontext.Object)
			for cause, body := range causes.All() {
				f, changed, err := readChange(p, cause, body)
				if err != nil {
					return err
				}
				if changed {
					fn(f)
				}
			}
		}
	}
	return nil
}

// readFact reads a fact as conflicts have it, nil for null.
func readFact(v any) (*Fact, error) {
	o, ok := v.(*jsontext.Object)
	if !ok {
		return nil, nil
	}
	p := Place{text(o, "the"), text(o, "of")}
	cause, err := readLink(member(o, "cause"))
	if err != nil {
		return nil, err
	}
	f := Fact{Place: p, Ref: cause}.Retract()
	if is, has := o.Get("is"); has {
		f = Fact{Place: p, Ref: cause}.Assert(is)
	}
	return &f, nil
}

// readLink reads {"/":"baedrei…"}, the zero Ref for null.
func readLink(v any) (merkle.Ref, error) {
	o, ok := v.(*jsontext.Object)
	if !ok {
		return merkle.Ref{}, nil
	}
	return merkle.ParseLink(text(o, "/"))
}

// envelope is what a request puts around a value.
const envelope = 8

// transaction is the arguments that commit changes if read is current.
func transaction(changes, read []Fact) (*jsontext.Object, error) {
	all := jsontext.NewObject()
	put := func(p Place, at merkle.Ref, body any) error {
		the := all.Child(p.Of)
		if _, twice := the.Get(p.The); twice {
			return charm.Errorf(charm.CodeInvalid, "%s of %s stands twice in one transaction", p.The, p.Of)
		}
		the.Child(p.The).Set(at.String(), body)
		return nil
	}
	for _, f := range changes {
		body := jsontext.NewObject()
		if jsontext.Deeper(f.Is, charm.MaxDepth-envelope) {
			return nil, charm.Errorf(charm.CodeTooLarge, "%s of %s would be nested deeper than %d levels", f.The, f.Of, charm.MaxDepth-envelope)
		}
		if f.Has {
			body.Set("is", f.Is)
		}
		if err := put(f.Place, f.Cause, body); err != nil {
			return nil, err
		}
	}
	for _, f := range read {
		if err := put(f.Place, f.cause(), true); err != nil {
			return nil, err
		}
	}
	args := jsontext.NewObject()
	args.Set("changes", all)
	return args, nil
}

func member(o *jsontext.Object, key string) any {
	v, _ := o.Get(key)
	return v
}

func text(o *jsontext.Object, key string) string {
	s, _ := member(o, key).(string)
	return s
}

func object(o *jsontext.Object, key string) *jsontext.Object {
	c, _ := member(o, key).(*jsontext.Object)
	return c
}
