package merkle

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"charmd/internal/jsontext"
)

// vectorFile is the format of vectors recorded from merkle-reference.
type vectorFile struct {
	Tags       map[string]string `json:"tag_digests"`
	Header     string            `json:"header_hex"`
	Vectors    []vector          `json:"vectors"`
	FromString []map[string]any  `json:"fromString"`
	FromJSON   []fromJSON        `json:"fromJSON"`
}

type fromJSON struct {
	Input  json.RawMessage `json:"input"`
	Result json.RawMessage `json:"fromJSON"`
}

// vector describes one value in one of several ways, and its reference.
type vector struct {
	Name, Note string
	Digest     string `json:"digest_hex"`
	String     string `json:"string"`
	Link       string `json:"json_link"`
	Error      string `json:"error"`

	JSON        json.RawMessage `json:"json"`
	JSONText    *string         `json:"json_text"`
	Special     *string         `json:"special"`
	BigInt      json.RawMessage `json:"bigint"`
	Bytes       *string         `json:"bytes_hex"`
	ListOfBytes []string        `json:"list_of_bytes_hex"`
	Set         json.RawMessage `json:"js_set"`
	Shape       json.RawMessage `json:"shape"`
}

// vectorPath is the file CHARMD_VECTORS names, or the recorded one. A relative
// name may also start at the root of the module, where go test is called.
func vectorPath() string {
	path := os.Getenv("CHARMD_VECTORS")
	if path == "" {
		return filepath.Join("testdata", "merkle.json")
	}
	if _, err := os.Stat(path); err != nil && !filepath.IsAbs(path) {
		return filepath.Join("..", "..", path)
	}
	return path
}

// TestVectors runs every vector of a file; see vectorPath.
func TestVectors(t *testing.T) {
	t.Parallel()
	path := vectorPath()
	var file vectorFile
	readJSON(t, path, &file)
	if len(file.Vectors) == 0 && len(file.FromString) == 0 {
		t.Fatalf("%s has no vectors", path)
	}
	t.Run("header", func(t *testing.T) {
		if file.Header != "" && file.Header != hex.EncodeToString([]byte(header)) {
			t.Errorf("header is %x, want %s", header, file.Header)
		}
	})
	tags := map[string]tag{
		"null": tagNull, "boolean/byte": tagBoolean, "integer/leb128": tagInteger, "float/double-precision": tagFloat,
		"string/utf-8": tagString, "bytes/raw": tagBytes, "list/item/ref-tree": tagList, "map/k+v/ref-tree": tagMap,
	}
	for name, want := range file.Tags {
		t.Run("tag "+name, func(t *testing.T) {
			got, known := tags[strings.TrimPrefix(name, "merkle-structure:")]
			if !known || hex.EncodeToString(got[:]) != want {
				t.Errorf("got %x (known: %v), want %s", got, known, want)
			}
		})
	}
	for _, v := range file.Vectors {
		t.Run(v.Name, v.test)
	}
	for _, entry := range file.FromString {
		t.Run(fmt.Sprintf("fromString %v", entry["input"]), func(t *testing.T) { testFromString(t, entry) })
	}
	for _, entry := range file.FromJSON {
		t.Run("fromJSON "+string(entry.Input), entry.test)
	}
}

func (v vector) test(t *testing.T) {
	if v.Error != "" {
		v.testRefused(t)
		return
	}
	got, ok := v.refer(t)
	if !ok {
		t.Skipf("nothing here describes the value: %s", v.Note)
	}
	if v.Digest == "" && v.String == "" && v.Link == "" {
		t.Fatal("the vector has no expectation")
	}
	for _, form := range []struct{ name, got, want string }{
		{"digest", hex.EncodeToString(got[:]), v.Digest},
		{"string form", got.String(), v.String},
		{"link form", got.Link(), v.Link},
	} {
		if form.want != "" && form.got != form.want {
			t.Errorf("%s\n got %s\nwant %s", form.name, form.got, form.want)
		}
	}
	if back, err := ParseString(got.String()); err != nil || back != got {
		t.Errorf("string form reads back as %v, %v", back, err)
	}
	if back, err := ParseLink(got.Link()); err != nil || back != got {
		t.Errorf("link form reads back as %v, %v", back, err)
	}
}

// undefined stands for the values of JavaScript that have no reference.
type undefined struct{}

// testRefused is for values the original throws at: there is no such JSON.
func (v vector) testRefused(t *testing.T) {
	var value any = undefined{}
	if strings.Contains(v.Note, "{") {
		o := jsontext.NewObject()
		o.Set("a", value)
		value = o
	} else if strings.Contains(v.Note, "[") {
		value = []any{value}
	}
	defer func() {
		if recover() == nil {
			t.Errorf("no panic, want %s", v.Error)
		}
	}()
	Refer(value)
}

// refer finds how the value is described and refers to it.
func (v vector) refer(t *testing.T) (Ref, bool) {
	switch {
	case v.JSON != nil:
		text := string(v.JSON)
		ref, err := ReferText(text)
		if err != nil {
			t.Fatal(err)
		}
		if direct := Refer(parseJSON(t, text)); direct != ref {
			t.Errorf("ReferText says %v, Refer %v", ref, direct)
		}
		return ref, true
	case v.JSONText != nil:
		return Refer(parseJSON(t, *v.JSONText)), true
	case v.Special != nil:
		f, ok := map[string]float64{"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1), "-0": math.Copysign(0, -1)}[*v.Special]
		if !ok {
			t.Fatalf("unknown special value %s", *v.Special)
		}
		return Refer(f), true
	case v.BigInt != nil:
		digits := strings.TrimSuffix(strings.Trim(string(v.BigInt), `"`), "n")
		i, ok := new(big.Int).SetString(digits, 0)
		if !ok {
			t.Fatalf("%s is no integer", v.BigInt)
		}
		return Refer(i), true
	case v.Bytes != nil:
		return Refer(unhex(t, *v.Bytes)), true
	case v.ListOfBytes != nil:
		var list []any
		for _, s := range v.ListOfBytes {
			list = append(list, unhex(t, s))
		}
		return Refer(list), true
	case v.Set != nil:
		return referSet(parseJSON(t, string(v.Set)).([]any)), true
	case v.Shape != nil:
		return Refer(withReferences(parseJSON(t, string(v.Shape)))), true
	case strings.Contains(v.Note, "Date"):
		return Refer(jsontext.NewObject()), true // it has no keys of its own
	}
	return Ref{}, false
}

// withReferences replaces {"$reference_to": v} by a real reference to v.
func withReferences(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = withReferences(v[i])
		}
	case *jsontext.Object:
		if target, ok := v.Get("$reference_to"); ok && v.Len() == 1 {
			return Refer(withReferences(target))
		}
		for _, key := range v.Keys() {
			member, _ := v.Get(key)
			v.Set(key, withReferences(member))
		}
	}
	return v
}

// referSet hashes a JavaScript Set: a map of member to true, where members
// that are no strings are sorted by their digests.
func referSet(members []any) Ref {
	type entry struct {
		order []byte
		pair  Ref
	}
	var entries []entry
	for _, m := range members {
		ref := Refer(m)
		e := entry{ref[:], join(ref, refTrue)}
		if s, ok := m.(string); ok {
			e.order = []byte(jsontext.WellFormed(s))
		}
		entries = append(entries, e)
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return bytes.Compare(a.order, b.order) })
	if len(entries) == 0 {
		return emptyMap
	}
	var pairs []Ref
	for _, e := range entries {
		pairs = append(pairs, e.pair)
	}
	return join(tagMap, fold(pairs))
}

func testFromString(t *testing.T, entry map[string]any) {
	input, _ := entry["input"].(string)
	want, _ := entry["fromString"].(string)
	ref, err := ParseString(input)
	if strings.HasPrefix(want, "ERROR") {
		if err == nil {
			t.Errorf("read as %s, want %s", ref, want)
		}
		return
	}
	if err != nil || ref.String() != want {
		t.Errorf("got %s, %v; want %s", ref, err, want)
	}
}

func (e fromJSON) test(t *testing.T) {
	link := func(raw json.RawMessage) string {
		v := parseJSON(t, string(raw))
		if o, ok := v.(*jsontext.Object); ok {
			v, _ = o.Get("/")
		}
		s, _ := v.(string)
		return s
	}
	ref, err := ParseLink(link(e.Input))
	want := link(e.Result)
	if strings.HasPrefix(want, "ERROR") {
		if err == nil {
			t.Errorf("read as %s, want %s", ref, want)
		}
		return
	}
	if err != nil || want != ref.String() && want != ref.Link() {
		t.Errorf("got %s, %v; want %s", ref, err, want)
	}
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func parseJSON(t testing.TB, text string) any {
	t.Helper()
	v, err := jsontext.Parse([]byte(text), jsontext.DefaultLimits)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
