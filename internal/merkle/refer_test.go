package merkle

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"charmd/internal/jsontext"
	"pgregory.net/rapid"
)

// plainRefer is memory spec §2 written down without any of the short cuts.
func plainRefer(v any) []byte {
	hash := func(parts ...[]byte) []byte {
		sum := sha256.Sum256(slices.Concat(parts...))
		return sum[:]
	}
	tag := func(name string) []byte { return hash([]byte("merkle-structure:" + name)) }
	fold := func(leaves [][]byte) []byte {
		if len(leaves) == 0 {
			return hash()
		}
		for len(leaves) > 1 {
			var above [][]byte
			for pair := range slices.Chunk(leaves, 2) {
				if len(pair) == 2 {
					pair = [][]byte{hash(pair...)}
				}
				above = append(above, pair[0])
			}
			leaves = above
		}
		return leaves[0]
	}
	switch v := v.(type) {
	case nil:
		return hash(tag("null"))
	case bool:
		if v {
			return hash(tag("boolean/byte"), []byte{1})
		}
		return hash(tag("boolean/byte"), []byte{0})
	case string:
		return hash(tag("string/utf-8"), []byte(v))
	case float64:
		if v != math.Trunc(v) {
			return hash(tag("float/double-precision"), binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
		}
		i, _ := big.NewFloat(v).Int(nil)
		var leb []byte
		for {
			low := new(big.Int).Mod(i, big.NewInt(128)).Uint64()
			i.Div(new(big.Int).Sub(i, new(big.Int).SetUint64(low)), big.NewInt(128))
			if i.Sign() == 0 && low < 64 || i.Cmp(big.NewInt(-1)) == 0 && low >= 64 {
				return hash(tag("integer/leb128"), append(leb, byte(low)))
			}
			leb = append(leb, byte(low)|0x80)
		}
	case []any:
		var leaves [][]byte
		for _, e := range v {
			leaves = append(leaves, plainRefer(e))
		}
		return hash(tag("list/item/ref-tree"), fold(leaves))
	case *jsontext.Object:
		var leaves [][]byte
		for _, key := range slices.Sorted(slices.Values(v.Keys())) {
			member, _ := v.Get(key)
			leaves = append(leaves, hash(plainRefer(key), plainRefer(member)))
		}
		return hash(tag("map/k+v/ref-tree"), fold(leaves))
	}
	panic("not JSON")
}

func jsonValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kind := rapid.IntRange(0, 6).Draw(t, "kind")
		if depth == 0 && kind > 4 {
			kind -= 5
		}
		switch kind {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64).Draw(t, "float")
		case 3:
			return float64(rapid.Int64().Draw(t, "integer"))
		case 4:
			return rapid.StringN(0, -1, 300).Draw(t, "string")
		case 5:
			return rapid.SliceOfN(jsonValue(depth-1), 0, 9).Draw(t, "list")
		}
		o := jsontext.NewObject()
		for _, key := range rapid.SliceOfN(rapid.StringN(0, -1, 80), 0, 9).Draw(t, "keys") {
			o.Set(key, jsonValue(depth-1).Draw(t, "value"))
		}
		return o
	})
}

func TestReferAgainstTheDefinition(t *testing.T) {
	t.Parallel()
	values := jsonValue(3)
	rapid.Check(t, func(t *rapid.T) {
		v := values.Draw(t, "value")
		got := Refer(v)
		if want := Ref(plainRefer(v)); got != want {
			t.Fatalf("got %s, want %s for %s", got, want, jsontext.Text(v))
		}
		if fromText, err := ReferText(jsontext.Text(v)); err != nil || fromText != got {
			t.Fatalf("from its text %s, %v, want %s", fromText, err, got)
		}
	})
}

func TestComposition(t *testing.T) {
	t.Parallel()
	values := jsonValue(2)
	rapid.Check(t, func(t *rapid.T) {
		o, list := jsontext.NewObject(), []any{}
		var entries []Entry
		var refs []Ref
		for i := range rapid.IntRange(0, 12).Draw(t, "n") {
			v := values.Draw(t, "value")
			key := strconv.Itoa(i) + rapid.String().Draw(t, "key")
			o.Set(key, v)
			list = append(list, v)
			entries = append(entries, Entry{key, Refer(v)})
			refs = append(refs, Refer(v))
		}
		if got, want := ReferList(refs...), Refer(list); got != want {
			t.Fatalf("list %s, want %s", got, want)
		}
		given := rapid.Permutation(entries).Draw(t, "order")
		kept := slices.Clone(given)
		if got, want := ReferMap(given...), Refer(o); got != want {
			t.Fatalf("map %s, want %s", got, want)
		}
		if !slices.Equal(given, kept) {
			t.Fatal("ReferMap changed its arguments")
		}
	})
}

func TestReferEquals(t *testing.T) {
	t.Parallel()
	big1, _ := new(big.Int).SetString("100000000000000000000", 10)
	tests := []struct {
		name string
		a, b any
	}{
		{"int", 300, 300.0},
		{"int64", int64(-129), -129.0},
		{"small big integer", big.NewInt(-65), -65.0},
		{"big integer and the double of its value", big1, 1e20},
		{"2^63", new(big.Int).Lsh(big.NewInt(1), 63), math.Ldexp(1, 63)},
		{"-2^63", int64(math.MinInt64), -math.Ldexp(1, 63)},
		{"-2^64", new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 64)), -math.Ldexp(1, 64)},
		{"-0", math.Copysign(0, -1), 0},
		{"any NaN", math.Float64frombits(0xfff8000000000001), math.NaN()},
		{"reference in a list", []any{Refer("x")}, []any{"x"}},
		{"lone surrogate", "a\xed\xa0\x80", "a\ufffd"},
		{"surrogates that meet", "\xed\xa0\xbd\xed\xb8\x80", "😀"},
		{"nil object", (*jsontext.Object)(nil), nil},
		{"bytes are not text", []byte(nil), []byte{}},
	}
	for _, tt := range tests {
		if a, b := Refer(tt.a), Refer(tt.b); a != b {
			t.Errorf("%s: %s and %s", tt.name, a, b)
		}
	}
	if Refer("ab") == Refer([]byte("ab")) || Refer(nil) == Refer(false) || Refer([]any{}) == Refer(jsontext.NewObject()) {
		t.Error("types do not count")
	}
}

// Where the content of a leaf no longer fits the stack buffer.
func TestLongStrings(t *testing.T) {
	t.Parallel()
	for n := shortLeaf - 2; n <= shortLeaf+2; n++ {
		s := strings.Repeat("x", n)
		if got, want := Refer(s), Ref(plainRefer(s)); got != want {
			t.Errorf("%d bytes: %s, want %s", n, got, want)
		}
		if tagString != newTag("string/utf-8") {
			t.Fatal("the tag was overwritten")
		}
	}
}

// Keys that become equal in UTF-8 keep their order, so the hash stays stable.
func TestKeysEqualInUTF8(t *testing.T) {
	t.Parallel()
	a := parseJSON(t, `{"\ud800":1,"\ud801":2}`)
	b := parseJSON(t, `{"\ud801":2,"\ud800":1}`)
	if Refer(a) == Refer(b) {
		t.Error("order does not count although the keys are the same")
	}
	if Refer(a) != Refer(parseJSON(t, `{"\udfff":1,"\udffe":2}`)) {
		t.Error("lone surrogates must hash alike")
	}
}

func TestReferText(t *testing.T) {
	t.Parallel()
	ref := Refer("x")
	real := `{"/ref":"` + ref.Link() + `"}`
	if got, err := ReferText(`{"cause":` + real + `,"l":[` + real + `]}`); err != nil || got != Refer(parseJSON(t, `{"cause":"x","l":["x"]}`)) {
		t.Errorf("a reference inside: %s, %v", got, err)
	}
	for _, plain := range []string{
		`{"/":"` + ref.Link() + `"}`, `{"/ref":"` + ref.Link() + `","a":1}`, `{"/ref":"` + ref.String() + `"}`,
		`{"/ref":5}`, `{"/ref":"hello"}`, `{"ref":"` + ref.Link() + `"}`,
	} {
		if got, err := ReferText(plain); err != nil || got != Refer(parseJSON(t, plain)) {
			t.Errorf("%s: %s, %v", plain, got, err)
		}
	}
	for _, bad := range []string{``, `{`, strings.Repeat("[", 1000), `undefined`} {
		if _, err := ReferText(bad); err == nil {
			t.Errorf("%.20q was taken", bad)
		}
	}
}

func TestManyGoroutinesShareTheKeys(t *testing.T) {
	t.Parallel()
	o := jsontext.NewObject()
	for i := range 3 * len(knownKeys) {
		o.Set("key"+strconv.Itoa(i), i)
	}
	want := Ref(plainRefer(parseJSON(t, jsontext.Text(o))))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got := Refer(o); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	wg.Wait()
}

func FuzzReferText(f *testing.F) {
	for _, s := range []string{`null`, `{"/ref":"` + Refer("x").Link() + `"}`, `[1,-0,1e300,"\ud800"]`, `{"b":1,"a":{}}`, `{"\ud800":1,"\ud801":[]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := ReferText(s)
		if err != nil {
			return
		}
		v := parseJSON(t, s)
		text := jsontext.Text(v)
		if !jsontext.Equal(v, parseJSON(t, text)) {
			return // an infinity, which is printed as null
		}
		if again, err := ReferText(text); err != nil || again != ref {
			t.Errorf("%q refers to %s, printed again to %s, %v", s, ref, again, err)
		}
	})
}

func BenchmarkRefer(b *testing.B) {
	v := parseJSON(b, `{"value":{"$TYPE":"ba4jcacxkko26f6p7vjjt5pcjdpx5qwhjvw2zpuz7macq5efzs4j2ucvc","resultRef":{"cell":{"/":"baedreibrqhklveh36rz75wxgacpmv6nb4euf32zphgttbkyrfe3x4faxa4"},"path":[]},"internal":{"bgUpdater":{"$stream":true},"count":41},"argument":{"url":"https://example.org/feed.xml","limit":100}}}`)
	b.ReportAllocs()
	for b.Loop() {
		Refer(v)
	}
}

func BenchmarkEntityID(b *testing.B) {
	charm := Refer("charm")
	b.ReportAllocs()
	for b.Loop() {
		ProcessID(charm)
	}
}
