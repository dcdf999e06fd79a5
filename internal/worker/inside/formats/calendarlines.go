package formats

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const maxComponentDepth = 16

// property is a line of a component without its name.
type property struct {
	params map[string]string // upper-case names
	value  string            // as it stands in the file
}

// component is what stands between a BEGIN and its END.
type component struct {
	name  string
	lines map[string][]property // by upper-case name
	kids  []*component
}

func (c *component) all(name string) (list []*component) {
	for _, kid := range c.kids {
		if kid.name == name {
			list = append(list, kid)
		}
	}
	return list
}

func (c *component) first(name string) (property, bool) {
	if list := c.lines[name]; len(list) > 0 {
		return list[0], true
	}
	return property{}, false
}

var unescape = strings.NewReplacer(`\n`, "\n", `\N`, "\n", `\,`, ",", `\;`, ";", `\\`, `\`)

// text is a property's value as people mean it, "" for none.
func (c *component) text(name string) string {
	p, _ := c.first(name)
	return strings.TrimSpace(unescape.Replace(p.value))
}

// number is a property's value, 0 for none.
func (c *component) number(name string) int {
	n, err := strconv.Atoi(c.text(name))
	if err != nil {
		return 0
	}
	return n
}

var unfold = strings.NewReplacer("\r\n ", "", "\r\n\t", "", "\n ", "", "\n\t", "")

// components reads the first VCALENDAR of a text, with the components of further ones
// beside its own. One that is not ended ends with the text.
func components(text string) (*component, error) {
	root := &component{name: "VCALENDAR", lines: map[string][]property{}}
	open := []*component{}
	found := false
	for raw := range strings.Lines(unfold.Replace(strings.TrimPrefix(text, "\uFEFF"))) {
		name, p, ok := splitLine(strings.TrimRight(raw, "\r\n"))
		if !ok {
			continue
		}
		value := strings.ToUpper(strings.TrimSpace(p.value))
		switch {
		case name == "BEGIN" && value == "VCALENDAR" && len(open) == 0:
			found = true
			open = append(open, root)
		case len(open) == 0:
		case name == "BEGIN":
			if len(open) == maxComponentDepth {
				return nil, fmt.Errorf("the calendar is nested deeper than %d levels", maxComponentDepth)
			}
			kid := &component{name: value, lines: map[string][]property{}}
			last := open[len(open)-1]
			last.kids = append(last.kids, kid)
			open = append(open, kid)
		case name == "END":
			open = open[:len(open)-1]
		default:
			last := open[len(open)-1]
			last.lines[name] = append(last.lines[name], p)
		}
	}
	if !found {
		return nil, errors.New("this is not a calendar: it has no BEGIN:VCALENDAR")
	}
	return root, nil
}

// splitLine takes NAME;PARAM=value;PARAM="quoted":value apart.
func splitLine(line string) (name string, p property, ok bool) {
	quoted := false
	end := strings.IndexFunc(line, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ':' && !quoted
	})
	if end < 0 {
		return "", p, false
	}
	head := strings.Split(line[:end], ";")
	p = property{params: map[string]string{}, value: line[end+1:]}
	for _, param := range head[1:] {
		if key, value, ok := strings.Cut(param, "="); ok {
			p.params[strings.ToUpper(key)] = strings.Trim(value, `"`)
		}
	}
	return strings.ToUpper(strings.TrimSpace(head[0])), p, true
}
