package webhost

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// A selector is the compounds of one alternative, from left to right.
type selector []compound

// compound is what one element must be. Its combinator, one of " >+~", tells
// where the element of the compound to the left of it is; the first has none.
type compound struct {
	Tests      []elementTest `json:"tests"`
	Combinator string        `json:"combinator"`
}

// elementTest is of kind "any", "type", "id", "class", "attribute", "not" or a
// pseudo-class.
type elementTest struct {
	Kind     string     `json:"kind"`
	Name     string     `json:"name,omitempty"`
	Operator string     `json:"operator"`
	Value    string     `json:"value"` // what an attribute is compared with, the argument of a pseudo-class
	Inner    []selector `json:"inner,omitempty"`
}

// maxSelectorBytes bounds the memory that is taken for the parts of a selector.
const maxSelectorBytes = 64 << 10

const (
	blank   = `[\t-\r\p{Z}\x{feff}]`
	cssName = `(?:[\w-]|[^\x00-\x7f]|\\[^\n\r\x{2028}\x{2029}])+`
)

var (
	selectorToken = regexp.MustCompile(
		`^(?:` + blank + `*(?<combinator>[>+~,])` + blank + `*|(?<space>` + blank + `+)` +
			`|(?<type>\*|` + cssName + `(?:\|` + cssName + `)?)|#(?<id>` + cssName + `)|\.(?<class>` + cssName + `)` +
			`|\[` + blank + `*(?<attribute>[\w:-]+)` + blank + `*` +
			`(?:(?<operator>[~^$*]?=)` + blank + `*(?:"(?<double>[^"]*)"|'(?<single>[^']*)'|(?<bare>[^\]\t-\r\p{Z}\x{feff}]+))` + blank + `*)?\]` +
			`|:(?<pseudo>[\w-]+)(?:\((?<argument>[^()]*)\))?)`)
	selectorParts = selectorToken.SubexpNames()
	cssEscape     = regexp.MustCompile(`\\([^\n\r\x{2028}\x{2029}])`)
	pseudoClasses = []string{"first-child", "last-child", "nth-child"}
)

// Selector reads a CSS selector: names, #id, .class, attributes, the four
// combinators, lists, :not and the pseudo-classes by position. It is
// {"selectors":[[compound,…],…]} as JSON, or {"invalid":text} with the part that
// is no selector, is not supported, or has more than 64 KiB.
func Selector(text string) string {
	var parsed struct {
		Selectors []selector `json:"selectors,omitempty"`
		Invalid   *string    `json:"invalid,omitempty"`
	}
	parsed.Selectors, parsed.Invalid = parseSelector(text)
	out, _ := json.Marshal(parsed) // never fails: these are texts and lists
	return string(out)
}

// parseSelector answers the text that is invalid, in the stead of the selectors.
func parseSelector(text string) (selectors []selector, invalid *string) {
	if len(text) > maxSelectorBytes {
		return nil, &text
	}
	trimmed := strings.TrimFunc(text, func(r rune) bool { return r >= '\t' && r <= '\r' || r == '\uFEFF' || unicode.In(r, unicode.Z) })
	begin := func(combinator string) compound { return compound{[]elementTest{}, combinator} }
	selectors = []selector{{begin("")}}
	// What is no token ends it at once: looking for the next one in what a bracket that
	// nothing closes leaves would take time that grows with the square of the length.
	for rest := trimmed; rest != ""; {
		found := selectorToken.FindStringSubmatch(rest)
		if found == nil {
			return nil, &text
		}
		rest = rest[len(found[0]):]
		part := func(name string) string { return found[slices.Index(selectorParts, name)] }
		last := &selectors[len(selectors)-1]
		switch combinator := part("combinator"); {
		case combinator == ",":
			selectors = append(selectors, selector{begin("")})
		case combinator != "":
			*last = append(*last, begin(combinator))
		case part("space") != "":
			*last = append(*last, begin(" "))
		default:
			test, invalid := testOf(part, text)
			if invalid != nil {
				return nil, invalid
			}
			at := &(*last)[len(*last)-1]
			at.Tests = append(at.Tests, test)
		}
	}
	// One that begins with a combinator, "> li", has a first compound that any element is.
	if slices.ContainsFunc(selectors, func(s selector) bool { return len(s[len(s)-1].Tests) == 0 }) {
		return nil, &text
	}
	return selectors, nil
}

// testOf makes a test of the parts of a token of text, or answers what is invalid.
func testOf(part func(string) string, text string) (test elementTest, invalid *string) {
	if part("type") == "*" {
		return elementTest{Kind: "any"}, nil
	}
	for _, kind := range []string{"type", "id", "class"} {
		if name := part(kind); name != "" {
			return elementTest{Kind: kind, Name: cssEscape.ReplaceAllString(name, "$1")}, nil
		}
	}
	if name := part("attribute"); name != "" {
		value := part("double") + part("single") + part("bare")
		return elementTest{Kind: "attribute", Name: name, Operator: part("operator"), Value: value}, nil
	}
	pseudo, argument := part("pseudo"), part("argument")
	if pseudo == "not" {
		inner, invalid := parseSelector(argument)
		return elementTest{Kind: pseudo, Inner: inner}, invalid
	}
	if !slices.Contains(pseudoClasses, pseudo) {
		return elementTest{}, &text
	}
	return elementTest{Kind: pseudo, Value: argument}, nil
}
