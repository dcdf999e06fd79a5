package merkle

import (
	"crypto/sha256"
	"hash/maphash"
	"strings"
	"sync/atomic"

	"charmd/internal/jsontext"
)

// tag starts the content of a leaf, or of a branch, and says its type.
type tag = Ref

func newTag(name string) tag { return sha256.Sum256([]byte("merkle-structure:" + name)) }

var (
	tagNull    = newTag("null")
	tagBoolean = newTag("boolean/byte")
	tagInteger = newTag("integer/leb128")
	tagFloat   = newTag("float/double-precision")
	tagString  = newTag("string/utf-8")
	tagBytes   = newTag("bytes/raw")
	tagList    = newTag("list/item/ref-tree")
	tagMap     = newTag("map/k+v/ref-tree")
)

// Digests of values that are met all the time, and of a branch without leaves.
var (
	refNull   = leaf(tagNull, "")
	refFalse  = leaf(tagBoolean, "\x00")
	refTrue   = leaf(tagBoolean, "\x01")
	noLeaves  = Ref(sha256.Sum256(nil))
	emptyList = join(tagList, noLeaves)
	emptyMap  = join(tagMap, noLeaves)
)

// shortLeaf is the content up to which a leaf is put together on the stack.
const shortLeaf = 224

// leaf is the digest of a type and its content.
func leaf[T string | []byte](t tag, content T) Ref {
	var buf [len(t) + shortLeaf]byte
	if len(content) <= shortLeaf {
		copy(buf[:], t[:])
		n := copy(buf[len(t):], content)
		return sha256.Sum256(buf[:len(t)+n])
	}
	return sha256.Sum256(append(t[:len(t):len(t)], content...))
}

// join is the digest of two neighbours.
func join(left, right Ref) Ref {
	var pair [2 * len(left)]byte
	copy(pair[:], left[:])
	copy(pair[len(left):], right[:])
	return sha256.Sum256(pair[:])
}

// fold joins neighbours until one leaf is left; an odd last one moves up as it
// is. It needs a leaf, and uses leaves as its work space.
func fold(leaves []Ref) Ref {
	for len(leaves) > 1 {
		pairs := len(leaves) / 2
		for i := range pairs {
			leaves[i] = join(leaves[2*i], leaves[2*i+1])
		}
		if len(leaves)%2 == 1 {
			leaves[pairs] = leaves[len(leaves)-1]
			pairs++
		}
		leaves = leaves[:pairs]
	}
	return leaves[0]
}

// referString is the digest of a string; JavaScript hashes its UTF-8 with
// U+FFFD for lone surrogates.
func referString(s string) Ref { return leaf(tagString, jsontext.WellFormed(s)) }

// referKey is referString for the keys of maps, which repeat all the time.
func referKey(key string) Ref {
	if len(key) > maxKnownKey {
		return referString(key)
	}
	slot := &knownKeys[maphash.String(keySeed, key)%uint64(len(knownKeys))]
	if k := slot.Load(); k != nil && k.key == key {
		return k.ref
	}
	ref := referString(key)
	slot.Store(&knownKey{strings.Clone(key), ref})
	return ref
}

// knownKey is one remembered digest. Each slot holds the last key that fell on
// it, so the table is bounded and needs no lock.
type knownKey struct {
	key string
	ref Ref
}

const maxKnownKey = 64

var (
	knownKeys [4096]atomic.Pointer[knownKey]
	keySeed   = maphash.MakeSeed()
)
