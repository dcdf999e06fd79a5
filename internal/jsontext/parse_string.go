package jsontext

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// string reads the string whose opening quote is at pos.
func (p *parser) string() (string, *Error) {
	start := p.pos + 1
	var bits byte
	for i := start; i < len(p.text); i++ {
		c := p.text[i]
		if c == '"' {
			s := p.text[start:i]
			if bits >= utf8.RuneSelf && !utf8.ValidString(s) {
				return "", p.notUTF8(start, s)
			}
			p.pos = i + 1
			if len(p.text) > sharedBytes {
				s = strings.Clone(s)
			}
			return s, nil
		}
		if c == '\\' {
			return p.escapedString(start, i)
		}
		if c < ' ' {
			return "", p.syntax(i, "a control character in a string must be escaped")
		}
		bits |= c
	}
	return "", p.syntax(len(p.text), "the text ends inside a string")
}

// escapedString reads on from the first backslash of a string.
func (p *parser) escapedString(start, i int) (string, *Error) {
	out := make([]byte, 0, i-start+32)
	plain := start // what follows here was not copied yet
	for i < len(p.text) {
		switch c := p.text[i]; {
		case c == '"':
			out = append(out, p.text[plain:i]...)
			if raw := p.text[start:i]; !utf8.ValidString(raw) {
				return "", p.notUTF8(start, raw)
			}
			p.pos = i + 1
			return string(out), nil
		case c == '\\':
			out = append(out, p.text[plain:i]...)
			p.pos = i
			var err *Error
			if out, err = p.escape(out); err != nil {
				return "", err
			}
			i, plain = p.pos, p.pos
		case c < ' ':
			return "", p.syntax(i, "a control character in a string must be escaped")
		default:
			i++
		}
	}
	return "", p.syntax(len(p.text), "the text ends inside a string")
}

// escape reads the escape sequence at pos and appends what it stands for.
func (p *parser) escape(out []byte) ([]byte, *Error) {
	var kind byte
	if p.pos+1 < len(p.text) {
		kind = p.text[p.pos+1]
	}
	switch kind {
	case '"', '\\', '/':
		out = append(out, kind)
	case 'b':
		out = append(out, '\b')
	case 'f':
		out = append(out, '\f')
	case 'n':
		out = append(out, '\n')
	case 'r':
		out = append(out, '\r')
	case 't':
		out = append(out, '\t')
	case 'u':
		return p.unicodeEscape(out)
	default:
		return nil, p.syntax(p.pos, "no such escape sequence")
	}
	p.pos += 2
	return out, nil
}

// unicodeEscape reads \uXXXX; two of them that are a surrogate pair are one
// character, a lone surrogate is kept as it is.
func (p *parser) unicodeEscape(out []byte) ([]byte, *Error) {
	unit, ok := hexUnit(p.text[p.pos:])
	if !ok {
		return nil, p.syntax(p.pos, "\\u needs four hexadecimal digits")
	}
	p.pos += 6
	if !utf16.IsSurrogate(unit) {
		return utf8.AppendRune(out, unit), nil
	}
	if low, ok := hexUnit(p.text[p.pos:]); ok {
		if r := utf16.DecodeRune(unit, low); r != utf8.RuneError {
			p.pos += 6
			return utf8.AppendRune(out, r), nil
		}
	}
	return appendSurrogate(out, unit), nil
}

// hexUnit reads the UTF-16 code unit that the \uXXXX at the start of s names.
func hexUnit(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var unit rune
	for i := 2; i < 6; i++ {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	return unit, true
}

// notUTF8 names the first bad byte of s, which starts at offset start.
func (p *parser) notUTF8(start int, s string) *Error {
	at := 0
	for at < len(s) {
		r, size := utf8.DecodeRuneInString(s[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return p.syntax(start+at, "a string must be UTF-8")
}
