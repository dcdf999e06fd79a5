package trial

import (
	"encoding/json"
	"testing"
)

func TestUnmetExpectations(t *testing.T) {
	t.Parallel()
	result := json.RawMessage(`{"n":1.0,"list":[{"a":"x"},null],"o":{"b":true}}`)
	for _, c := range []struct {
		path, want string
		met        bool
		got        string
	}{
		{"n", "1", true, ""},
		{"list/0/a", `"x"`, true, ""},
		{"list.0.a", `"y"`, false, `"x"`},
		{"list/1", "null", true, ""},
		{"list/2", "null", false, ""},
		{"list/-1", "null", false, ""},
		{"list/a", "null", false, ""},
		{"o", `{"b":true}`, true, ""},
		{"o/b/c", "1", false, ""},
		{"missing", "1", false, ""},
		{"", `{"o":{"b":true},"list":[{"a":"x"},null],"n":1}`, true, ""},
	} {
		unmet, err := Unmet(result, []Expectation{{c.path, json.RawMessage(c.want)}})
		if err != nil || (len(unmet) == 0) != c.met || !c.met && string(unmet[0].Got) != c.got {
			t.Errorf("%s=%s: %+v, %v", c.path, c.want, unmet, err)
		}
	}
	if unmet, err := Unmet(nil, []Expectation{{"a", json.RawMessage("1")}}); err != nil || len(unmet) != 1 {
		t.Errorf("without a result: %+v, %v", unmet, err)
	}
	if _, err := Unmet(result, []Expectation{{"a", json.RawMessage("nonsense")}}); err == nil {
		t.Error("nonsense is expected")
	}
}
