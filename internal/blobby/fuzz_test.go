package blobby

import (
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
)

// Whatever key and body a client sends is refused with a reason, or kept: then it
// is found under that key alone, and is JSON.
func FuzzPut(f *testing.F) {
	st, err := sqlite.Open(f.Context(), filepath.Join(f.TempDir(), "charmd.db"), sqlite.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := st.Close(); err != nil {
			f.Error(err)
		}
	})
	blobs := New(st, time.Now, func(store.Tx, string) error { return nil })
	for key, body := range map[string]string{
		"note": `{"a":1}`, "schema-ba4jc": `[1,{"b":null}]`, "../../etc/passwd": `{}`, "a..b": `{}`, "a%2fb": `{}`, "": `{}`,
		"spell-ba4jcaty4pusyb6uw7aqvaj5lqobgn3rkqcltfsnsayvmtdfxzmqgqexb": `{"src":"export default 1"}`, "n": `"text"`, "spell-": `[]`,
	} {
		f.Add(key, []byte(body))
	}
	harmless := regexp.MustCompile(`^[A-Za-z0-9._:~-]{1,200}$`)
	f.Fuzz(func(t *testing.T, key string, body []byte) {
		if err := blobs.Put(t.Context(), key, body); err != nil {
			if code := charm.CodeOf(err); code != charm.CodeInvalid && code != charm.CodeTooLarge {
				t.Errorf("%q: code %s: %v", key, code, err)
			}
			return
		}
		if !harmless.MatchString(key) {
			t.Errorf("the key %q was taken", key)
		}
		v, err := blobs.Get(t.Context(), key)
		if err != nil {
			t.Fatalf("%q was taken and is not there: %v", key, err)
		}
		if _, err := jsontext.Parse(jsontext.Append(nil, v), jsontext.DefaultLimits); err != nil {
			t.Errorf("%q is kept as what is not JSON: %v", key, err)
		}
		if err := blobs.Delete(t.Context(), key); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	})
}
