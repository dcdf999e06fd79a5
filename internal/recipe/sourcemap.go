package recipe

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-sourcemap/sourcemap"
)

// maxMapBytes is the largest source map that is read.
const maxMapBytes = 16 << 20

// virtual names the sources of a program that are not the recipe's own files.
func virtual(source string) bool {
	return strings.HasPrefix(source, spaceModule+":") || strings.HasPrefix(source, spaceStart+":")
}

// cleanMap takes the names of our namespaces out of a map that esbuild made.
func cleanMap(text []byte) string {
	var m struct {
		Version        int      `json:"version"`
		Sources        []string `json:"sources"`
		SourcesContent []string `json:"sourcesContent"`
		Mappings       string   `json:"mappings"`
		Names          []string `json:"names"`
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return string(text)
	}
	for i, source := range m.Sources {
		m.Sources[i] = strings.TrimPrefix(source, spaceRecipe+":")
	}
	clean, err := json.Marshal(m)
	if err != nil {
		return string(text)
	}
	return string(clean)
}

// Map leads positions in a program back to the recipe's files. It is safe for
// concurrent use.
type Map struct {
	consumer *sourcemap.Consumer
	name     string
}

// Position is a place in a recipe's file.
type Position struct {
	File   string // base name
	Line   int    // from 1
	Column int    // from 1
}

// String is FILE:LINE:COLUMN.
func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// ParseMap reads the source map of a program. name is the file of positions whose
// source has no name.
func ParseMap(text, name string) (m *Map, err error) {
	if len(text) > maxMapBytes {
		return nil, fmt.Errorf("recipe: a source map of %d bytes; at most %d are read", len(text), maxMapBytes)
	}
	defer func() {
		if r := recover(); r != nil {
			m, err = nil, fmt.Errorf("recipe: broken source map: %v", r)
		}
	}()
	consumer, err := sourcemap.Parse("", []byte(text))
	if err != nil {
		return nil, fmt.Errorf("recipe: source map: %w", err)
	}
	return &Map{consumer, name}, nil
}

// frame is a position in a program, as the engine writes it into stacks.
var frame = regexp.MustCompile(regexp.QuoteMeta(File) + `:(\d{1,9}):(\d{1,9})`)

// Position is the innermost place of a stack that lies in a file of the recipe.
func (m *Map) Position(stack string) (Position, bool) {
	for _, match := range frame.FindAllStringSubmatch(stack, -1) {
		if p, ok := m.lookup(match[1], match[2]); ok {
			return p, true
		}
	}
	return Position{}, false
}

// Translate is the stack with the positions that lie in files of the recipe
// written as those; what has none stays as it is.
func (m *Map) Translate(stack string) string {
	return frame.ReplaceAllStringFunc(stack, func(at string) string {
		match := frame.FindStringSubmatch(at)
		if p, ok := m.lookup(match[1], match[2]); ok {
			return p.String()
		}
		return at
	})
}

// lookup translates a line and column, both from 1, of the wrapped program. A map
// comes from a worker and may lie about its own lists.
func (m *Map) lookup(line, column string) (p Position, ok bool) {
	defer func() {
		if recover() != nil {
			p, ok = Position{}, false
		}
	}()
	l, err1 := strconv.Atoi(line)
	c, err2 := strconv.Atoi(column)
	if c--; l == 1 {
		c -= len(wrapperHead)
	}
	if err1 != nil || err2 != nil || c < 0 {
		return Position{}, false
	}
	source, _, l, c, ok := m.consumer.Source(l, c)
	if !ok || virtual(source) || l <= 0 {
		return Position{}, false
	}
	if source == "" {
		source = m.name
	}
	return Position{path.Base(source), l, c + 1}, true
}
