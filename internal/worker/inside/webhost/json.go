package webhost

import "unicode/utf8"

const hexDigits = "0123456789abcdef"

// plainByte marks the bytes that stand for themselves in JSON strings and XML
// text alike.
var plainByte = func() (table [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// appendString appends s as a JSON string.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		start := i
		for i < len(s) && plainByte[s[i]] {
			i++
		}
		dst = append(dst, s[start:i]...)
		if i < len(s) {
			var size int
			dst, size = appendEscaped(dst, s[i:])
			i += size
		}
	}
	return append(dst, '"')
}

// appendEscaped appends the first character of s as it stands in a JSON string
// and tells its size in s. A lone surrogate becomes a \u escape, which gives
// the script back what it put in; other bytes that are not UTF-8 become U+FFFD.
func appendEscaped(dst []byte, s string) ([]byte, int) {
	switch c := s[0]; {
	case c == '"' || c == '\\':
		return append(dst, '\\', c), 1
	case c == '\n':
		return append(dst, '\\', 'n'), 1
	case c < ' ':
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15]), 1
	case c < utf8.RuneSelf:
		return append(dst, c), 1
	}
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case r != utf8.RuneError || size > 1:
		return append(dst, s[:size]...), size
	case isSurrogate(s):
		unit := 0xD000 | uint16(s[1]&0x3F)<<6 | uint16(s[2]&0x3F)
		return append(dst, '\\', 'u', hexDigits[unit>>12], hexDigits[unit>>8&15], hexDigits[unit>>4&15], hexDigits[unit&15]), 3
	}
	return append(dst, replacement...), size
}
