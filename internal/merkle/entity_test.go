package merkle

import (
	"testing"

	"charmd/internal/jsontext"
)

func TestKnownDocuments(t *testing.T) {
	t.Parallel()
	for link, ref := range map[string]Ref{
		"baedreiahv63wxwgaem4hzjkizl4qncfgvca7pj5cvdon7cukumfon3ioye": Charms,
		"baedreihxpwcmhvzpf5weuf4ceow4zbahqikvu5ploox36ipeuvqnminyba": Pinned,
		"baedreigb3kqsugoj2in6ptdoyffuahncp6ezjljg5p2yonmfdjir5kxbem": Trash,
		"baedreiew6ioyvfnvp2bdvmgkkz64ffk6gssvgmibh7yaw43yqhtv2nq75a": BackgroundRegistry,
	} {
		if ref.Link() != link {
			t.Errorf("got %s, want %s", ref.Link(), link)
		}
	}
}

// Every case says what an id must be equal to when nothing more is cleaned up.
func TestEntityIDCleansUp(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, source, cause, hashed string }{
		{"no value", `null`, `"c"`, `{"causal":"c"}`},
		{"array: indices are keys", `["a","b"]`, `"c"`, `{"0":"a","1":"b","causal":"c"}`},
		{"string", `"v"`, `"c"`, `{"value":"v","causal":"c"}`},
		{"number", `0`, `"c"`, `{"value":0,"causal":"c"}`},
		{"repeated string", `{"a":"x","b":"x"}`, `"c"`, `{"a":"x","b":null,"causal":"c"}`},
		{"repeated number", `{"a":0,"b":-0,"d":1.0,"e":1}`, `"c"`, `{"a":0,"b":null,"d":1,"e":null,"causal":"c"}`},
		{"repeated boolean", `{"a":true,"b":false,"d":true}`, `"c"`, `{"a":true,"b":false,"d":null,"causal":"c"}`},
		{"depth first, in key order", `{"b":{"x":"v"},"a":"v"}`, `["v"]`, `{"b":{"x":"v"},"a":null,"causal":[null]}`},
		{"indices come first", `{"b":"v","1":"v"}`, `"c"`, `{"1":"v","b":null,"causal":"c"}`},
		{"equal objects are two", `{"a":{},"b":{},"d":[],"e":[]}`, `"c"`, `{"a":{},"b":{},"d":[],"e":[],"causal":"c"}`},
		{"equal arrays are two", `{"a":[1],"b":[2]}`, `"c"`, `{"a":[1],"b":[2],"causal":"c"}`},
		{"ids stay as they are", `{"a":{"/":"x","y":"x"},"b":"x"}`, `{"/":"x"}`, `{"a":{"/":"x","y":"x"},"b":"x","causal":{"/":"x"}}`},
		{"a source that is an id", `{"/":"x","b":"x"}`, `"x"`, `{"/":"x","b":"x","causal":"x"}`},
		{"causal of the source is replaced", `{"causal":"old","a":"c"}`, `"c"`, `{"causal":"c","a":null}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			source := parseJSON(t, tt.source)
			got := EntityID(source, parseJSON(t, tt.cause))
			if want := Refer(parseJSON(t, tt.hashed)); got != want {
				t.Errorf("got %s, want that of %s", got, tt.hashed)
			}
			if !jsontext.Equal(source, parseJSON(t, tt.source)) {
				t.Errorf("the source was changed to %s", jsontext.Text(source))
			}
		})
	}
}

func TestEntityIDKnowsValuesOfGo(t *testing.T) {
	t.Parallel()
	shared, list := jsontext.NewObject(), []any{"l"}
	source := jsontext.NewObject()
	for key, v := range map[string]any{"a": shared, "b": list, "n": 1} {
		source.Set(key, v)
	}
	cause := []any{shared, list, 1.0, int64(1), []byte("b"), []byte("b"), Refer("r"), Refer("r")}
	want := Refer([]any{nil, nil, nil, nil, []byte("b"), []byte("b"), "r", "r"})
	plain := jsontext.NewObject()
	for key, v := range map[string]any{"a": shared, "b": list, "n": 1, "causal": want} {
		plain.Set(key, v)
	}
	if got := EntityID(source, cause); got != Refer(plain) {
		t.Errorf("got %s, want %s", got, Refer(plain))
	}
}

func TestUnknownTypesHaveNoReference(t *testing.T) {
	t.Parallel()
	for _, v := range []any{undefined{}, []any{map[string]any{}}, uint(1), &Ref{}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%T has a reference", v)
				}
			}()
			Refer(v)
		}()
	}
	if got := Refer([]any{}); got != emptyList {
		t.Errorf("after a panic [] is %s", got)
	}
}
