package webhost

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
)

// DecodeText is TextDecoder.decode: b in the encoding that label names, one of
// the Encoding Standard's labels in any case. A byte order mark of the same
// encoding is dropped. Bytes that do not fit become U+FFFD, or with fatal a
// TypeError; an unknown label is a RangeError. Errors are *Exception.
//
// In the legacy multi-byte encodings, fatal also refuses an encoded U+FFFD.
func DecodeText(b []byte, label string, fatal bool) (string, error) {
	name, legacy, err := encodingOf(label)
	if err != nil {
		return "", err
	}
	if len(b) > maxTextBytes {
		return "", tooLarge("data")
	}
	var text string
	ok := true
	switch name {
	case "utf-8":
		text, ok = decodeUTF8(bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF")))
	case "utf-16le":
		text, ok = decodeUTF16(bytes.TrimPrefix(b, []byte("\xFF\xFE")), binary.LittleEndian)
	case "utf-16be":
		text, ok = decodeUTF16(bytes.TrimPrefix(b, []byte("\xFE\xFF")), binary.BigEndian)
	default:
		if single, isSingle := legacy.(*charmap.Charmap); isSingle {
			text, ok = decodeSingleByte(b, single)
			break
		}
		decoded, decodeErr := legacy.NewDecoder().Bytes(b)
		text = string(decoded)
		ok = decodeErr == nil && !(fatal && strings.Contains(text, replacement))
	}
	if fatal && !ok {
		return "", &Exception{"TypeError", fmt.Sprintf("The encoded data was not valid for encoding %s.", name)}
	}
	return text, nil
}

// decodeSingleByte reads one character a byte. The standard gives the control
// character of its number to a byte from 0x80 to 0x9F that the table leaves open.
func decodeSingleByte(b []byte, table *charmap.Charmap) (text string, ok bool) {
	ok = true
	out := make([]byte, 0, len(b)+len(b)/2)
	for _, c := range b {
		r := table.DecodeByte(c)
		if r == utf8.RuneError {
			if c <= 0x9F {
				r = rune(c)
			} else {
				ok = false
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out), ok
}

// encodingOf finds an encoding's standard name. The "replacement" encoding of
// the standard exists to refuse dangerous ones; TextDecoder does not know it.
func encodingOf(label string) (string, encoding.Encoding, error) {
	// The index itself would also trim whitespace outside of ASCII.
	trimmed := strings.Trim(label, "\t\n\f\r ")
	if e, err := htmlindex.Get(trimmed); err == nil && e != nil && len(trimmed) == len(strings.TrimSpace(trimmed)) {
		if name, err := htmlindex.Name(e); err == nil && name != "replacement" {
			if name == "iso-8859-8-i" { // differs in how it is laid out, not in what the bytes mean
				e = charmap.ISO8859_8
			}
			return name, e, nil
		}
	}
	if len(label) > 40 {
		label = label[:40] + "…"
	}
	return "", nil, &Exception{"RangeError", fmt.Sprintf("The encoding label %q is invalid.", label)}
}

// decodeUTF8 replaces each maximal part of an ill-formed sequence by one
// U+FFFD; ok is false when there was one.
func decodeUTF8(b []byte) (text string, ok bool) {
	if utf8.Valid(b) {
		return string(b), true
	}
	out := make([]byte, 0, len(b)+len(b)/8)
	for len(b) > 0 {
		if r, size := utf8.DecodeRune(b); r != utf8.RuneError || size > 1 {
			out = append(out, b[:size]...)
			b = b[size:]
			continue
		}
		out = append(out, replacement...)
		b = b[illFormed(b):]
	}
	return string(out), false
}

// illFormed is the length of the ill-formed sequence at the start of b: the
// longest start of a well-formed one, at least a byte.
func illFormed(b []byte) int {
	low, high, more := byte(0x80), byte(0xBF), 0 // bounds of the second byte, bytes after the first
	switch c := b[0]; {
	case c >= 0xC2 && c <= 0xDF:
		more = 1
	case c >= 0xE0 && c <= 0xEF:
		more = 2
		if c == 0xE0 {
			low = 0xA0
		} else if c == 0xED {
			high = 0x9F
		}
	case c >= 0xF0 && c <= 0xF4:
		more = 3
		if c == 0xF0 {
			low = 0x90
		} else if c == 0xF4 {
			high = 0x8F
		}
	}
	n := 1
	for ; n <= more && n < len(b) && b[n] >= low && b[n] <= high; n++ {
		low, high = 0x80, 0xBF
	}
	return n
}

// decodeUTF16 replaces surrogates without partner and an odd last byte by
// U+FFFD; ok is false when there was one. What is cut off in the middle of a
// pair counts once.
func decodeUTF16(b []byte, order binary.ByteOrder) (text string, ok bool) {
	ok = true
	out := make([]byte, 0, len(b)+len(b)/2)
	for len(b) >= 2 {
		r := rune(order.Uint16(b))
		b = b[2:]
		if utf16.IsSurrogate(r) {
			first := r
			r = utf8.RuneError
			switch {
			case len(b) >= 2:
				r = utf16.DecodeRune(first, rune(order.Uint16(b)))
			case first < firstLowSurrogate:
				b = nil
			}
			if r == utf8.RuneError {
				ok = false
			} else {
				b = b[2:]
			}
		}
		out = utf8.AppendRune(out, r)
	}
	if len(b) > 0 {
		out, ok = append(out, replacement...), false
	}
	return string(out), ok
}

const firstLowSurrogate = 0xDC00
