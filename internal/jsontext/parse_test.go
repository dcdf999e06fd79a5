package jsontext

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
)

func mustParse(t testing.TB, text string) any {
	t.Helper()
	v, err := Parse([]byte(text), Limits{})
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	return v
}

// What goes in on the left is printed on the right, as JSON.stringify(JSON.parse(x)) does.
var reprinted = []struct{ name, in, out string }{
	{"scalars", ` [ null , true,false ] `, `[null,true,false]`},
	{"white space", "\t\r\n {\n\"a\" : [ ] , \"b\":{ } }\n", `{"a":[],"b":{}}`},

	{"insertion order", `{"b":1,"a":2}`, `{"b":1,"a":2}`},
	{"indices first, ascending", `{"b":1,"10":2,"9":3,"a":4,"0":5}`, `{"0":5,"9":3,"10":2,"b":1,"a":4}`},
	{"what is no index", `{"01":1,"-1":2,"1.5":3,"4294967295":4,"4294967294":5,"99999999999":6,"1e3":7,"":8}`,
		`{"4294967294":5,"01":1,"-1":2,"1.5":3,"4294967295":4,"99999999999":6,"1e3":7,"":8}`},
	{"duplicate: first place, last value", `{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
	{"duplicate index", `{"7":1,"3":2,"7":3,"x":0,"3":4}`, `{"3":4,"7":3,"x":0}`},
	{"__proto__ is a key like any", `{"__proto__":{"a":1}}`, `{"__proto__":{"a":1}}`},

	{"numbers become doubles", `[1.0,1e3,9007199254740993,-0,-0.0,0.1e1]`, `[1,1000,9007199254740992,0,0,1]`},
	{"large and small", `[1e20,1e21,123456789012345680000,1.5e300,1e-6,1e-7,1.25e-10,1e100]`,
		`[100000000000000000000,1e+21,123456789012345680000,1.5e+300,0.000001,1e-7,1.25e-10,1e+100]`},
	{"shortest digits", `[0.1,0.30000000000000004,5e-324,1.7976931348623157e308,-1.5]`,
		`[0.1,0.30000000000000004,5e-324,1.7976931348623157e+308,-1.5]`},
	{"fifteen digits and more", `[999999999999999,1234567890123456,-123456789012345678]`,
		`[999999999999999,1234567890123456,-123456789012345680]`},
	{"beyond a double", `[1e400,-1e400,1e-400]`, `[null,null,0]`},

	{"escapes", `"\"\\\/\b\f\n\r\t\u0000\u001f\u007f"`, `"\"\\/\b\f\n\r\t\u0000\u001f` + "\x7f" + `"`},
	{"printed raw", `"<>&\u2028\u2029é😀\u00e9\uD83D\uDE00"`, "\"<>&\u2028\u2029é😀é😀\""},
	{"lone surrogates", `["\ud800","\uDC00x","\ud83d\ud83d\ude00","\udfff\ud800","\uD83D\n"]`,
		`["\ud800","\udc00x","\ud83d😀","\udfff\ud800","\ud83d\n"]`},
	{"lone surrogate as key", `{"\ud800":1,"\ud800":2}`, `{"\ud800":2}`},
	{"U+FFFD is a character", `"\ufffd�"`, `"��"`},
}

func TestParseReprints(t *testing.T) {
	t.Parallel()
	for _, tt := range reprinted {
		t.Run(tt.name, func(t *testing.T) {
			if got := Text(mustParse(t, tt.in)); got != tt.out {
				t.Errorf("%s\n got %s\nwant %s", tt.in, got, tt.out)
			}
			if got := Text(mustParse(t, tt.out)); got != tt.out {
				t.Errorf("%s prints again as %s", tt.out, got)
			}
		})
	}
}

func TestParseValues(t *testing.T) {
	t.Parallel()
	v := mustParse(t, `{"s":"x","n":255,"m":256,"f":1.5,"z":-0,"i":1e999,"t":true,"l":[null]}`).(*Object)
	for key, want := range map[string]any{"s": "x", "n": 255.0, "m": 256.0, "f": 1.5, "t": true, "i": math.Inf(1)} {
		if got, ok := v.Get(key); !ok || got != want {
			t.Errorf("%s = %#v, want %#v", key, got, want)
		}
	}
	if z, _ := v.Get("z"); !math.Signbit(z.(float64)) {
		t.Error("-0 lost its sign in memory")
	}
	if l, _ := v.Get("l"); len(l.([]any)) != 1 || l.([]any)[0] != nil {
		t.Errorf("l = %#v", l)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in     string
		offset int
	}{
		{``, 0}, {`   `, 3}, {`nul`, 0}, {`nulll`, 4}, {`True`, 0}, {`undefined`, 0}, {`NaN`, 0}, {`Infinity`, 0},
		{`1 2`, 2}, {`[1,]`, 3}, {`[,1]`, 1}, {`[1 2]`, 3}, {`[1`, 2}, {`[`, 1}, {`]`, 0},
		{`{"a"}`, 4}, {`{"a":}`, 5}, {`{"a":1,}`, 7}, {`{a:1}`, 1}, {`{1:1}`, 1}, {`{"a":1 "b":2}`, 7}, {`{`, 1}, {`{"a`, 3}, {`{"a":1`, 6},
		{`01`, 0}, {`-01`, 1}, {`-`, 1}, {`+1`, 0}, {`.5`, 0}, {`1.`, 2}, {`1.e3`, 2}, {`1e`, 2}, {`1e+`, 3}, {`0x10`, 1}, {`1_000`, 1},
		{`"abc`, 4}, {`"\`, 1}, {`"\x"`, 1}, {`"\u12"`, 1}, {`"\u12g4"`, 1}, {`"\ud800\u12"`, 7}, {"\"a\nb\"", 2}, {"\"\\t\x01\"", 3}, {`"\n`, 3},
		{`'a'`, 0}, {`/**/1`, 0}, {"\ufeff1", 0}, {"\u00a01", 0}, {"[1]\x00", 3},
		{"\"a\xff\"", 2}, {"\"a\\n\xc3\"", 4}, {"\"\xed\xa0\x80\"", 1}, {"\"é\xe9\"", 3},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			v, err := Parse([]byte(tt.in), Limits{})
			var e *Error
			if !errors.As(err, &e) || !errors.Is(err, ErrSyntax) {
				t.Fatalf("got %v, %v; want a syntax error", v, err)
			}
			if e.Offset != tt.offset {
				t.Errorf("offset %d, want %d (%v)", e.Offset, tt.offset, err)
			}
		})
	}
}

func TestParseLimits(t *testing.T) {
	t.Parallel()
	nest := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	objects := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	tests := []struct {
		name string
		in   string
		lim  Limits
		ok   bool
	}{
		{"default depth", nest(512), Limits{}, true},
		{"below default depth", nest(513), Limits{}, false},
		{"objects count", objects(512), Limits{}, true},
		{"objects count too", objects(513), Limits{}, false},
		{"side by side is not deep", `[[[]],[[]],{"a":[]}]`, Limits{Depth: 3}, true},
		{"one too deep", `[[[]],[[[]]]]`, Limits{Depth: 3}, false},
		{"unclosed brackets", strings.Repeat("[", 1<<20), Limits{}, false},
		{"bytes", `"123"`, Limits{Bytes: 5}, true},
		{"one byte too many", `"1234"`, Limits{Bytes: 5}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.in), tt.lim)
			if tt.ok && err != nil {
				t.Error(err)
			}
			if !tt.ok && (!errors.Is(err, ErrLimit) || errors.Is(err, ErrSyntax)) {
				t.Errorf("error %v, want a limit", err)
			}
		})
	}
}

func TestErrorSaysWhere(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte(`{"a":1,}`), Limits{})
	want := `not valid JSON at byte 7: '}' where a key should be`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestParsedStringsDoNotAliasTheInput(t *testing.T) {
	t.Parallel()
	for _, pad := range []int{0, 2 * sharedBytes} {
		data := []byte(`{"key":"value"` + strings.Repeat(" ", pad) + `}`)
		v, err := Parse(data, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		clear(data)
		if got := Text(v); got != `{"key":"value"}` {
			t.Errorf("after the input was reused: %s", got)
		}
	}
}

// Object-heavy hostile texts must not cost quadratic time.
func TestParseManyKeys(t *testing.T) {
	t.Parallel()
	const n = 100_000
	var b []byte
	b = append(b, '{')
	for i := n; i > 0; i-- {
		b = append(appendNumber(append(b, '"'), float64(i)), `":0,"k`...)
		b = append(appendNumber(b, float64(i%(n/2))), `":1,`...)
	}
	b[len(b)-1] = '}'
	o := mustParse(t, string(b)).(*Object)
	if o.Len() != n+n/2 {
		t.Errorf("%d keys", o.Len())
	}
	if keys := o.Keys(); keys[0] != "1" || keys[n-1] != "100000" || keys[n] != "k0" {
		t.Errorf("order: %s … %s, %s", keys[0], keys[n-1], keys[n])
	}
}

func FuzzParse(f *testing.F) {
	for _, tt := range reprinted {
		f.Add([]byte(tt.in))
	}
	for _, s := range []string{`[`, `{"a":1e5}`, `"\ud800`, "\"\xff\"", `-`, `1E+2`, "[1,\x002]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Parse(data, Limits{Bytes: 1 << 16})
		if err != nil {
			if e := (*Error)(nil); !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(data) {
				t.Fatalf("odd error %#v", err)
			}
			// What we alone refuse is depth, size and bytes that are not UTF-8.
			if errors.Is(err, ErrSyntax) && json.Valid(data) && !strings.Contains(err.Error(), "UTF-8") {
				t.Fatalf("encoding/json takes %q, we say %v", data, err)
			}
			return
		}
		if !json.Valid(data) {
			t.Fatalf("encoding/json refuses %q, we do not", data)
		}
		text := Append(nil, v)
		if !json.Valid(text) {
			t.Fatalf("%q is printed as %q", data, text)
		}
		again, err := Parse(text, Limits{})
		if err != nil {
			t.Fatalf("our own text %q: %v", text, err)
		}
		if second := Text(again); second != string(text) {
			t.Fatalf("%q prints again as %q", text, second)
		}
		if !Equal(v, Clone(v)) {
			t.Fatalf("%q does not equal its clone", data)
		}
	})
}
