package vault

import (
	"strings"
	"testing"

	"charmd/internal/charm"
)

// Keys that are read come back when they are written; of a text that holds none, the
// error repeats nothing: it may be a key with a slip in it.
func FuzzParseKeys(f *testing.F) {
	k, err := newKey()
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{k.text, "# old and new\n" + k.text + ",\r\n" + k.text + "\n", k.text[1:], strings.ToLower(k.text), "", "#", k.text + " " + k.text} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := parseKeys(text, "KEYS")
		if err != nil {
			if charm.CodeOf(err) != charm.CodeDataCorrupt {
				t.Errorf("%q: %v", text, err)
			}
			for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r <= ' ' }) {
				if len(word) > 16 && strings.Contains(err.Error(), word) {
					t.Errorf("%q is repeated in %v", word, err)
				}
			}
			return
		}
		var written strings.Builder
		for _, k := range keys {
			written.WriteString(k.text + "\n")
		}
		if again, err := parseKeys(written.String(), "KEYS"); err != nil || again.ids() != keys.ids() {
			t.Errorf("%q: keys %s are written and read as %s, %v", text, keys.ids(), again.ids(), err)
		}
	})
}
