package webhost

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"charmd/internal/charm"
)

// Limits of a document that XML reads.
const (
	maxMarkupBytes = 16 << 20
	maxMarkupDepth = charm.MaxDepth // of elements
	maxMarkupNodes = 1_000_000      // elements, attributes, texts and comments
)

// XML is DOMParser.parseFromString: the document as JSON {"root":element}. An
// element is ["name",[["attribute","value"],…],[child,…]]; a child is an
// element, a string for text or a CDATA section, or {"c":"…"} for a comment.
// Names keep their prefixes. XML that is not well-formed gives
// {"error":"message at line:column"}. The error is an *Exception: for a type
// that DOMParser does not know, and for a document over 16 MiB (HTML: 1 MiB),
// 512 levels or 1,000,000 nodes.
//
// What feeds in the wild get wrong is forgiven where the meaning is plain:
// HTML's named entities are known, prefixes need no declaration, and blanks may
// stand before the XML declaration. Entities that a DOCTYPE declares are not;
// the encoding of a declaration is ignored, the text is decoded already.
// Processing instructions are dropped.
func XML(text, mime string) (string, error) {
	if len(text) > maxMarkupBytes {
		return "", tooLarge("document")
	}
	switch mime {
	case "text/xml", "application/xml", "application/xhtml+xml", "image/svg+xml":
	case "text/html":
		return parseHTML(text)
	default:
		return "", &Exception{"TypeError", fmt.Sprintf("%q is not a type of document that can be parsed.", mime[:min(len(mime), 80)])}
	}
	p := &xmlParser{text: text, tree: newTree(len(text))}
	err := p.document()
	if p.tree.err != nil {
		return "", p.tree.err
	}
	if err != nil {
		out := append([]byte(`{"error":`), appendString(nil, err.Error())...)
		return string(append(out, '}')), nil
	}
	return p.tree.json(), nil
}

// syntaxError is where and why a text is not well-formed.
type syntaxError struct {
	message      string
	line, column int // from 1, in characters
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("%s at %d:%d", e.message, e.line, e.column)
}

// xmlParser reads an XML document from left to right, without recursion.
type xmlParser struct {
	text string
	at   int // next byte
	open []openElement
	tree *tree
}

type openElement struct {
	name string
	at   int // of its start tag
}

func (p *xmlParser) fail(at int, format string, args ...any) *syntaxError {
	before := p.text[:min(at, len(p.text))]
	return &syntaxError{
		message: fmt.Sprintf(format, args...),
		line:    1 + strings.Count(before, "\n"),
		column:  1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]),
	}
}

// document is prolog, root element, and what may follow it.
func (p *xmlParser) document() error {
	p.skip("\uFEFF")
	if err := p.misc(true); err != nil {
		return err
	}
	if p.at == len(p.text) {
		return p.fail(p.at, "Document is empty")
	}
	if p.text[p.at] != '<' {
		return p.fail(p.at, "Start tag expected, '<' not found")
	}
	if err := p.startTag(); err != nil {
		return err
	}
	for len(p.open) > 0 && p.tree.err == nil {
		if err := p.content(); err != nil {
			return err
		}
	}
	if err := p.misc(false); err != nil {
		return err
	}
	if p.at < len(p.text) {
		return p.fail(p.at, "Extra content at the end of the document")
	}
	return nil
}

// misc skips what may stand outside of the root element.
func (p *xmlParser) misc(prolog bool) error {
	for {
		p.space()
		var err error
		switch rest := p.text[p.at:]; {
		case strings.HasPrefix(rest, "<?"):
			err = p.instruction()
		case strings.HasPrefix(rest, "<!--"):
			_, err = p.comment()
		case prolog && strings.HasPrefix(rest, "<!DOCTYPE"):
			err = p.doctype()
			prolog = false
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// content reads one piece of the innermost open element.
func (p *xmlParser) content() error {
	rest := p.text[p.at:]
	switch {
	case rest == "":
		last := p.open[len(p.open)-1]
		return p.fail(p.at, "Premature end of data in tag %s", shorten(last.name))
	case rest[0] != '<':
		return p.characters()
	case strings.HasPrefix(rest, "</"):
		return p.endTag()
	case strings.HasPrefix(rest, "<!--"):
		body, err := p.comment()
		if err != nil {
			return err
		}
		p.tree.beginComment()
		err = p.raw(body, p.at-len("-->")-len(body))
		p.tree.endComment()
		return err
	case strings.HasPrefix(rest, "<![CDATA["):
		return p.cdata()
	case strings.HasPrefix(rest, "<?"):
		return p.instruction()
	}
	return p.startTag()
}

func (p *xmlParser) startTag() error {
	start := p.at
	p.at++
	name := p.name()
	if name == "" {
		return p.fail(start+1, "StartTag: invalid element name")
	}
	p.tree.beginElement(name)
	if err := p.attributes(name); err != nil {
		return err
	}
	p.tree.endAttributes()
	if p.skip("/>") {
		p.tree.endElement()
		return nil
	}
	if !p.skip(">") {
		return p.fail(p.at, "Couldn't find end of Start Tag %s", shorten(name))
	}
	p.open = append(p.open, openElement{name, start})
	return nil
}

// attributes reads up to the end of a start tag.
func (p *xmlParser) attributes(element string) error {
	var few [8]string // names so far; most elements have no more
	seen := few[:0]
	var many map[string]bool
	for {
		blank := p.space()
		if p.at == len(p.text) || p.text[p.at] == '>' || p.text[p.at] == '/' {
			return nil
		}
		start := p.at
		name := p.name()
		if name == "" || !blank {
			return p.fail(start, "attributes construct error in %s", shorten(element))
		}
		p.space()
		if !p.skip("=") {
			return p.fail(p.at, "Specification mandates value for attribute %s", shorten(name))
		}
		if len(seen) < len(few) {
			for _, other := range seen {
				if other == name {
					return p.fail(start, "Attribute %s redefined", shorten(name))
				}
			}
			seen = append(seen, name)
		} else {
			if many == nil {
				many = make(map[string]bool)
				for _, other := range seen {
					many[other] = true
				}
			}
			if many[name] {
				return p.fail(start, "Attribute %s redefined", shorten(name))
			}
			many[name] = true
		}
		p.space()
		p.tree.beginAttribute(name)
		if err := p.attributeValue(); err != nil {
			return err
		}
		p.tree.endAttribute()
	}
}

func (p *xmlParser) endTag() error {
	start := p.at
	p.at += len("</")
	name := p.name()
	last := p.open[len(p.open)-1]
	if name != last.name {
		opened := p.fail(last.at, "")
		return p.fail(start, "Opening and ending tag mismatch: %s line %d and %s", shorten(last.name), opened.line, shorten(name))
	}
	p.space()
	if !p.skip(">") {
		return p.fail(p.at, "expected '>'")
	}
	p.open = p.open[:len(p.open)-1]
	p.tree.endElement()
	return nil
}

// comment skips a comment and returns what it says.
func (p *xmlParser) comment() (string, error) {
	start := p.at
	body := p.text[p.at+len("<!--"):]
	end := strings.Index(body, "--")
	if end < 0 {
		return "", p.fail(start, "Comment not terminated")
	}
	p.at += len("<!--") + end
	if !p.skip("-->") {
		return "", p.fail(p.at, "Double hyphen within comment")
	}
	return body[:end], nil
}

func (p *xmlParser) cdata() error {
	start := p.at
	p.at += len("<![CDATA[")
	end := strings.Index(p.text[p.at:], "]]>")
	if end < 0 {
		return p.fail(start, "CData section not finished")
	}
	body := p.text[p.at : p.at+end]
	if body != "" {
		p.tree.beginText()
		if err := p.raw(body, p.at); err != nil {
			return err
		}
		p.tree.endText()
	}
	p.at += end + len("]]>")
	return nil
}

func (p *xmlParser) instruction() error {
	end := strings.Index(p.text[p.at:], "?>")
	if end < 0 {
		return p.fail(p.at, "Processing instruction not terminated")
	}
	p.at += end + len("?>")
	return nil
}

// doctype skips a document type with its internal subset. Nothing in it is
// looked at, so that no entity can be declared.
func (p *xmlParser) doctype() error {
	start := p.at
	subset := false
	for p.at += len("<!DOCTYPE"); p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '"' || c == '\'':
			end := strings.IndexByte(p.text[p.at+1:], c)
			if end < 0 {
				return p.fail(start, "DOCTYPE improperly terminated")
			}
			p.at += 1 + end
		case strings.HasPrefix(p.text[p.at:], "<!--"):
			if _, err := p.comment(); err != nil {
				return err
			}
			p.at-- // the loop steps on
		case strings.HasPrefix(p.text[p.at:], "<?"):
			if err := p.instruction(); err != nil {
				return err
			}
			p.at--
		case c == '[':
			subset = true
		case c == ']':
			subset = false
		case c == '>' && !subset:
			p.at++
			return nil
		}
	}
	return p.fail(start, "DOCTYPE improperly terminated")
}

// space skips blanks and tells whether there were any.
func (p *xmlParser) space() bool {
	start := p.at
	for p.at < len(p.text) && isBlank(p.text[p.at]) {
		p.at++
	}
	return p.at > start
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// skip passes over token if it is next.
func (p *xmlParser) skip(token string) bool {
	if !strings.HasPrefix(p.text[p.at:], token) {
		return false
	}
	p.at += len(token)
	return true
}

// shorten keeps names in messages readable.
func shorten(name string) string {
	if len(name) > 100 {
		return scalarValues(name[:100]) + "…"
	}
	return name
}
