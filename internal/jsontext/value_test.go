package jsontext

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func TestAppendNumber(t *testing.T) {
	t.Parallel()
	tests := []struct {
		f    float64
		want string
	}{
		{0, "0"}, {math.Copysign(0, -1), "0"}, {1, "1"}, {-1, "-1"}, {1.5, "1.5"},
		{1 << 53, "9007199254740992"}, {-(1 << 53), "-9007199254740992"}, {1<<53 - 1, "9007199254740991"},
		{1e20, "100000000000000000000"}, {123456789012345678901, "123456789012345680000"},
		{1e21, "1e+21"}, {-1e21, "-1e+21"}, {1.2e22, "1.2e+22"}, {999999999999999900000, "999999999999999900000"},
		{1e-6, "0.000001"}, {1.5e-6, "0.0000015"}, {1e-7, "1e-7"}, {-1.5e-9, "-1.5e-9"}, {1e-10, "1e-10"}, {1e-100, "1e-100"},
		{5e-324, "5e-324"}, {math.MaxFloat64, "1.7976931348623157e+308"}, {9.5e-7, "9.5e-7"},
		{math.NaN(), "null"}, {math.Inf(1), "null"}, {math.Inf(-1), "null"},
		{float64(math.MinInt64), "-9223372036854776000"}, {float64(math.MaxInt64), "9223372036854776000"},
	}
	for _, tt := range tests {
		if got := Text(tt.f); got != tt.want {
			t.Errorf("%v prints as %s, want %s", tt.f, got, tt.want)
		}
	}
}

func TestAppendTakesIntegers(t *testing.T) {
	t.Parallel()
	if got := Text([]any{5, int64(-6), int64(1<<53 + 1)}); got != "[5,-6,9007199254740992]" {
		t.Error(got)
	}
	if !Equal([]any{5, int64(6)}, []any{5.0, 6}) {
		t.Error("5 and 5.0 differ")
	}
}

func TestAppendStrings(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want, wellFormed string }{
		{"lone surrogate", "a\xed\xa0\x80b", `"a\ud800b"`, "a\ufffdb"},
		{"last surrogate", "\xed\xbf\xbf", `"\udfff"`, "\ufffd"},
		{"halves put together are one character", "\xed\xa0\xbd" + "\xed\xb8\x80", `"😀"`, "😀"},
		{"low before high", "\xed\xb8\x80\xed\xa0\xbd", `"\ude00\ud83d"`, "\ufffd\ufffd"},
		{"bytes that are no text", "\xff\xc3é\xed\xa0", `"��é��"`, "\ufffd\ufffdé\ufffd\ufffd"},
		{"quote after a surrogate", "\xed\xa0\x80\"\n", `"\ud800\"\n"`, "\ufffd\"\n"},
		{"plain", "<&>\u2028", "\"<&>\u2028\"", "<&>\u2028"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Text(tt.in); got != tt.want {
				t.Errorf("printed %s, want %s", got, tt.want)
			}
			if got := WellFormed(tt.in); got != tt.wellFormed {
				t.Errorf("well formed %q, want %q", got, tt.wellFormed)
			}
		})
	}
}

func TestAppendRefusesOtherTypes(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a map was printed")
		}
	}()
	Append(nil, map[string]any{})
}

func TestEqual(t *testing.T) {
	t.Parallel()
	same := [][2]string{
		{`null`, `null`}, {`-0`, `0`}, {`1.0`, `1`}, {`"a"`, `"\u0061"`}, {`[]`, `[ ]`}, {`{}`, `{}`},
		{`{"a":1,"b":[{"c":null}]}`, `{"b":[{"c":null}],"a":1}`},
		{`{"1":1,"a":{}}`, `{"a":{},"1":1}`},
	}
	for _, p := range same {
		if !Equal(mustParse(t, p[0]), mustParse(t, p[1])) {
			t.Errorf("%s and %s differ", p[0], p[1])
		}
	}
	other := [][2]string{
		{`null`, `false`}, {`0`, `"0"`}, {`0`, `null`}, {`1`, `true`}, {`[]`, `{}`}, {`{}`, `[]`}, {`[]`, `null`}, {`null`, `[]`},
		{`null`, `{}`}, {`{}`, `0`}, {`[1]`, `[1,2]`}, {`[1,2]`, `[2,1]`},
		{`{"a":1}`, `{"a":2}`}, {`{"a":1}`, `{"b":1}`}, {`{"a":1}`, `{"a":1,"b":2}`}, {`{"a":null}`, `{"b":null}`},
	}
	for _, p := range other {
		if Equal(mustParse(t, p[0]), mustParse(t, p[1])) {
			t.Errorf("%s and %s are equal", p[0], p[1])
		}
	}
}

func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	const text = `{"1":[1,{"a":"b"}],"x":{"y":[2]}}`
	v := mustParse(t, text).(*Object)
	c := Clone(v).(*Object)
	if !Equal(v, c) {
		t.Fatalf("clone is %s", Text(c))
	}
	list, _ := c.Get("1")
	list.([]any)[0] = "changed"
	list.([]any)[1].(*Object).Set("a", "changed")
	inner, _ := c.Get("x")
	inner.(*Object).Delete("y")
	c.Set("new", 1)
	if got := Text(v); got != text {
		t.Errorf("the original became %s", got)
	}
	if got := Clone((*Object)(nil)); got != (*Object)(nil) {
		t.Errorf("clone of a nil object: %v", got)
	}
}

func TestObjectInsideEncodingJSON(t *testing.T) {
	t.Parallel()
	type envelope struct {
		Is   *Object  `json:"is"`
		None *Object  `json:"none"`
		Null Object   `json:"null"`
		List []Object `json:"list,omitempty"`
	}
	var e envelope
	if err := json.Unmarshal([]byte(`{"is":{"b":1,"a":{"2":0,"1":0}},"none":null,"null":null,"list":[{"z":1}]}`), &e); err != nil {
		t.Fatal(err)
	}
	if got := Text(e.Is); got != `{"b":1,"a":{"1":0,"2":0}}` {
		t.Errorf("is = %s", got)
	}
	if e.None != nil || e.Null.Len() != 0 || Text(&e.List[0]) != `{"z":1}` {
		t.Errorf("%+v", e)
	}
	e.List = nil
	out, err := json.Marshal(&e)
	if err != nil || string(out) != `{"is":{"b":1,"a":{"1":0,"2":0}},"none":null,"null":{}}` {
		t.Errorf("%s %v", out, err)
	}
	for _, bad := range []string{`{"is":[]}`, `{"is":1}`} {
		if err := json.Unmarshal([]byte(bad), &e); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if err := new(Object).UnmarshalJSON([]byte(`{`)); err == nil {
		t.Error("a broken text was taken")
	}
}

// anyJSON draws values of every type, also the odd strings and keys.
func anyJSON() *rapid.Generator[any] {
	text := rapid.OneOf(
		rapid.String(),
		rapid.SampledFrom([]string{"", "0", "7", "10", "007", "4294967294", "4294967295", "\xed\xa0\x80", "a\xed\xbf\xbf", "\u2028", "\x00"}),
	)
	number := rapid.OneOf(
		rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64),
		rapid.Map(rapid.IntRange(-300, 300), func(i int) float64 { return float64(i) }),
		rapid.Map(rapid.Uint64(), func(bits uint64) float64 {
			if f := math.Float64frombits(bits); !math.IsNaN(f) && !math.IsInf(f, 0) {
				return f
			}
			return 0.5
		}),
	)
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		return rapid.Custom(func(t *rapid.T) any {
			switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
			case kind == 0:
				return nil
			case kind == 1:
				return rapid.Bool().Draw(t, "bool")
			case kind == 2 || depth == 0:
				return number.Draw(t, "number")
			case kind == 3:
				return text.Draw(t, "string")
			case kind == 4:
				return rapid.SliceOfN(value(depth-1), 0, 5).Draw(t, "array")
			}
			o := NewObject()
			for _, key := range rapid.SliceOfN(text, 0, 2*linearNames).Draw(t, "keys") {
				o.Set(key, value(depth-1).Draw(t, "value"))
			}
			return o
		})
	}
	return value(3)
}

func TestParseUndoesAppend(t *testing.T) {
	t.Parallel()
	values := anyJSON()
	rapid.Check(t, func(t *rapid.T) {
		v := values.Draw(t, "value")
		text := Append([]byte("x"), v)[1:]
		back, err := Parse(text, Limits{})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if !Equal(v, back) {
			t.Fatalf("%q reads as %q", text, Append(nil, back))
		}
		if again := Text(back); again != string(text) {
			t.Fatalf("%q prints again as %q", text, again)
		}
	})
}

func TestNumbersReadAsEncodingJSONDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
		v, err := Parse([]byte(text), Limits{})
		want, wantErr := strconv.ParseFloat(text, 64)
		if err != nil || wantErr != nil || v != want {
			t.Fatalf("%s reads as %v (%v), want %v", text, v, err, want)
		}
	})
}
