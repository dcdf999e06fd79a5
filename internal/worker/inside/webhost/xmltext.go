package webhost

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf8"
)

// name reads an XML name; "" when there is none.
func (p *xmlParser) name() string {
	start := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == ':':
			p.at++
			continue
		case c >= '0' && c <= '9' || c == '-' || c == '.':
			if p.at > start {
				p.at++
				continue
			}
		case c >= utf8.RuneSelf:
			if r, size := utf8.DecodeRuneInString(p.text[p.at:]); isNameStart(r) || p.at > start && isNameInner(r) {
				p.at += size
				continue
			}
		}
		break
	}
	return p.text[start:p.at]
}

// isNameStart tells which characters outside of ASCII may start a name.
func isNameStart(r rune) bool {
	switch {
	case r >= 0xC0 && r <= 0x2FF:
		return r != 0xD7 && r != 0xF7
	case r >= 0x370 && r <= 0x1FFF:
		return r != 0x37E
	}
	return r == 0x200C || r == 0x200D ||
		r >= 0x2070 && r <= 0x218F || r >= 0x2C00 && r <= 0x2FEF || r >= 0x3001 && r <= 0xD7FF ||
		r >= 0xF900 && r <= 0xFDCF || r >= 0xFDF0 && r < utf8.RuneError || r >= 0x10000 && r <= 0xEFFFF
}

// isNameInner tells which more may stand inside of a name.
func isNameInner(r rune) bool {
	return r == 0xB7 || r >= 0x300 && r <= 0x36F || r == 0x203F || r == 0x2040
}

// characters reads text up to the next tag.
func (p *xmlParser) characters() error {
	end := strings.IndexByte(p.text[p.at:], '<')
	if end < 0 {
		end = len(p.text)
	} else {
		end += p.at
	}
	p.tree.beginText()
	for p.at < end {
		stop := p.upTo('&', end)
		if i := strings.Index(p.text[p.at:stop], "]]>"); i >= 0 {
			return p.fail(p.at+i, "Sequence ']]>' not allowed in content")
		}
		if err := p.raw(p.text[p.at:stop], p.at); err != nil {
			return err
		}
		p.at = stop
		if p.at < end {
			if err := p.reference(); err != nil {
				return err
			}
		}
	}
	p.tree.endText()
	return nil
}

// attributeValue reads a quoted value. Blanks in it become spaces.
func (p *xmlParser) attributeValue() error {
	if p.at == len(p.text) || p.text[p.at] != '"' && p.text[p.at] != '\'' {
		return p.fail(p.at, "AttValue: \" or ' expected")
	}
	quote := p.text[p.at]
	start := p.at
	p.at++
	length := strings.IndexByte(p.text[p.at:], quote)
	if length < 0 {
		return p.fail(start, "AttValue: %c expected", quote)
	}
	end := p.at + length
	if i := strings.IndexByte(p.text[p.at:end], '<'); i >= 0 {
		return p.fail(p.at+i, "Unescaped '<' not allowed in attributes values")
	}
	for p.at < end {
		stop := p.upTo('&', end)
		piece := p.text[p.at:stop]
		if strings.ContainsAny(piece, "\t\n\r") {
			piece = blanksToSpaces.Replace(piece)
		}
		if err := p.raw(piece, p.at); err != nil {
			return err
		}
		p.at = stop
		if p.at < end {
			if err := p.reference(); err != nil {
				return err
			}
		}
	}
	p.at = end + 1
	return nil
}

var blanksToSpaces = strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ", "\t", " ")

// upTo is where the next c before end stands, or end.
func (p *xmlParser) upTo(c byte, end int) int {
	if i := strings.IndexByte(p.text[p.at:end], c); i >= 0 {
		return p.at + i
	}
	return end
}

// raw adds text that holds no markup, with line ends made "\n". It stands at
// offset at in the document.
func (p *xmlParser) raw(s string, at int) error {
	for i := 0; i < len(s); {
		start := i
		for i < len(s) && plainByte[s[i]] {
			i++
		}
		p.tree.plain(s[start:i])
		if i == len(s) {
			break
		}
		if s[i] == '\r' {
			i++
			if i == len(s) || s[i] != '\n' {
				p.tree.text("\n")
			}
			continue
		}
		r, _ := utf8.DecodeRuneInString(s[i:])
		if !isXMLChar(r) {
			return p.fail(at+i, "PCDATA invalid Char value %d", r)
		}
		i += p.tree.character(s[i:])
	}
	return nil
}

// isXMLChar tells which characters a document may hold. Surrogates, which the
// script may have put there, pass for the U+FFFD they decode to.
func isXMLChar(r rune) bool {
	return r >= ' ' && r != 0xFFFE && r != 0xFFFF || r == '\n' || r == '\t' || r == '\r'
}

// maxReference bounds what is looked at between "&" and ";".
const maxReference = 40

// reference reads a character or entity reference.
func (p *xmlParser) reference() error {
	start := p.at
	rest := p.text[p.at+1 : min(len(p.text), p.at+1+maxReference)]
	body, _, closed := strings.Cut(rest, ";")
	if digits, numeric := strings.CutPrefix(body, "#"); numeric {
		base := 10
		if hex, ok := strings.CutPrefix(digits, "x"); ok {
			digits, base = hex, 16
		}
		n, err := strconv.ParseUint(digits, base, 32)
		if !closed || err != nil || !isXMLChar(rune(n)) || !utf8.ValidRune(rune(n)) {
			return p.fail(start, "Invalid character reference")
		}
		p.tree.text(string(rune(n)))
	} else {
		end := &xmlParser{text: body}
		if name := end.name(); !closed || name == "" || name != body {
			return p.fail(start, "EntityRef: name and ';' expected after '&'")
		}
		value, known := entity(body)
		if !known {
			return p.fail(start, "Entity '%s' not defined", body)
		}
		p.tree.text(value)
	}
	p.at += 1 + len(body) + 1
	return nil
}

// entity is the text of a named entity: XML's five, or one of HTML's.
func entity(name string) (string, bool) {
	switch name {
	case "lt":
		return "<", true
	case "gt":
		return ">", true
	case "amp":
		return "&", true
	case "quot":
		return `"`, true
	case "apos":
		return "'", true
	case "semi":
		return ";", true
	}
	// A name that is only the start of what was written leaves the rest standing.
	value := html.UnescapeString("&" + name + ";")
	return value, !strings.HasSuffix(value, ";")
}
