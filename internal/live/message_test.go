package live

import (
	"strings"
	"testing"

	"charmd/internal/charm"
)

const someID = "01JDKQ3V8T6Z7X5W4V3B2N1M0Q"

func TestDecode(t *testing.T) {
	t.Parallel()
	m, err := decode([]byte(`{"id":"` + someID + `","node":"n","event":"click","value":{"type":"click"}}`))
	if err != nil || m.id != someID || m.node != "n" || m.event != "click" || m.set != "" || string(m.value) != `{"type":"click"}` {
		t.Errorf("an event is read as %+v (%v)", m, err)
	}
	m, err = decode([]byte(`{"value":null,"set":"value","node":"n","id":"` + someID + `"}`))
	if err != nil || m.set != "value" || string(m.value) != "null" {
		t.Errorf("a write is read as %+v (%v)", m, err)
	}
	for _, text := range []string{
		``, `[]`, `{`, `{}`, `null`, `"x"`,
		`{"id":"` + someID + `","node":"n","event":"click"}`,
		`{"id":"` + someID + `","node":"n","event":"click","set":"value","value":1}`,
		`{"id":"` + someID + `","node":"","event":"click","value":1}`,
		`{"id":"` + someID + `","node":"n","event":5,"value":1}`,
		`{"id":"` + someID + `","node":"n","event":"click","value":1,"more":1}`,
		`{"id":"` + someID[1:] + `","node":"n","event":"click","value":1}`,
		`{"id":"` + someID[1:] + `U","node":"n","event":"click","value":1}`,
		`{"id":"` + someID + `","node":"` + strings.Repeat("n", mostOfName+1) + `","event":"click","value":1}`,
		`{"id":"` + someID + `","node":"n","event":"click","value":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
		`{"id":"` + someID + `","node":"n","event":"click","value":"` + strings.Repeat("x", MaxMessageBytes) + `"}`,
	} {
		if m, err := decode([]byte(text)); charm.CodeOf(err) != charm.CodeInvalid {
			t.Errorf("%.80s is read as %+v (%v)", text, m, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"id":"` + someID + `","node":"n","event":"click","value":{"type":"click"}}`))
	f.Add([]byte(`{"id":"` + someID + `","node":"n","set":"value","value":[1,null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decode(data)
		if err == nil && (len(m.id) != len(someID) || m.node == "" || (m.event == "") == (m.set == "") || m.value == nil) {
			t.Errorf("%q is read as %+v", data, m)
		}
	})
}
