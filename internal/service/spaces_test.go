package service_test

import (
	"bytes"
	"strings"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/recipe"
	"charmd/internal/spacefile"
	"charmd/internal/store"
)

// A file that is whole and still cannot be taken leaves nothing behind, neither
// the space nor its recipes.
func TestImportIsAllOrNothing(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	id := merkle.EntityID(nil, "a charm").Link()
	rec := charm.Recipe{ID: recipe.ID(counter), Name: "counter.tsx", Source: counter}
	file := func(name string) *bytes.Buffer {
		value, err := jsontext.Parse([]byte(`{"value":1}`), jsontext.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		fact := store.Fact{The: memory.JSON, Of: memory.Of(id), Is: []byte(`{"value":1}`), Cause: merkle.Unclaimed(memory.JSON, memory.Of(id))}
		fact.Ref = memory.Reference(fact, value, false)
		var b bytes.Buffer
		w := spacefile.NewWriter(&b, spacefile.Header{DID: identity.FromPassphrase("elsewhere").DID()})
		w.Fact(fact)
		w.Recipe(rec)
		w.Charm(charm.Charm{ID: id, Name: name, Recipe: rec.ID, Schedule: charm.Schedule{Every: charm.MinEvery}})
		if err := w.End(); err != nil {
			t.Fatal(err)
		}
		return &b
	}
	if _, err := d.Client.Import(t.Context(), "home-2", false, file("no/name")); charm.CodeOf(err) != charm.CodeUsage || !strings.Contains(err.Error(), "no/name") {
		t.Errorf("a charm with a name that cannot be: %v", err)
	}
	if _, err := d.Client.Space(t.Context(), "home-2"); charm.CodeOf(err) != charm.CodeNotFound {
		t.Errorf("the space is there: %v", err)
	}
	done, err := d.Client.Import(t.Context(), "home-2", false, file("counter"))
	if err != nil || done.Facts != 1 || len(done.Charms) != 1 || done.Charms[0] != "home-2/counter" {
		t.Fatalf("%+v, %v", done, err)
	}

	// What is exported of it is the same state, in the new space.
	var out bytes.Buffer
	if err := d.Client.Export(t.Context(), "home-2", &out); err != nil {
		t.Fatal(err)
	}
	again, err := spacefile.Read(&out)
	if err != nil || again.DID != done.Space || len(again.Facts) != 1 || string(again.Facts[0].Is) != `{"value":1}` || len(again.Charms) != 1 {
		t.Errorf("exported again: %+v, %v", again, err)
	}
	if err := d.Client.Export(t.Context(), "nowhere", &out); charm.CodeOf(err) != charm.CodeNotFound {
		t.Errorf("exporting what is not there: %v", err)
	}
}
