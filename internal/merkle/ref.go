// Package merkle computes the references that name everything in a memory:
// the hash of a value's structure, so that equal values have equal references
// whatever wrote them (memory spec §2). Facts, entity ids, job ids and
// signatures are made of them, so each must come out bit for bit as the
// original's merkle-reference 2.0.1 has it.
package merkle

import (
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"charmd/internal/jsontext"
)

// Ref is a reference: the SHA-256 digest of a value's structure. As a value
// given to Refer it stands for what it refers to.
type Ref [32]byte

// header precedes the digest: CID version 1, merkle-reference codec, SHA-256,
// 32 bytes. The string form goes without its first byte.
const header = "\x01\x07\x12\x20"

// lower is the base32 of all text forms; multibase marks it by the letter b.
var lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

const multibase = "b"

// maxText bounds the text forms that are looked at. A string form may have
// extra characters, which the original ignores.
const maxText = 256

// ErrInvalidReference is wrapped by every error about a text form.
var ErrInvalidReference = errors.New("invalid reference")

// String returns the string form, "ba4jc…", 57 characters: what keys, job ids
// and recipe ids are made of.
func (r Ref) String() string { return multibase + lower.EncodeToString(r.Bytes()[1:]) }

// Link returns the text of the link form, "baedrei…", 59 characters: entity
// ids are written so.
func (r Ref) Link() string { return multibase + lower.EncodeToString(r.Bytes()) }

// JSON returns the link form, {"/":"baedrei…"}: a reference inside stored JSON.
// Given to Refer it is an ordinary map, not a reference.
func (r Ref) JSON() *jsontext.Object {
	o := jsontext.NewObject()
	o.Set("/", r.Link())
	return o
}

// Bytes returns the 36 reference bytes: header and digest. Signatures sign them.
func (r Ref) Bytes() []byte { return append([]byte(header), r[:]...) }

// IsZero reports whether r is the zero Ref, which refers to nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// ParseString reads a string form, "ba4jc…". What follows a complete reference
// is ignored, as the original does, so two different texts may be one Ref.
func ParseString(s string) (Ref, error) { return parse(s, header[1:], false) }

// ParseLink reads the text of a link form, "baedrei…", of exactly 59
// characters.
func ParseLink(s string) (Ref, error) { return parse(s, header, true) }

func parse(s, header string, exact bool) (Ref, error) {
	data, ok := decode(s)
	size := len(header) + len(Ref{})
	if !ok || len(data) < size || exact && len(data) != size || !strings.HasPrefix(string(data), header) {
		return Ref{}, fmt.Errorf("%w %.*q", ErrInvalidReference, maxText, s)
	}
	return Ref(data[len(header):size]), nil
}

// decode reads multibase base32 by the rules of the original's decoder:
// padding is allowed and ignored, unused bits must be zero and fewer than one
// character's. (encoding/base32 skips line breaks and ignores unused bits.)
func decode(s string) ([]byte, bool) {
	if len(s) > maxText || !strings.HasPrefix(s, multibase) {
		return nil, false
	}
	digits := strings.TrimRight(s[len(multibase):], "=")
	data := make([]byte, 0, len(digits)*5/8)
	var bits, held uint
	for _, c := range []byte(digits) {
		switch {
		case 'a' <= c && c <= 'z':
			bits = bits<<5 | uint(c-'a')
		case '2' <= c && c <= '7':
			bits = bits<<5 | uint(c-'2'+26)
		default:
			return nil, false
		}
		if held += 5; held >= 8 {
			held -= 8
			data = append(data, byte(bits>>held))
			bits &= 1<<held - 1
		}
	}
	return data, held < 5 && bits == 0
}
