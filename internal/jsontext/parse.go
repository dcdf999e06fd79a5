package jsontext

import (
	"fmt"
	"strings"
	"sync"
)

// sharedBytes is the length up to which the strings of a parsed value may be
// parts of one copy of the text. It saves an allocation a string, but one
// string that is kept then keeps the whole text, so it is for short texts only.
const sharedBytes = 4 << 10

// Parse reads one JSON text, strictly as JSON.parse does: no comments, no
// trailing commas, no byte order mark, and only UTF-8. A number too large for
// a double becomes an infinity, one too small zero. The result shares no
// memory with data. An error is an *Error.
func Parse(data []byte, lim Limits) (any, error) {
	lim = lim.withDefaults()
	if len(data) > lim.Bytes {
		return nil, &Error{ErrLimit, lim.Bytes, fmt.Sprintf("the text has %d bytes, %d are allowed", len(data), lim.Bytes)}
	}
	p := parsers.Get().(*parser)
	defer p.release()
	p.text, p.pos, p.depth, p.maxDepth = string(data), 0, 0, lim.Depth
	v, err := p.document()
	if err != nil {
		return nil, err
	}
	return v, nil
}

// parsers are kept for their two stacks.
var parsers = sync.Pool{New: func() any { return new(parser) }}

// keptEntries is how large a stack may be to be kept.
const keptEntries = 1 << 10

type parser struct {
	text     string
	pos      int
	depth    int
	maxDepth int
	values   []any    // elements of the arrays that are still open
	members  []member // members of the objects that are still open
}

// release gives p back, without what it holds of this text.
func (p *parser) release() {
	if cap(p.values) > keptEntries || cap(p.members) > keptEntries {
		return
	}
	p.text = ""
	clear(p.values)
	clear(p.members)
	p.values, p.members = p.values[:0], p.members[:0]
	parsers.Put(p)
}

func (p *parser) document() (any, *Error) {
	p.space()
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos < len(p.text) {
		return nil, p.unexpected("the end of the text")
	}
	return v, nil
}

// value reads the value that starts at pos.
func (p *parser) value() (any, *Error) {
	if p.pos == len(p.text) {
		return nil, p.unexpected("a value")
	}
	switch c := p.text[p.pos]; {
	case c == '"':
		s, err := p.string()
		if err != nil {
			return nil, err
		}
		return s, nil
	case c == '{':
		return p.object()
	case c == '[':
		return p.array()
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	case c == 't':
		return p.literal("true", true)
	case c == 'f':
		return p.literal("false", false)
	case c == 'n':
		return p.literal("null", nil)
	}
	return nil, p.unexpected("a value")
}

func (p *parser) literal(word string, v any) (any, *Error) {
	if !strings.HasPrefix(p.text[p.pos:], word) {
		return nil, p.unexpected("a value")
	}
	p.pos += len(word)
	return v, nil
}

// descend enters an array or object: it passes the bracket at pos. The one
// that reads the closing bracket takes the level off again.
func (p *parser) descend() *Error {
	if p.depth == p.maxDepth {
		return &Error{ErrLimit, p.pos, fmt.Sprintf("more than %d levels", p.maxDepth)}
	}
	p.depth++
	p.pos++
	return nil
}

func (p *parser) array() (any, *Error) {
	first := len(p.values)
	if err := p.descend(); err != nil {
		return nil, err
	}
	for p.space(); !p.take(']'); p.space() {
		if len(p.values) > first {
			if !p.take(',') {
				return nil, p.unexpected("',' or ']'")
			}
			p.space()
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		p.values = append(p.values, v)
	}
	elements := make([]any, len(p.values)-first)
	copy(elements, p.values[first:])
	clear(p.values[first:])
	p.values = p.values[:first]
	p.depth--
	return elements, nil
}

func (p *parser) object() (any, *Error) {
	first := len(p.members)
	if err := p.descend(); err != nil {
		return nil, err
	}
	for p.space(); !p.take('}'); p.space() {
		if len(p.members) > first {
			if !p.take(',') {
				return nil, p.unexpected("',' or '}'")
			}
			p.space()
		}
		m, err := p.member()
		if err != nil {
			return nil, err
		}
		p.members = append(p.members, m)
	}
	o := newObject(p.members[first:])
	clear(p.members[first:])
	p.members = p.members[:first]
	p.depth--
	return o, nil
}

func (p *parser) member() (member, *Error) {
	if p.pos == len(p.text) || p.text[p.pos] != '"' {
		return member{}, p.unexpected("a key")
	}
	key, err := p.string()
	if err != nil {
		return member{}, err
	}
	p.space()
	if !p.take(':') {
		return member{}, p.unexpected("':'")
	}
	p.space()
	v, err := p.value()
	return member{key, v}, err
}

func (p *parser) space() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

func (p *parser) take(c byte) bool {
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *parser) unexpected(wanted string) *Error {
	if p.pos >= len(p.text) {
		return p.syntax(p.pos, "the text ends where "+wanted+" should be")
	}
	return p.syntax(p.pos, fmt.Sprintf("%q where %s should be", p.text[p.pos], wanted))
}

func (p *parser) syntax(offset int, problem string) *Error {
	return &Error{ErrSyntax, offset, problem}
}
