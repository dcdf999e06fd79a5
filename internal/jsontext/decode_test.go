package jsontext

import (
	"strings"
	"testing"
)

func TestDepthCountsBracketsOutsideStrings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		max  int
		ok   bool
	}{
		{`[[1]]`, 2, true},
		{`[[1]]`, 1, false},
		{`{"a":"[[[[","b":[1]}`, 2, true},
		{`{"a\"[[[":[1]}`, 2, true},
		{`["\\",["x"]]`, 1, false},
		{`"unfinished \`, 0, true},
		{`[],[],[]`, 1, true},
	}
	for _, tt := range tests {
		if err := CheckDepth([]byte(tt.text), tt.max); (err == nil) != tt.ok {
			t.Errorf("%s to depth %d: %v", tt.text, tt.max, err)
		}
	}
}

// What nests deeper than the limit is refused before encoding/json, whose own is
// 10,000, looks at it.
func TestDecode(t *testing.T) {
	t.Parallel()
	nested := func(n int) []byte {
		return []byte(`{"a":1,"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`)
	}
	var into struct{ A int }
	if err := Decode(nested(DefaultLimits.Depth-1), &into); err != nil || into.A != 1 {
		t.Errorf("as deep as may be: %v, %+v", err, into)
	}
	into.A = 0
	if err := Decode(nested(DefaultLimits.Depth), &into); err == nil || into.A != 0 {
		t.Errorf("deeper: %v, %+v", err, into)
	}
	if err := Decode([]byte("]"), &into); err == nil {
		t.Error("a bracket that closes nothing")
	}
}
