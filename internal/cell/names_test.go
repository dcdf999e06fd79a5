package cell

import (
	"fmt"
	"testing"

	"charmd/internal/jsontext"
	"charmd/internal/merkle"
)

func docID(n int) string { return merkle.EntityID(nil, fmt.Sprint("document ", n)).Link() }

// shelf is documents by id.
type shelf map[string]*jsontext.Object

func (s shelf) Document(id string) (*jsontext.Object, error) { return s[id], nil }

func (s shelf) put(t *testing.T, n int, text string) {
	t.Helper()
	v, err := jsontext.Parse([]byte(text), jsontext.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	s[docID(n)] = v.(*jsontext.Object)
}

func linkTo(n int) string { return jsontext.Text(Location{ID: docID(n)}.Link()) }

func TestNamesAreTheShortestWay(t *testing.T) {
	t.Parallel()
	docs := shelf{}
	docs.put(t, 0, `{"value":{"far":`+linkTo(1)+`,"list":[1,`+linkTo(2)+`],"me":`+linkTo(0)+`}}`)
	docs.put(t, 1, `{"value":{"near":`+linkTo(2)+`,"deep":`+linkTo(3)+`}}`)
	docs.put(t, 2, `{"value":{"$alias":{"path":["x"],"cell":{"/":"`+docID(4)+`"}}}}`)
	docs.put(t, 3, `{"value":{"own":{"$alias":{"path":["y"]}},"missing":`+linkTo(5)+`}}`)
	names := map[string]string{docID(0): "result"}
	if err := Names(docs, names, docID(0)); err != nil {
		t.Fatal(err)
	}
	want := map[int]string{
		0: "result", 1: "result/far", 2: "result/list/1", 3: "result/far/deep", 4: "result/list/1", 5: "result/far/deep/missing",
	}
	for n, name := range want {
		if got := names[docID(n)]; got != name {
			t.Errorf("document %d is %q, want %q", n, got, name)
		}
	}
	if len(names) != len(want) {
		t.Errorf("%d names: %v", len(names), names)
	}
}

func TestRehome(t *testing.T) {
	t.Parallel()
	linkIn := func(space string) string {
		return `{"space":"` + space + `","cell":{"/":"` + docID(1) + `"},"path":[]}`
	}
	for _, c := range []struct{ name, before, after string }{
		{"a link", linkIn("old"), linkIn("new")},
		{"links within", `{"a":[1,` + linkIn("old") + `],"b":` + linkIn("other") + `}`, `{"a":[1,` + linkIn("new") + `],"b":` + linkIn("other") + `}`},
		{"no link", `{"space":"old","path":[]}`, `{"space":"old","path":[]}`},
		{"a link without", linkTo(1), linkTo(1)},
		{"a text", `"old"`, `"old"`},
	} {
		v, err := jsontext.Parse([]byte(c.before), jsontext.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		if changed := Rehome(v, "old", "new"); jsontext.Text(v) != c.after || changed != (c.before != c.after) {
			t.Errorf("%s: %s, changed %v", c.name, jsontext.Text(v), changed)
		}
	}
}
