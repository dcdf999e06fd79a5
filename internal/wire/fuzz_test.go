package wire

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// fuzzReader feeds arbitrary bytes to the reader of one side. Whatever is
// accepted must be fit to be sent again and come back the same.
func fuzzReader(f *testing.F, from Side) {
	for _, m := range messages() {
		if kinds[m.Type()].from != from {
			continue
		}
		var pipe bytes.Buffer
		if err := NewWriter(&pipe).Send(m); err != nil {
			f.Fatal(err)
		}
		f.Add(pipe.Bytes())
		f.Add(pipe.Bytes()[:pipe.Len()/2])
	}
	f.Fuzz(func(t *testing.T, bytesIn []byte) {
		r := NewReader(bytes.NewReader(bytesIn), from)
		for {
			m, err := r.Next()
			if err != nil {
				return
			}
			var pipe bytes.Buffer
			if err := NewWriter(&pipe).Send(m); err != nil {
				t.Fatalf("accepted %#v, which cannot be sent: %v", m, err)
			}
			again, err := NewReader(&pipe, from).Next()
			if err != nil {
				t.Fatalf("accepted %#v, which does not come back: %v", m, err)
			}
			if m.Type() != again.Type() {
				t.Fatalf("%T became %T", m, again)
			}
		}
	})
}

func FuzzFromParent(f *testing.F) { fuzzReader(f, Parent) }

func FuzzFromChild(f *testing.F) { fuzzReader(f, Child) }

func FuzzSplitDocuments(f *testing.F) {
	f.Add(AppendDocuments(nil, []Document{{"a", []byte("{}")}, {"b", nil}}))
	f.Fuzz(func(t *testing.T, body []byte) {
		docs, err := SplitDocuments(body)
		if err != nil {
			return
		}
		if again := AppendDocuments(nil, docs); !bytes.Equal(again, body) {
			t.Fatalf("%q became %q", body, again)
		}
	})
}

func FuzzDecodeReport(f *testing.F) {
	f.Add(`{"handled":true,"stuck":{"what":"lift","name":"","stack":""},"failures":[]}`)
	f.Add(`{"name":"n","changed":-1,"cells":[{"name":"a","kind":"cell","initial":"1"}],"failures":[{"what":"handler"}],"memo":{"a":[1]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := DecodeReport(text)
		if err != nil {
			return
		}
		once, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("%q cannot be told on: %v", text, err)
		}
		again, err := DecodeReport(string(once))
		if err != nil {
			t.Fatalf("%q is told on as %s: %v", text, once, err)
		}
		if twice, err := json.Marshal(again); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%q is told on as %s and then as %s, %v", text, once, twice, err)
		}
	})
}

func TestPackedDocumentsComeBack(t *testing.T) {
	t.Parallel()
	document := rapid.Custom(func(t *rapid.T) Document {
		d := Document{ID: rapid.StringN(1, 40, MaxIDBytes).Draw(t, "id")}
		if rapid.Bool().Draw(t, "present") {
			d.Text = append([]byte{}, rapid.SliceOf(rapid.Byte()).Draw(t, "text")...)
		}
		return d
	})
	rapid.Check(t, func(t *rapid.T) {
		docs := rapid.SliceOfN(document, 1, 20).Draw(t, "docs")
		got, err := SplitDocuments(AppendDocuments(nil, docs))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(docs, got); diff != "" {
			t.Fatal(diff)
		}
	})
}
