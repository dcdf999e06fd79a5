// Package jsontext reads and prints JSON the way JavaScript does. Stored data,
// signatures and the clients' "has it changed" test all depend on the exact
// text JSON.stringify prints: on its key order, its numbers and its escapes
// (memory spec §0). encoding/json sorts keys, escapes HTML and loses lone
// surrogates, so it cannot carry documents.
//
// A JSON value is an any that holds one of nil, bool, float64, string, []any
// and *Object. A string is UTF-8, except that a lone surrogate, which a
// JavaScript string may hold and UTF-8 may not, is kept as the three bytes
// ED A0..BF 80..BF (WTF-8).
package jsontext

import (
	"iter"
	"slices"
	"strings"
)

// linearNames is how many names an object may have before it keeps a map of
// them: up to here comparing strings is faster than hashing one.
const linearNames = 16

// Object is a JSON object whose keys keep JavaScript's order: canonical array
// indices (0…4294967294 in decimal) first, ascending, then all other keys as
// they were first set. The zero Object is empty and ready to use. Any number
// of goroutines may read an Object that none is changing.
type Object struct {
	indexed []member       // keys that are array indices, ascending
	named   []member       // all other keys, in order of their first setting
	byName  map[string]int // position in named, once there are more than linearNames
}

type member struct {
	key   string
	value any
}

// NewObject returns an empty object.
func NewObject() *Object { return new(Object) }

// Len returns the number of keys.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.indexed) + len(o.named)
}

// Get returns the value at key and whether there is one. A nil Object is empty.
func (o *Object) Get(key string) (any, bool) {
	if m := o.find(key); m != nil {
		return m.value, true
	}
	return nil, false
}

// Set puts v at key. A key that is already there keeps its place.
func (o *Object) Set(key string, v any) {
	if m := o.find(key); m != nil {
		m.value = v
		return
	}
	if isIndex(key) {
		at, _ := o.searchIndexed(key)
		o.indexed = slices.Insert(o.indexed, at, member{key, v})
		return
	}
	o.named = append(o.named, member{key, v})
	if o.byName != nil {
		o.byName[key] = len(o.named) - 1
	} else if len(o.named) > linearNames {
		o.mapNames()
	}
}

// Child returns the object at key. A new one is put there when there is none.
func (o *Object) Child(key string) *Object {
	v, _ := o.Get(key)
	if child, ok := v.(*Object); ok {
		return child
	}
	child := NewObject()
	o.Set(key, child)
	return child
}

// Delete takes key away and reports whether it was there. It costs time
// proportional to the number of keys.
func (o *Object) Delete(key string) bool {
	if o == nil {
		return false
	}
	if isIndex(key) {
		at, found := o.searchIndexed(key)
		if found {
			o.indexed = slices.Delete(o.indexed, at, at+1)
		}
		return found
	}
	at := o.searchNamed(key)
	if at < 0 {
		return false
	}
	o.named = slices.Delete(o.named, at, at+1)
	o.byName = nil
	if len(o.named) > linearNames {
		o.mapNames()
	}
	return true
}

// All yields keys and values in order. Setting a key that exists is allowed
// meanwhile, adding and deleting keys is not.
func (o *Object) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if o == nil {
			return
		}
		for i := range o.indexed {
			if !yield(o.indexed[i].key, o.indexed[i].value) {
				return
			}
		}
		for i := range o.named {
			if !yield(o.named[i].key, o.named[i].value) {
				return
			}
		}
	}
}

// Keys returns the keys in order.
func (o *Object) Keys() []string {
	keys := make([]string, 0, o.Len())
	for key := range o.All() {
		keys = append(keys, key)
	}
	return keys
}

func (o *Object) find(key string) *member {
	if o == nil {
		return nil
	}
	if isIndex(key) {
		if at, found := o.searchIndexed(key); found {
			return &o.indexed[at]
		}
		return nil
	}
	if at := o.searchNamed(key); at >= 0 {
		return &o.named[at]
	}
	return nil
}

// searchIndexed returns where the index key is, or belongs.
func (o *Object) searchIndexed(key string) (int, bool) {
	return slices.BinarySearchFunc(o.indexed, key, func(m member, key string) int {
		return compareIndex(m.key, key)
	})
}

// searchNamed returns the position of key in named, or -1.
func (o *Object) searchNamed(key string) int {
	if o.byName != nil {
		if at, ok := o.byName[key]; ok {
			return at
		}
		return -1
	}
	for i := range o.named {
		if o.named[i].key == key {
			return i
		}
	}
	return -1
}

func (o *Object) mapNames() {
	o.byName = make(map[string]int, len(o.named))
	for i := range o.named {
		o.byName[o.named[i].key] = i
	}
}

// newObject makes an object of members in the order of a text, where a key may
// stand several times: the last value counts, at the first place. It copies
// the members. Cost is O(n log n) whatever the keys are.
func newObject(members []member) *Object {
	o := new(Object)
	indices := 0
	for i := range members {
		if isIndex(members[i].key) {
			indices++
		}
	}
	if indices > 0 {
		o.indexed = make([]member, 0, indices)
		for _, m := range members {
			if isIndex(m.key) {
				o.indexed = append(o.indexed, m)
			}
		}
		o.sortIndexed()
	}
	names := len(members) - indices
	if names == 0 {
		return o
	}
	o.named = make([]member, 0, names)
	if names > linearNames {
		o.byName = make(map[string]int, names)
	}
	for _, m := range members {
		if indices > 0 && isIndex(m.key) {
			continue
		}
		if at := o.searchNamed(m.key); at >= 0 {
			o.named[at].value = m.value
			continue
		}
		if o.byName != nil {
			o.byName[m.key] = len(o.named)
		}
		o.named = append(o.named, m)
	}
	return o
}

// sortIndexed orders the index keys; of equal ones the last stays.
func (o *Object) sortIndexed() {
	slices.SortStableFunc(o.indexed, func(a, b member) int { return compareIndex(a.key, b.key) })
	kept := o.indexed[:0]
	for i, m := range o.indexed {
		if i+1 < len(o.indexed) && o.indexed[i+1].key == m.key {
			continue
		}
		kept = append(kept, m)
	}
	clear(o.indexed[len(kept):])
	o.indexed = kept
}

// maxIndex is the largest array index of JavaScript, 2^32 - 2.
const maxIndex = "4294967294"

// isIndex reports whether key is an array index in canonical decimal form.
func isIndex(key string) bool {
	if len(key) == 0 || len(key) > len(maxIndex) || key[0] > '9' {
		return false
	}
	if key[0] == '0' {
		return len(key) == 1
	}
	for i := range len(key) {
		if key[i] < '0' || key[i] > '9' {
			return false
		}
	}
	return len(key) < len(maxIndex) || key <= maxIndex
}

// compareIndex orders array indices by value: without leading zeros the longer
// one is the larger.
func compareIndex(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}
