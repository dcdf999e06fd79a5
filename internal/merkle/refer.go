package merkle

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"sync"

	"charmd/internal/jsontext"
)

// Refer returns the reference of v (memory spec §2): a JSON value of package
// jsontext, or one that holds, anywhere, a Ref (the value it refers to),
// []byte, *big.Int, int or int64. The link form {"/":…} is an ordinary map. It
// panics for any other type.
func Refer(v any) Ref { return refer(v, false) }

// ReferText returns the reference of a JSON text, within jsontext's
// DefaultLimits. An object {"/ref":"baedrei…"} with this key alone stands for
// a real reference, which JSON itself cannot say.
func ReferText(json string) (Ref, error) {
	v, err := jsontext.Parse([]byte(json), jsontext.DefaultLimits)
	if err != nil {
		return Ref{}, fmt.Errorf("referring to a JSON text: %w", err)
	}
	return refer(v, true), nil
}

// Entry is one key of a map with the reference of its value.
type Entry struct {
	Key   string
	Value Ref
}

// ReferMap returns the reference of the map with these entries, in any order,
// without looking at the values again. No key may stand twice.
func ReferMap(entries ...Entry) Ref {
	h := newHasher()
	defer h.release()
	for _, e := range entries {
		h.fields = append(h.fields, newField(e.Key, e.Value))
	}
	return h.closeMap(0)
}

// ReferList returns the reference of the list of what items refer to.
func ReferList(items ...Ref) Ref {
	h := newHasher()
	defer h.release()
	h.leaves = append(h.leaves, items...)
	return h.closeList(0)
}

func refer(v any, references bool) Ref {
	h := newHasher()
	defer h.release()
	h.references = references
	return h.refer(v)
}

// hasher keeps the work space of one computation: two stacks with the parts of
// the lists and maps that are open.
type hasher struct {
	leaves     []Ref
	fields     []field
	references bool // {"/ref":"baedrei…"} stands for a reference
}

// field is one entry of a map, its key as it is sorted: in UTF-8.
type field struct {
	key  string
	pair Ref
}

func newField(key string, value Ref) field {
	return field{jsontext.WellFormed(key), join(referKey(key), value)}
}

var hashers = sync.Pool{New: func() any { return new(hasher) }}

func newHasher() *hasher { return hashers.Get().(*hasher) }

// keptParts is how large a stack may be to be kept.
const keptParts = 1 << 10

func (h *hasher) release() {
	if cap(h.leaves) > keptParts || cap(h.fields) > keptParts {
		return
	}
	*h = hasher{leaves: h.leaves[:0], fields: h.fields[:0]}
	hashers.Put(h)
}

func (h *hasher) refer(v any) Ref {
	switch v := v.(type) {
	case nil:
		return refNull
	case bool:
		if v {
			return refTrue
		}
		return refFalse
	case float64:
		return referNumber(v)
	case int:
		return referInteger(int64(v))
	case int64:
		return referInteger(v)
	case *big.Int:
		return referBig(v)
	case string:
		return referString(v)
	case []byte:
		return leaf(tagBytes, v)
	case Ref:
		return v
	case []any:
		return h.list(v)
	case *jsontext.Object:
		return h.object(v)
	}
	panic(fmt.Sprintf("merkle: a %T has no reference", v))
}

func (h *hasher) list(items []any) Ref {
	first := len(h.leaves)
	for _, item := range items {
		ref := h.refer(item)
		h.leaves = append(h.leaves, ref)
	}
	return h.closeList(first)
}

func (h *hasher) object(o *jsontext.Object) Ref {
	if o == nil {
		return refNull
	}
	if ref, ok := h.reference(o); ok {
		return ref
	}
	first := len(h.fields)
	for key, v := range o.All() {
		f := newField(key, h.refer(v))
		h.fields = append(h.fields, f)
	}
	return h.closeMap(first)
}

// reference reads {"/ref":"baedrei…"}.
func (h *hasher) reference(o *jsontext.Object) (Ref, bool) {
	if !h.references || o.Len() != 1 {
		return Ref{}, false
	}
	v, _ := o.Get("/ref")
	link, _ := v.(string)
	ref, err := ParseLink(link)
	return ref, err == nil
}

// closeList takes the leaves from first on off the stack.
func (h *hasher) closeList(first int) Ref {
	if first == len(h.leaves) {
		return emptyList
	}
	root := fold(h.leaves[first:])
	h.leaves = h.leaves[:first]
	return join(tagList, root)
}

// closeMap takes the fields from first on off the stack. Keys that are the
// same in UTF-8, being lone surrogates, keep their order.
func (h *hasher) closeMap(first int) Ref {
	fields := h.fields[first:]
	if len(fields) == 0 {
		return emptyMap
	}
	slices.SortStableFunc(fields, func(a, b field) int { return strings.Compare(a.key, b.key) })
	bottom := len(h.leaves)
	for i := range fields {
		h.leaves = append(h.leaves, fields[i].pair)
	}
	root := fold(h.leaves[bottom:])
	h.leaves = h.leaves[:bottom]
	clear(fields) // let go of the keys
	h.fields = h.fields[:first]
	return join(tagMap, root)
}

// referNumber tells integers by value as Number.isInteger does, so 1e300 is one.
func referNumber(f float64) Ref {
	if math.Trunc(f) != f || math.IsInf(f, 0) {
		if math.IsNaN(f) {
			f = math.Float64frombits(0x7ff8000000000000)
		}
		var bytes [8]byte
		binary.LittleEndian.PutUint64(bytes[:], math.Float64bits(f))
		return leaf(tagFloat, bytes[:])
	}
	if -1<<63 <= f && f < 1<<63 {
		return referInteger(int64(f))
	}
	integer, _ := big.NewFloat(f).Int(nil)
	return referBig(integer)
}

// referInteger hashes the shortest signed LEB128 form of i.
func referInteger(i int64) Ref {
	var buf [binary.MaxVarintLen64]byte
	out := buf[:0]
	for {
		low := byte(i & 0x7f)
		i >>= 7
		if i == 0 && low&0x40 == 0 || i == -1 && low&0x40 != 0 {
			return leaf(tagInteger, append(out, low))
		}
		out = append(out, low|0x80)
	}
}

// referBig is referInteger for integers of any size.
func referBig(i *big.Int) Ref {
	if i.IsInt64() {
		return referInteger(i.Int64())
	}
	rest, low := new(big.Int).Set(i), new(big.Int)
	mask, end := big.NewInt(0x7f), int64(0)
	if i.Sign() < 0 {
		end = -1 // big.Int shifts and masks as two's complement
	}
	var out []byte
	for {
		b := byte(low.And(rest, mask).Int64())
		rest.Rsh(rest, 7)
		if rest.IsInt64() && rest.Int64() == end && (b&0x40 != 0) == (end == -1) {
			return leaf(tagInteger, append(out, b))
		}
		out = append(out, b|0x80)
	}
}
