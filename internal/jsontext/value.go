package jsontext

import (
	"fmt"
	"maps"
	"slices"
)

// Equal reports whether two values are equal as JSON: numbers by value, arrays
// element by element, objects key by key in whatever order.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, Equal)
	case *Object:
		b, ok := b.(*Object)
		return ok && equalObjects(a, b)
	}
	switch b.(type) {
	case []any, *Object:
		return false
	}
	return widened(a) == widened(b)
}

func equalObjects(a, b *Object) bool {
	if a == nil || b == nil || a.Len() != b.Len() {
		return a == b
	}
	for key, v := range a.All() {
		if w, ok := b.Get(key); !ok || !Equal(v, w) {
			return false
		}
	}
	return true
}

// widened turns the integers that Append takes as well into doubles.
func widened(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	}
	return v
}

// Clone returns a copy of v that shares no array and no object with it.
func Clone(v any) any {
	switch v := v.(type) {
	case []any:
		elements := make([]any, len(v))
		for i := range v {
			elements[i] = Clone(v[i])
		}
		return elements
	case *Object:
		if v == nil {
			return v
		}
		return &Object{
			indexed: cloneMembers(v.indexed),
			named:   cloneMembers(v.named),
			byName:  maps.Clone(v.byName),
		}
	}
	return v
}

func cloneMembers(members []member) []member {
	out := slices.Clone(members)
	for i := range out {
		out[i].value = Clone(out[i].value)
	}
	return out
}

// Deeper reports whether v is nested deeper than n levels.
func Deeper(v any, n int) bool {
	switch v := v.(type) {
	case *Object:
		for _, e := range v.All() {
			if n == 0 || Deeper(e, n-1) {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if n == 0 || Deeper(e, n-1) {
				return true
			}
		}
	}
	return false
}

// MarshalJSON returns the text of o, so that an object can be a field of what
// encoding/json prints. json.Marshal then escapes <, >, &, U+2028 and U+2029 in
// it; where the exact text matters use Append.
func (o *Object) MarshalJSON() ([]byte, error) { return Append(nil, o), nil }

// UnmarshalJSON replaces o by the object in data, within DefaultLimits. null
// leaves o as it is.
func (o *Object) UnmarshalJSON(data []byte) error {
	v, err := Parse(data, DefaultLimits)
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case nil:
		return nil
	case *Object:
		*o = *v
		return nil
	}
	return fmt.Errorf("a JSON object was expected, not %.40q", data)
}
