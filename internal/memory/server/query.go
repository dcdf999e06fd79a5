package server

import (
	"errors"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/memory/frames"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// selected is what a query has found so far: of, the and cause to the text of
// what is there, in the order of JavaScript's keys.
type selected struct {
	r     store.Reader
	space charm.Space
	since float64 // only facts of later transactions
	found *jsontext.Object
	bytes int
	most  int // bytes
}

// text stands for a value whose JSON is known already.
type text []byte

// find answers a query's args in the space (memory spec §6) within most bytes.
func find(r store.Reader, space charm.Space, args *jsontext.Object, most int) ([]byte, error) {
	selection, err := selectionOf(args)
	if err != nil {
		return nil, err
	}
	s := selected{r: r, space: space, since: -1, found: jsontext.NewObject(), most: most}
	if since, ok := args.Get("since"); ok {
		if s.since, ok = since.(float64); !ok {
			return nil, &memory.Invalid{Kind: "TypeError", Message: "since is not a number"}
		}
	}
	if err := each(selection, s.of); err != nil {
		return nil, err
	}
	return appendFound(make([]byte, 0, s.bytes), s.found), nil
}

// selectionOf is what args select.
func selectionOf(args *jsontext.Object) (*jsontext.Object, error) {
	v, ok := args.Get("select")
	if !ok || v == nil {
		return nil, &memory.Invalid{Kind: "TypeError", Message: "Cannot convert undefined or null to object"}
	}
	return level(v)
}

func level(v any) (*jsontext.Object, error) {
	o, ok := v.(*jsontext.Object)
	if !ok {
		return nil, &memory.Invalid{Kind: "TypeError", Message: "a selection is made of objects"}
	}
	return o, nil
}

// each calls fn for the members of one level; none at all stands for any.
func each(o *jsontext.Object, fn func(key string, v any) error) error {
	if o.Len() == 0 {
		return fn(frames.Any, jsontext.NewObject())
	}
	for key, v := range o.All() {
		if err := fn(key, v); err != nil {
			return err
		}
	}
	return nil
}

func (s *selected) of(of string, byThe any) error {
	inner, err := level(byThe)
	if err != nil {
		return err
	}
	if of != frames.Any {
		s.found.Set(of, jsontext.NewObject()) // what an earlier wildcard found is dropped, as in the original
	}
	return each(inner, func(the string, byCause any) error {
		causes, err := level(byCause)
		if err != nil {
			return err
		}
		if of != frames.Any && the != frames.Any {
			s.found.Child(of).Set(the, jsontext.NewObject())
		}
		return each(causes, func(cause string, body any) error {
			o, err := level(body)
			if err != nil {
				return err
			}
			_, valued := o.Get("is")
			return s.facts(of, the, cause, valued)
		})
	})
}

// facts adds the current facts that match; with valued only those with a value.
func (s *selected) facts(of, the, cause string, valued bool) error {
	anyOf, anyThe := of == frames.Any, the == frames.Any
	var failed error
	add := func(f store.Fact) bool {
		if (!anyOf && of != f.Of) || (!anyThe && the != f.The) || float64(f.Since) <= s.since || valued && f.Is == nil {
			return true
		}
		if has := merkle.Ref(f.Cause).String(); cause == frames.Any || cause == has {
			failed = s.add(f, has)
		}
		return failed == nil
	}
	if (anyOf || anyThe) && s.space.Row != 0 {
		chosen := store.Selector{Since: int64(min(max(s.since, -1), maxSince))}
		if !anyOf {
			chosen.Of = of
		}
		if !anyThe {
			chosen.The = the
		}
		if err := s.r.Heads(s.space.Row, chosen, add); err != nil || failed != nil {
			return errors.Join(failed, err)
		}
	}
	switch { // the log's entry is not among those
	case !anyOf && !anyThe:
	case (anyOf || of == s.space.DID) && (anyThe || the == memory.CommitJSON):
		of, the = s.space.DID, memory.CommitJSON
	default:
		return nil
	}
	f, err := memory.Head(s.r, s.space, the, of)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		add(f)
	}
	return errors.Join(failed, err)
}

// maxSince is beyond every number of a transaction.
const maxSince = 1 << 53

// add puts a fact where it belongs.
func (s *selected) add(f store.Fact, cause string) error {
	if s.bytes += len(f.Is) + len(f.Of) + len(f.The) + factBytes; s.bytes > s.most {
		return charm.Errorf(charm.CodeTooLarge, "the answer would be larger than %d bytes; select less", s.most)
	}
	fact := text("{}")
	if f.Is != nil {
		fact = append(append(make(text, 0, len(f.Is)+len(`{"is":}`)), `{"is":`...), f.Is...)
		fact = append(fact, '}')
	}
	causes := jsontext.NewObject()
	causes.Set(cause, fact)
	s.found.Child(f.Of).Set(f.The, causes)
	return nil
}

// factBytes is what a fact takes in an answer besides its names and its value.
const factBytes = 96

func appendFound(dst []byte, v any) []byte {
	if t, ok := v.(text); ok {
		return append(dst, t...)
	}
	dst = append(dst, '{')
	first := true
	for key, child := range v.(*jsontext.Object).All() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(jsontext.Append(dst, key), ':')
		dst = appendFound(dst, child)
	}
	return append(dst, '}')
}
