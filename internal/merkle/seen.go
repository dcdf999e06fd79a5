package merkle

import "charmd/internal/jsontext"

// seen holds the values createRef met in one call. It was meant to break
// cycles, but equal primitives are the same value to JavaScript's Set, so a
// second "x" becomes null as well, and ids in use depend on it.
type seen map[any]struct{}

// clean returns v with every value that was met before replaced by null, depth
// first in key order. An object with a "/" key is an id and stays as it is.
func (s seen) clean(v any) any {
	if s.met(v) {
		return nil
	}
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = s.clean(v[i])
		}
		return out
	case *jsontext.Object:
		if _, id := v.Get("/"); id {
			return v
		}
		out := jsontext.NewObject()
		for key, member := range v.All() {
			out.Set(key, s.clean(member))
		}
		return out
	}
	return v
}

// met reports whether v was met before and remembers it: primitives by value,
// arrays and objects by identity. Every Ref counts as an object of its own.
func (s seen) met(v any) bool {
	key := v
	switch v := v.(type) {
	case int:
		key = float64(v)
	case int64:
		key = float64(v)
	case []any:
		if len(v) == 0 {
			return false
		}
		key = &v[0]
	case []byte, Ref:
		return false
	}
	_, met := s[key]
	s[key] = struct{}{}
	return met
}
