package cell

import (
	"encoding/json"
	"strings"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
)

// Documents come from clients and charms. Whatever links to whatever, reading them as
// people do ends, and neither streams, pages nor links are left in what is read.
func FuzzExport(f *testing.F) {
	f.Add(charmDocs["result"], charmDocs["process"], "items/0/t")
	f.Add(`{"value":`+link("other", `[]`)+`}`, `{"value":[`+link("main", `[]`)+`,`+link("main", `[0]`)+`]}`, "0.1")
	f.Add(`{"value":{"a":{"$alias":{"path":["a"]}},"$UI":1,"b":{"$stream":true}}}`, `{}`, "/a/")
	f.Add(`{"value":{"a":{"$alias":{"path":[1e400,{}],"cell":{"/":"x"}}}}}`, `{"value":`+alias("main", `["a",0]`)+`}`, "b")
	f.Fuzz(func(t *testing.T, main, other, path string) {
		docs := world{}
		for name, text := range map[string]string{"main": main, "other": other} {
			text = strings.NewReplacer("@main", id("main"), "@other", id("other"), "@process", id("other")).Replace(text)
			v, err := jsontext.Parse([]byte(text), jsontext.Limits{Depth: 100, Bytes: 16 << 10})
			doc, ok := v.(*jsontext.Object)
			if err != nil || !ok {
				return
			}
			docs[id(name)] = doc
		}
		at := Location{id("main"), ParsePath(path)}
		if to, ok := Pointer(at.Link(), ""); !ok || to.ID != at.ID || strings.Join(to.Path, "\x00") != strings.Join(at.Path, "\x00") {
			t.Errorf("a link to %+v is read as one to %+v", at, to)
		}
		read := func() (any, bool, error) {
			x := exporter{docs, &Allowance{10_000, 1 << 20}} // a hundredth of what Export allows, for speed
			return x.location(at, 0)
		}
		v, exists, err := read()
		if err != nil {
			if code := charm.CodeOf(err); code != charm.CodeInvalid && code != charm.CodeTooLarge {
				t.Errorf("code %s: %v", code, err)
			}
			return
		}
		if !exists {
			return
		}
		check(t, v)
		if again, _, err := read(); err != nil || jsontext.Text(again) != jsontext.Text(v) {
			t.Errorf("read again it is another: %v", err)
		}
		if text := jsontext.Append(nil, v); !json.Valid(text) && !jsontext.Deeper(v, 10_000) {
			t.Errorf("%.200s is not JSON", text)
		}
	})
}

// check fails for what people are not to see.
func check(t *testing.T, v any) {
	t.Helper()
	if _, ok := Pointer(v, id("main")); ok || IsStream(v) {
		t.Errorf("%s is left", jsontext.Text(v))
	}
	switch v := v.(type) {
	case *jsontext.Object:
		for key, e := range v.All() {
			if key == "$UI" {
				t.Error("a page is left")
			}
			check(t, e)
		}
	case []any:
		for _, e := range v {
			check(t, e)
		}
	}
}
