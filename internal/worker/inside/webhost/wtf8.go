package webhost

import (
	"strings"
	"unicode/utf8"
)

const replacement = "\uFFFD"

// Encode is TextEncoder: text as UTF-8, with U+FFFD for each lone surrogate.
func Encode(text string) []byte { return []byte(scalarValues(text)) }

// scalarValues replaces each lone surrogate, and each other byte that is not
// UTF-8, by U+FFFD.
func scalarValues(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r != utf8.RuneError || size > 1:
			b.WriteString(s[i : i+size])
		case isSurrogate(s[i:]):
			size = 3
			fallthrough
		default:
			b.WriteString(replacement)
		}
		i += size
	}
	return b.String()
}

// isSurrogate reports whether s starts with a surrogate in three bytes.
func isSurrogate(s string) bool {
	return len(s) >= 3 && s[0] == 0xED && s[1]&0xE0 == 0xA0 && s[2]&0xC0 == 0x80
}
