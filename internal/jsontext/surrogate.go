package jsontext

import (
	"unicode/utf16"
	"unicode/utf8"
)

// surrogateBytes is the length of a surrogate in WTF-8.
const surrogateBytes = 3

// appendSurrogate appends a surrogate in WTF-8, which is UTF-8's three byte
// form applied to a code point that UTF-8 itself excludes.
func appendSurrogate(dst []byte, unit rune) []byte {
	return append(dst, 0xED, byte(0x80|unit>>6&0x3F), byte(0x80|unit&0x3F))
}

// surrogateAt returns the surrogate that s starts with, in WTF-8.
func surrogateAt(s string) (rune, bool) {
	if len(s) < surrogateBytes || s[0] != 0xED || s[1]&0xE0 != 0xA0 || s[2]&0xC0 != 0x80 {
		return 0, false
	}
	return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), true
}

// illFormed explains bytes that are not UTF-8 as JavaScript sees them. It
// returns the size of what s starts with and the character it is: a joined
// surrogate pair (two strings put together may form one), a lone surrogate,
// or U+FFFD for any other byte.
func illFormed(s string) (r rune, size int) {
	unit, ok := surrogateAt(s)
	if !ok {
		return utf8.RuneError, 1
	}
	if low, ok := surrogateAt(s[surrogateBytes:]); ok {
		if pair := utf16.DecodeRune(unit, low); pair != utf8.RuneError {
			return pair, 2 * surrogateBytes
		}
	}
	return unit, surrogateBytes
}

// WellFormed returns s in UTF-8 as JavaScript's TextEncoder writes it: lone
// surrogates and bytes that are no UTF-8 become U+FFFD.
func WellFormed(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			r, size = illFormed(s[i:])
		}
		out = utf8.AppendRune(out, r) // a surrogate is written as U+FFFD
		i += size
	}
	return string(out)
}
