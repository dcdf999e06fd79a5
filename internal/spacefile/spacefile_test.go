package spacefile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/recipe"
	"charmd/internal/store"
)

const source = "export default 1 // <&>\u2028"

var (
	space   = identity.FromPassphrase("a space").DID()
	charmID = merkle.EntityID(nil, "a charm").Link()
)

func fact(of, is string) store.Fact {
	f := store.Fact{The: memory.JSON, Of: of, Cause: merkle.Unclaimed(memory.JSON, of)}
	var value any
	if is != "" {
		f.Is = []byte(is)
		v, err := jsontext.Parse(f.Is, jsontext.DefaultLimits)
		if err != nil {
			panic(err)
		}
		value = v
	}
	f.Ref = memory.Reference(f, value, is == "")
	return f
}

func contents() (facts []store.Fact, rec charm.Recipe, c charm.Charm) {
	facts = []store.Fact{
		fact(memory.Of(charmID), `{"value":{"b":1,"a":[1e+21,"<&>`+"\u2028"+`\ud800",null]}}`),
		fact("of:null", "null"), fact("of:gone", ""),
	}
	rec = charm.Recipe{ID: recipe.ID(source), Name: "news.tsx", Source: source, Files: map[string]string{"news.tsx": "import './x'", "x.ts": "1"}}
	c = charm.Charm{
		ID: charmID, Name: "news", Recipe: rec.ID, Integration: "rss", Schedule: charm.Schedule{Cron: "0 9 * * *", Zone: "Europe/Berlin"},
		Timeout: time.Minute, Priority: 3, AllowHosts: []string{"10.0.0.1:80"}, ProbeNever: true, Registered: true,
	}
	return facts, rec, c
}

func exported(t testing.TB) string {
	t.Helper()
	facts, rec, c := contents()
	var b bytes.Buffer
	w := NewWriter(&b, Header{DID: space, Name: "feeds", Since: 7, At: time.UnixMilli(1_700_000_000_000).UTC()})
	for _, f := range facts {
		w.Fact(f)
	}
	w.Recipe(rec)
	w.Charm(c)
	if err := w.End(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	file, err := Read(strings.NewReader(exported(t)))
	if err != nil {
		t.Fatal(err)
	}
	facts, rec, c := contents()
	var got []store.Fact
	for _, f := range file.Facts {
		got = append(got, f.Fact)
	}
	if diff := cmp.Diff(facts, got); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]charm.Recipe{rec}, file.Recipes); diff != "" {
		t.Errorf("recipes (-want +got):\n%s", diff)
	}
	want := Charm{
		ID: c.ID, Name: c.Name, Recipe: c.Recipe, Integration: c.Integration, Schedule: c.Schedule, Timeout: c.Timeout, Priority: c.Priority,
		AllowHosts: c.AllowHosts, ProbeNever: c.ProbeNever, Registered: c.Registered,
	}
	if diff := cmp.Diff([]Charm{want}, file.Charms); diff != "" {
		t.Errorf("charms (-want +got):\n%s", diff)
	}
	if file.DID != space || file.Name != "feeds" || file.Since != 7 {
		t.Errorf("header %+v", file.Header)
	}
}

// resealed is the lines with a last line that is right for them.
func resealed(lines []string) string {
	body := strings.Join(lines[:len(lines)-1], "")
	sum := sha256.Sum256([]byte(body))
	end, err := json.Marshal(line{End: &endLine{Lines: len(lines) - 1, Digest: hex.EncodeToString(sum[:])}})
	if err != nil {
		panic(err)
	}
	return body + string(end) + "\n"
}

func TestDamagedFilesAreRefusedWithTheLine(t *testing.T) {
	t.Parallel()
	lines := slices.Collect(strings.Lines(exported(t))) // header, 3 facts, recipe, charm, end
	with := func(n int, old, new string) []string {
		changed := slices.Clone(lines)
		if changed[n-1] = strings.Replace(changed[n-1], old, new, 1); changed[n-1] == lines[n-1] {
			t.Fatalf("line %d has no %q: %s", n, old, lines[n-1])
		}
		return changed
	}
	insert := func(n int, text string) []string { return slices.Insert(slices.Clone(lines), n-1, text) }
	without := func(n int) []string { return slices.Delete(slices.Clone(lines), n-1, n) }
	acl, err := json.Marshal(line{Fact: &factLine{The: "application/acl+json", Of: space, Ref: "x", Cause: "x", Is: rawText("{}")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		lines []string
		seal  bool // so that the line itself must be found wrong
		want  string
	}{
		{"nothing", nil, false, "line 1: the file ends before its last line"},
		{"another file", []string{"{\"a\":1}\n"}, false, "line 1: this is not a file of charmd space export"},
		{"text", []string{"hello\n"}, false, "line 1: this is not a file of charmd space export"},
		{"a later form", with(1, `"charmdSpace":1`, `"charmdSpace":2`), true, "line 1: the file has form 2"},
		{"another DID", with(1, `did:key:z`, `did:web:z`), true, "line 1: the space's DID"},
		{"a value", with(2, `"b":1`, `"b":2`), true, "line 2: application/json of of:" + charmID + " is not what its reference says"},
		{"a document's name", with(3, `of:null`, `of:nil`), true, "line 3: application/json of of:nil is not what"},
		{"a cause", with(3, lines[2][strings.Index(lines[2], `"cause":"`):][:66], lines[1][strings.Index(lines[1], `"cause":"`):][:66]), true, "line 3: "},
		{"a reference", with(4, `"ref":"ba4jc`, `"ref":"bx`), true, "line 4: ref: "},
		{"a retraction made a value", with(4, `}}`, `,"is":{}}}`), true, "line 4: "},
		{"broken JSON", with(3, `{"fact"`, `{"fact`), true, "line 3: it is not JSON of the form expected here"},
		{"two values on a line", with(3, "\n", "{}\n"), true, "line 3: there is more than one JSON value"},
		{"an unknown member", with(3, `{"fact"`, `{"more":1,"fact"`), true, "line 3: it is not JSON of the form"},
		{"nothing on a line", insert(4, "{}\n"), true, "line 4: it is neither"},
		{"an empty line", insert(4, "\n"), true, "line 4: it is not JSON"},
		{"a fact twice", insert(4, lines[2]), true, "line 4: a second application/json of of:null"},
		{"who may use it", insert(4, string(acl)+"\n"), true, "line 4: a file holds no application/acl+json of the space itself"},
		{"a recipe", with(5, `export default 1`, `export default 2`), true, "line 5: recipe " + recipe.ID(source) + " is not what its id says"},
		{"a recipe's name", with(5, `"name":"news.tsx"`, `"name":"../news.tsx"`), true, "line 5: "},
		{"a recipe twice", insert(6, lines[4]), true, "line 6: a second recipe"},
		{"no recipe", without(5), true, "line 5: charm " + charmID + " has the recipe"},
		{"no document of the charm", without(2), true, "line 5: charm " + charmID + " has no document"},
		{"a charm's schedule", with(6, `0 9 * * *`, `0 99 * * *`), true, "line 6: charm " + charmID},
		{"a charm's id", with(6, charmID, "../"+charmID), true, "line 6: charm "},
		{"a charm twice", insert(7, lines[5]), true, "line 7: a second charm"},
		{"an endless timeout", with(6, `"timeoutNs":60000000000`, `"timeoutNs":60000000000000`), true, "line 6: "},
		{"a line less", without(4), false, "line 6: the file has 5 lines before this one and should have 6"},
		{"a setting", with(6, `"priority":3`, `"priority":4`), false, "line 7: the lines before this one do not add up"},
		{"cut at a line", lines[:6], false, "line 7: the file ends before its last line"},
		{"cut within a line", append(slices.Clone(lines[:3]), lines[3][:20]), false, "line 4: it is not JSON"},
		{"more behind the end", append(slices.Clone(lines), lines[1]), false, "line 8: there is something behind the last line"},
		{"deep nesting", with(3, `"is":null`, `"is":`+strings.Repeat("[", 600)+strings.Repeat("]", 600)), true, "line 3: "},
		{"a line without end", []string{lines[0], strings.Repeat("x", mostLine+1)}, false, "line 2 is longer than a document can be"},
	} {
		text := strings.Join(c.lines, "")
		if c.seal {
			text = resealed(c.lines)
		}
		_, err := Read(strings.NewReader(text))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s…", c.name, err, c.want)
		}
		if code := charm.CodeOf(err); code != charm.CodeInvalid && code != charm.CodeTooLarge {
			t.Errorf("%s: code %s", c.name, code)
		}
	}
}

func FuzzRead(f *testing.F) {
	whole := exported(f)
	f.Add([]byte(whole))
	f.Add([]byte(whole[:len(whole)/2]))
	f.Add([]byte(resealed(slices.Collect(strings.Lines(whole)))))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Read(bytes.NewReader(text))
		if err != nil {
			if code := charm.CodeOf(err); code != charm.CodeInvalid && code != charm.CodeTooLarge {
				t.Errorf("code %s: %v", code, err)
			}
			return
		}
		for _, fact := range file.Facts {
			if memory.Reference(fact.Fact, fact.Value, fact.Is == nil) != merkle.Ref(fact.Ref) {
				t.Errorf("a fact of %s was taken that is not what its reference says", fact.Of)
			}
		}
	})
}
