package replica_test

import (
	"errors"
	"strings"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/recipe"
	"charmd/internal/store"
	"charmd/internal/wire"
)

// A toolshed says what a recipe's source is and how it is called. Taken is what has the
// id that was asked for, under a name that a recipe can have, and nothing else.
func FuzzFetch(f *testing.F) {
	shed := newToolshed(f)
	c := newCopy(shed)
	const source = "export default 1"
	for _, body := range []string{
		`{"src":"export default 1","recipeName":"news.tsx"}`, `{"src":"export default 1","recipeName":"../../etc/passwd"}`, `{"src":"export default 2"}`,
		`{"src":7}`, source, "", `{"src":"export default 1","recipeName":"` + strings.Repeat("x", 300) + `.tsx"}`,
	} {
		f.Add([]byte(body))
	}
	f.Add(jsontext.Append(nil, "\xff"))
	n := 0
	f.Fuzz(func(t *testing.T, body []byte) {
		n++
		id := recipe.ID(source)
		if !strings.Contains(string(body), source) { // it may be the source itself
			id = recipe.ID(string(body))
		}
		shed.mu.Lock()
		shed.blobs["spell-"+id] = string(body)
		shed.mu.Unlock()
		err := c.replica.Fetch(t.Context(), id, func(store.Tx, string) error { return nil })
		if err != nil {
			if code := charm.CodeOf(err); code != charm.CodeInvalid {
				t.Errorf("%q: code %s: %v", body, code, err)
			}
			return
		}
		err = c.store.View(t.Context(), func(r store.Reader) error {
			rec, err := r.Recipe(id)
			if err == nil && (recipe.ID(rec.Source) != id || recipe.Check(wire.CompileRequest{Entry: rec.Name, Files: map[string]string{rec.Name: rec.Source}}) != nil) {
				err = errors.New("it is stored as " + rec.Name)
			}
			return err
		})
		if err != nil {
			t.Errorf("%q is taken for %s: %v", body, id, err)
		}
	})
}
