package observe

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line is s fit to be printed within one line of a terminal: control characters,
// line breaks included, and characters that change the direction of text stand
// as \u001b and the like, bytes that are not UTF-8 as \xff.
func Line(s string) string {
	return escape(s, func(r rune) bool { return hostile(r) })
}

// Text is Line for text of several lines: line breaks and tabs stay.
func Text(s string) string {
	return escape(s, func(r rune) bool { return hostile(r) && r != '\n' && r != '\t' })
}

// hostile reports whether a terminal or an eye can be fooled by the character.
func hostile(r rune) bool {
	return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) ||
		unicode.Is(unicode.Bidi_Control, r) || r == '\ufeff'
}

// escape writes the characters that bad names as escapes.
func escape(s string, bad func(rune) bool) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, bad) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			writeHex(&b, `\x`, rune(s[i]), 2)
		case bad(r):
			writeHex(&b, `\u`, r, 4)
		default:
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

func writeHex(b *strings.Builder, prefix string, r rune, digits int) {
	const hex = "0123456789abcdef"
	b.WriteString(prefix)
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b.WriteByte(hex[r>>shift&0xf])
	}
}
