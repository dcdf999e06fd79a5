package cell

import (
	"strings"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/merkle"
)

// world is documents by short names; @name in their text stands for the id.
type world map[string]*jsontext.Object

func id(name string) string { return merkle.EntityID(nil, name).Link() }

func newWorld(t *testing.T, docs map[string]string) world {
	t.Helper()
	w := world{}
	for name, text := range docs {
		w[id(name)] = parse(t, text).(*jsontext.Object)
	}
	return w
}

func parse(t *testing.T, text string) any {
	t.Helper()
	for {
		at := strings.Index(text, "@")
		if at < 0 {
			break
		}
		end := at + 1
		for end < len(text) && text[end] >= 'a' && text[end] <= 'z' {
			end++
		}
		text = text[:at] + id(text[at+1:end]) + text[end:]
	}
	v, err := jsontext.Parse([]byte(text), jsontext.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (w world) Document(id string) (*jsontext.Object, error) { return w[id], nil }

func link(name, path string) string { return `{"cell":{"/":"@` + name + `"},"path":` + path + `}` }
func alias(name, path string) string {
	return `{"$alias":{"path":` + path + `,"cell":{"/":"@` + name + `"}}}`
}

// charmDocs is a charm as the runtime stores one: a result of aliases, a process.
var charmDocs = map[string]string{
	"result": `{"value":{"$NAME":"n","$UI":{"type":"vnode"},"count":` + alias("process", `["internal","count"]`) +
		`,"feed":` + alias("process", `["argument","settings","url"]`) + `,"items":` + alias("process", `["internal","items"]`) +
		`,"bgUpdater":` + alias("process", `["internal","bgUpdater"]`) + `},"source":{"/":"@process"}}`,
	"process": `{"value":{"internal":{"count":3,"bgUpdater":{"$stream":true},"items":[` + link("item", `[]`) + `,{"t":"inline"}]},"argument":{"settings":` +
		link("shared", `["s"]`) + `}}}`,
	"item":   `{"value":{"t":"own"}}`,
	"shared": `{"value":{"s":{"url":"https://a"}}}`,
}

func TestExport(t *testing.T) {
	t.Parallel()
	docs := map[string]string{
		"loop":   `{"value":{"me":` + link("loop", `[]`) + `,"n":1}}`,
		"local":  `{"value":{"a":{"b":7},"b":{"$alias":{"path":["a","b"]}}}}`,
		"mixed":  `{"value":{"l":[1,2],"second":` + link("mixed", `["l",1]`) + `}}`,
		"user":   `{"value":{"cell":"not a link","path":[]}}`,
		"static": `{"value":"plain"}`,
		"empty":  `{}`,
	}
	for k, v := range charmDocs {
		docs[k] = v
	}
	w := newWorld(t, docs)
	cases := []struct{ name, doc, path, want string }{
		{"a charm's result", "result", "", `{"$NAME":"n","count":3,"feed":"https://a","items":[{"t":"own"},{"t":"inline"}]}`},
		{"through an alias and a link", "result", "feed", `"https://a"`},
		{"into a list of links", "result", "items/0/t", `"own"`},
		{"an alias without a cell", "local", "b", `7`},
		{"numbers in paths", "mixed", "second", `2`},
		{"data that only looks like a link", "user", "", `{"cell":"not a link","path":[]}`},
		{"a plain value", "static", "", `"plain"`},
		{"nothing there", "result", "items/7", ""},
		{"no such document", "nowhere", "", ""},
		{"a document without a value", "empty", "", ""},
		{"a stream", "result", "bgUpdater", ""},
		{"inside a plain value", "static", "x", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v, exists, err := Export(w, Location{id(c.doc), ParsePath(c.path)})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if exists {
				got = jsontext.Text(v)
			}
			if got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
	t.Run("a cycle ends", func(t *testing.T) {
		t.Parallel()
		v, _, err := Export(w, Location{ID: id("loop")})
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(jsontext.Text(v), `"n":1`); n != MaxHops+1 {
			t.Errorf("the cycle was followed %d times, want %d", n, MaxHops+1)
		}
	})
}

func TestPointersThatLeadNowhereEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{
		"a":    `{"value":` + alias("b", `[]`) + `}`,
		"b":    `{"value":` + alias("a", `[]`) + `}`,
		"wide": `{"value":[` + strings.Repeat(link("wide", `[]`)+",", 200) + `1]}`,
	})
	if _, _, err := Export(w, Location{ID: id("a")}); charm.CodeOf(err) != charm.CodeInvalid {
		t.Errorf("two aliases of each other gave %v", err)
	}
	if _, _, err := Export(w, Location{ID: id("wide")}); charm.CodeOf(err) != charm.CodeTooLarge {
		t.Errorf("a document that links to itself 200 times gave %v", err)
	}
	if _, _, err := Set(w, Location{ID: id("a")}, 1.0); charm.CodeOf(err) != charm.CodeInvalid {
		t.Errorf("writing through two aliases of each other gave %v", err)
	}
}

func TestSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, charmDocs)
	cases := []struct{ name, path, value, doc, want string }{
		{"through an alias", "count", `9`, "process", `"count":9`},
		{"through an alias and a link", "feed", `"https://b"`, "shared", `{"value":{"s":{"url":"https://b"}}}`},
		{"in a linked item", "items/0/t", `"new"`, "item", `{"value":{"t":"new"}}`},
		{"a link in the last place is replaced", "items/0", `1`, "process", `"items":[1,{"t":"inline"}]`},
		{"at the end of a list", "items/2", `{"t":"third"}`, "process", `{"t":"inline"},{"t":"third"}]`},
		{"a key that was not there", "extra/deep", `true`, "result", `"extra":{"deep":true}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before := jsontext.Text(w[id(c.doc)])
			gotID, doc, err := Set(w, Location{id("result"), ParsePath(c.path)}, parse(t, c.value))
			if err != nil {
				t.Fatal(err)
			}
			if gotID != id(c.doc) {
				t.Errorf("another document changed than %s", c.doc)
			}
			if got := jsontext.Text(doc); !strings.Contains(got, c.want) {
				t.Errorf("the document is now %s, want it to hold %s", got, c.want)
			}
			if jsontext.Text(w[id(c.doc)]) != before {
				t.Error("the document that was read has been changed in place")
			}
		})
	}
	for _, path := range []string{"items/9", "items/x", "count/inner"} {
		if _, _, err := Set(w, Location{id("result"), ParsePath(path)}, 1.0); charm.CodeOf(err) != charm.CodeInvalid {
			t.Errorf("setting %s gave %v, want invalid", path, err)
		}
	}
}

func TestParsePath(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "/": "", "a": "a", "a/b": "a|b", "a.b": "a|b", "a.b/c": "a.b|c", "/a/b/": "a|b"} {
		if got := strings.Join(ParsePath(text), "|"); got != want {
			t.Errorf("ParsePath(%q) = %s, want %s", text, got, want)
		}
	}
}
