package recipe

import (
	"fmt"
	"strings"
	"testing"

	"charmd/internal/wire"

	"github.com/google/go-cmp/cmp"
)

// place is the line and column, both from 1, of a text in the wrapped program.
func place(t *testing.T, program, text string) (line, column int) {
	t.Helper()
	before, _, found := strings.Cut(Wrap(program), text)
	if !found {
		t.Fatalf("program has no %q", text)
	}
	return strings.Count(before, "\n") + 1, len(before) - strings.LastIndex(before, "\n")
}

func parsed(t *testing.T, c wire.Compiled) *Map {
	t.Helper()
	m, err := ParseMap(c.SourceMap, "news.tsx")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPositionsLeadToTheFiles(t *testing.T) {
	t.Parallel()
	bundle, single := compiled(t, severalFiles()), compiled(t, one(counter))
	tests := []struct {
		c    wire.Compiled
		text string
		want Position
	}{
		{single, "Promise.resolve", Position{"news.tsx", 6, 21}},
		{single, "state.n + 1", Position{"news.tsx", 7, 72}},
		{bundle, "new Error", Position{"parse.ts", 4, 20}},
		{bundle, `"p"`, Position{"index.tsx", 2, 26}},
		{bundle, "parse(words", Position{"news.tsx", 5, 40}},
	}
	for _, tt := range tests {
		line, column := place(t, tt.c.Program, tt.text)
		stack := fmt.Sprintf("    at h (prelude.js:4:5)\n    at go (recipe.js:%d:%d)\n    at <anonymous> (recipe.js:1:1)", line, column)
		got, ok := parsed(t, tt.c).Position(stack)
		if !ok || got != tt.want {
			t.Errorf("%s: %v, %t; want %v", tt.text, got, ok, tt.want)
		}
	}
}

func TestTheWrapperIsNotCountedOnTheFirstLine(t *testing.T) {
	t.Parallel()
	// One mapping: generated 1:0 is line 3, column 4 of a.ts.
	m := parsed(t, wire.Compiled{SourceMap: `{"version":3,"sources":["lib/a.ts"],"names":[],"mappings":"AAEI"}`})
	first := len(wrapperHead) + 1
	if got, ok := m.Position(fmt.Sprintf("recipe.js:1:%d", first)); !ok || got != (Position{"a.ts", 3, 5}) {
		t.Errorf("%v, %t", got, ok)
	}
	if got, ok := m.Position(fmt.Sprintf("recipe.js:1:%d", first-1)); ok {
		t.Errorf("a place in the wrapper is %v", got)
	}
}

func TestStacksWithoutAPlaceInTheRecipe(t *testing.T) {
	t.Parallel()
	m := parsed(t, compiled(t, one(counter)))
	for _, stack := range []string{
		"", "    at x (prelude.js:10:3)", "recipe.js:0:0", "recipe.js:999999:1", "recipe.js:1:1", "recipe.js:-1:2",
		"recipe.js:99999999999999999999:1", "recipe.js:", "recipe.js:5:3", "no stack at all\x00",
	} {
		if p, ok := m.Position(stack); ok {
			t.Errorf("%q is %v", stack, p)
		}
	}
}

func TestTranslateKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	c := compiled(t, one(counter))
	line, column := place(t, c.Program, "state.n + 1")
	stack := fmt.Sprintf("    at tick (recipe.js:%d:%d)\n    at run (prelude.js:7:1)\n    at <anonymous> (recipe.js:1:2)\n", line, column)
	want := "    at tick (news.tsx:7:72)\n    at run (prelude.js:7:1)\n    at <anonymous> (recipe.js:1:2)\n"
	if diff := cmp.Diff(want, parsed(t, c).Translate(stack)); diff != "" {
		t.Error(diff)
	}
}

func TestMapsThatLie(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "null", "[]", `{"version":2,"mappings":"AAAA"}`, `{"version":3,"mappings":"!!!!"}`,
		`{"version":3,"sources":[],"mappings":"AEAAA"}`, `{"version":3,"sections":[{}]}`,
		strings.Repeat(" ", maxMapBytes+1),
	} {
		m, err := ParseMap(text, "a.tsx")
		if err != nil {
			continue
		}
		if p, ok := m.Position("recipe.js:2:1 recipe.js:1:60"); ok {
			t.Errorf("%.40s: %v", text, p)
		}
	}
}

func FuzzMap(f *testing.F) {
	f.Add(Compile(one(counter)).SourceMap, "    at x (recipe.js:50:3)")
	f.Add(`{"version":3,"sources":["a"],"mappings":"AAEI,SACMA","names":[1]}`, "recipe.js:1:60")
	f.Add(`{"version":3,"sections":[{"offset":{"line":1,"column":1},"map":{"version":3}}]}`, "recipe.js:2:1")
	f.Fuzz(func(t *testing.T, text, stack string) {
		m, err := ParseMap(text, "a.tsx")
		if err != nil {
			return
		}
		if p, ok := m.Position(stack); ok && (p.Line < 1 || strings.Contains(p.File, "/") && p.File != "/") {
			t.Errorf("%+v", p)
		}
		m.Translate(stack)
	})
}
