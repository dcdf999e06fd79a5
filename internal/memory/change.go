// Package memory is what the service knows as facts: spaces, transactions on
// them, the commit log and its subscribers (memory spec §3-6). It exists so that
// a run's changeset, a person's write and, over the wire, another program's
// transaction go one and the same way, and subscribers hear of all of them.
package memory

import (
	"fmt"
	"slices"
	"time"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// The kinds of facts the service writes itself.
const (
	JSON       = "application/json"        // documents
	CommitJSON = "application/commit+json" // a space's log
	// RunJSON is, of a charm's process document, the last run that changed anything,
	// when another toolshed has the charm's space: its cause lets one such run
	// through at a time, and what it says tells what became of one whose answer was
	// lost.
	RunJSON = "application/charmd-run+json"
)

// Change is one part of a transaction: an assertion when Is is set, else a
// retraction, or a claim that the fact Cause is current when Claim is set.
type Change struct {
	The   string
	Of    string
	Cause merkle.Ref // the current fact, or merkle.Unclaimed(the, of) for the first
	Is    any        // jsontext value; nil for a retraction
	Has   bool       // Is is an assertion's value, which may be null
	Claim bool
}

// Assert is the change that makes v the value of a document.
func Assert(of string, cause merkle.Ref, v any) Change {
	return Change{The: JSON, Of: of, Cause: cause, Is: v, Has: true}
}

// Draft is a transaction that is ready to commit: everything that can be
// computed without the store's writer has been.
type Draft struct {
	Space   charm.Space
	Changes []Change
	// Replay accepts a change that is the current state already, as clients
	// expect that send again what got no answer (memory spec §5). Two writers who
	// both count 5 up to 6 make the same fact, so whoever must not lose an update
	// leaves this off.
	Replay bool
	// Anyway commits although a run holds one of the documents: for the service's
	// own books, which must not wait for a charm. The run finds a conflict.
	Anyway bool
	// By names the part of the service that makes the transaction, for those who
	// hear of it. It is no part of the invocation, which anybody may write.
	By string
	// Allowed says within the transaction whether it may be made, for those whose
	// issuer is not the service; nil allows it.
	Allowed func(r store.Reader, space charm.Space) error
	// Read is what must besides be as it was read, for a toolshed that has the space;
	// whoever commits here has checked it.
	Read []Version
	// Committed hears of it when it is on disk, right after the subscribers and
	// before those are told of the next one. It runs on the store's writer and must
	// not block; nil tells nobody.
	Committed func(Receipt)

	create bool // the space, when it is new
	copied bool // the changes stand already, in another toolshed
	facts  []draftFact
	text   []byte     // JavaScript text form of the invocation
	digest merkle.Ref // of the invocation
}

type draftFact struct {
	ref  merkle.Ref
	base merkle.Ref // reference of {the, of}
	is   []byte
}

// Of names the document with an entity id as facts do.
func Of(id string) string { return "of:" + id }

// NewDraft prepares a transaction in space by issuer. meta is put into the
// invocation, where a reader of the log finds it; it may be nil.
// Every value must be within charm.MaxDocumentBytes, else the error says which is not.
func NewDraft(space charm.Space, issuer string, changes []Change, meta map[string]string, at time.Time) (*Draft, error) {
	d := &Draft{Space: space, Changes: changes, facts: make([]draftFact, len(changes))}
	byOf := jsontext.NewObject()
	var ofEntries []ofDigest
	for i, c := range changes {
		f := &d.facts[i]
		f.base = merkle.Unclaimed(c.The, c.Of)
		var body any = jsontext.NewObject()
		var bodyRef merkle.Ref
		switch {
		case c.Claim:
			f.ref, body, bodyRef = c.Cause, true, merkle.Refer(true)
		case c.Has:
			value, err := f.assert(c)
			if err != nil {
				return nil, err
			}
			o := jsontext.NewObject()
			o.Set("is", c.Is)
			body, bodyRef = o, merkle.ReferMap(merkle.Entry{Key: "is", Value: value})
		default:
			f.ref = merkle.FactRef(c.The, c.Of, nil, c.Cause)
			bodyRef = merkle.Refer(body)
		}
		cause := c.Cause.String()
		the := byOf.Child(c.Of).Child(c.The)
		if _, twice := the.Get(cause); twice {
			return nil, fmt.Errorf("two changes of %s %s with the cause %s in one transaction", c.Of, c.The, cause)
		}
		the.Set(cause, body)
		ofEntries = append(ofEntries, ofDigest{c.Of, c.The, cause, bodyRef})
	}
	changesRef := changesDigest(ofEntries)

	args := jsontext.NewObject()
	args.Set("changes", byOf)
	inv := jsontext.NewObject()
	head := []struct {
		key   string
		value any
	}{
		{"cmd", "/memory/transact"}, {"sub", space.DID}, {"args", args}, {"iss", issuer}, {"prf", []any{}},
		{"iat", float64(at.Unix())}, {"exp", float64(at.Add(time.Hour).Unix())},
	}
	if len(meta) > 0 {
		m := jsontext.NewObject()
		for _, k := range sortedKeys(meta) {
			m.Set(k, meta[k])
		}
		head = append(head, struct {
			key   string
			value any
		}{"meta", m})
	}
	entries := make([]merkle.Entry, 0, len(head))
	for _, h := range head {
		inv.Set(h.key, h.value)
		ref := merkle.ReferMap(merkle.Entry{Key: "changes", Value: changesRef})
		if h.key != "args" {
			ref = merkle.Refer(h.value)
		}
		entries = append(entries, merkle.Entry{Key: h.key, Value: ref})
	}
	d.text = jsontext.Append(nil, inv)
	d.digest = merkle.ReferMap(entries...)
	return d, nil
}

// assert makes f the fact of an assertion and returns the reference of its value.
func (f *draftFact) assert(c Change) (merkle.Ref, error) {
	if jsontext.Deeper(c.Is, charm.MaxDepth-documentDepth) {
		return merkle.Ref{}, charm.Errorf(charm.CodeTooLarge, "document %s would be nested deeper than %d levels", c.Of, charm.MaxDepth)
	}
	f.is = jsontext.Append(nil, c.Is)
	if len(f.is) > charm.MaxDocumentBytes {
		return merkle.Ref{}, charm.Errorf(charm.CodeTooLarge, "document %s would be %d bytes; at most %d are stored", c.Of, len(f.is), charm.MaxDocumentBytes)
	}
	value := merkle.Refer(c.Is)
	f.ref = merkle.FactRef(c.The, c.Of, &value, c.Cause)
	return value, nil
}

// documentDepth is what a transaction adds around a document: it is stored, and
// read again, inside the log's entry.
const documentDepth = 8

// Changing reports whether the draft changes what v is a version of; committing
// it checks the version then.
func (d *Draft) Changing(v Version) bool {
	return slices.ContainsFunc(d.Changes, func(c Change) bool { return c.Of == v.Of && c.The == v.The })
}

// Conflict says that a fact was not what the transaction was made for
// (memory spec §7.7).
type Conflict struct {
	Space    string
	The, Of  string
	Expected merkle.Ref  // zero: nothing was expected to be there
	Actual   *store.Fact // nil: there is nothing
}

func (c *Conflict) Error() string {
	switch {
	case c.Expected.IsZero() && c.Actual != nil:
		return fmt.Sprintf("The %s of %s in %s already exists as %s", c.The, c.Of, c.Space, merkle.Ref(c.Actual.Ref))
	case c.Actual == nil:
		return fmt.Sprintf("The %s of %s in %s was expected to be %s, but it does not exists", c.The, c.Of, c.Space, c.Expected)
	}
	return fmt.Sprintf("The %s of %s in %s was expected to be %s, but it is %s", c.The, c.Of, c.Space, c.Expected, merkle.Ref(c.Actual.Ref))
}
