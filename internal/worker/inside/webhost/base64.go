package webhost

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// maxTextBytes bounds what the codecs of this package take at once.
const maxTextBytes = 64 << 20

var errNotBase64 = &Exception{"InvalidCharacterError", "The string to be decoded is not correctly encoded."}

// Atob decodes base64 as browsers do: ASCII whitespace is ignored, padding may
// be missing but not wrong, bits beyond the last byte may be anything. Each
// byte becomes the character of its number.
func Atob(text string) (string, error) {
	if len(text) > maxTextBytes {
		return "", tooLarge("text")
	}
	text = withoutWhitespace(text)
	if len(text)%4 == 0 {
		text = strings.TrimSuffix(text, "=")
		text = strings.TrimSuffix(text, "=")
	}
	// The decoder passes over line ends; here they are gone already.
	decoded, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return "", errNotBase64
	}
	return latin1(decoded), nil
}

// Btoa encodes characters up to U+00FF, one byte each, as base64.
func Btoa(text string) (string, error) {
	if len(text) > maxTextBytes {
		return "", tooLarge("text")
	}
	raw := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xFF { // U+FFFD stands for bytes that are not UTF-8
			return "", &Exception{"InvalidCharacterError", "The string to be encoded contains characters outside of the Latin1 range."}
		}
		raw = append(raw, byte(r))
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}

func withoutWhitespace(s string) string {
	const whitespace = "\t\n\f\r "
	if !strings.ContainsAny(s, whitespace) {
		return s
	}
	kept := make([]byte, 0, len(s))
	for i := range len(s) {
		if strings.IndexByte(whitespace, s[i]) < 0 {
			kept = append(kept, s[i])
		}
	}
	return string(kept)
}

// latin1 makes each byte the character of its number.
func latin1(b []byte) string {
	size := len(b)
	for _, c := range b {
		if c >= utf8.RuneSelf {
			size++
		}
	}
	out := make([]byte, 0, size)
	for _, c := range b {
		out = utf8.AppendRune(out, rune(c))
	}
	return string(out)
}

func tooLarge(what string) *Exception {
	return &Exception{"RangeError", "The " + what + " is too large."}
}
