package jsondiff

import (
	"fmt"
	"strings"
	"testing"

	"charmd/internal/jsontext"
)

func parse(t *testing.T, text string) any {
	t.Helper()
	v, err := jsontext.Parse([]byte(text), jsontext.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// told is an edit as people write it.
func told(e Edit) string {
	before, after := "-", "-"
	if e.Was {
		before = jsontext.Text(e.Before)
	}
	if e.Is {
		after = jsontext.Text(e.After)
	}
	return strings.Join(e.Path, "/") + ": " + before + " → " + after
}

func TestDiff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, before, after, want string }{
		{"the same", `{"a":[1,{"b":null}]}`, `{"a":[1,{"b":null}]}`, ``},
		{"the order of keys", `{"a":1,"b":2}`, `{"b":2,"a":1}`, ``},
		{"a number", `{"value":3}`, `{"value":4}`, `value: 3 → 4`},
		{"another kind", `{"value":{"a":1}}`, `{"value":[1]}`, `value: {"a":1} → [1]`},
		{"the whole", `1`, `null`, `: 1 → null`},
		{"a key more", `{"a":1}`, `{"a":1,"b":null}`, `b: - → null`},
		{"a key less", `{"a":1,"b":null}`, `{"a":1}`, `b: null → -`},
		{"an empty key", `{"":1}`, `{"":2}`, `: 1 → 2`},
		{"deep", `{"a":{"b":[0,{"c":1}]}}`, `{"a":{"b":[0,{"c":2}]}}`, `a/b/1/c: 1 → 2`},
		{"put in front", `["b","c"]`, `["a","b","c"]`, `0: - → "a"`},
		{"put behind", `["a"]`, `["a","b","c"]`, `1: - → "b"|2: - → "c"`},
		{"taken from the middle", `[1,2,3,4]`, `[1,4]`, `1: 2 → -|2: 3 → -`},
		{"replaced in the middle", `[1,2,3]`, `[1,5,3]`, `1: 2 → 5`},
		{"repeated", `[1,1]`, `[1,1,1]`, `2: - → 1`},
		{"emptied", `[1]`, `[]`, `0: 1 → -`},
		{"several", `{"a":1,"b":2,"c":3}`, `{"a":2,"b":2,"d":4}`, `a: 1 → 2|d: - → 4|c: 3 → -`},
	} {
		edits, more := Diff(parse(t, c.before), parse(t, c.after), 100)
		var lines []string
		for _, e := range edits {
			lines = append(lines, told(e))
		}
		if got := strings.Join(lines, "|"); got != c.want || more {
			t.Errorf("%s: %s, more %v; want %s", c.name, got, more, c.want)
		}
	}
}

func TestDiffIsBounded(t *testing.T) {
	t.Parallel()
	var list []string
	for i := range 50 {
		list = append(list, fmt.Sprint(i))
	}
	long := parse(t, "["+strings.Join(list, ",")+"]")
	if edits, more := Diff([]any{}, long, 10); len(edits) != 10 || !more {
		t.Errorf("%d edits, more %v", len(edits), more)
	}
	if edits, more := Diff([]any{}, long, 50); len(edits) != 50 || more {
		t.Errorf("%d edits, more %v", len(edits), more)
	}
	// What was found keeps its own path while others are looked for.
	edits, _ := Diff(parse(t, `{"a":{}}`), parse(t, `{"a":{"x":1,"y":2,"z":3}}`), 10)
	if got := fmt.Sprint(edits[0].Path, edits[1].Path, edits[2].Path); got != "[a x] [a y] [a z]" {
		t.Errorf("paths %s", got)
	}
}
