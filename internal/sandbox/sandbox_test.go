package sandbox

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReportsAreReadStrictly(t *testing.T) {
	t.Parallel()
	layer := `{"state":"off","reason":"r"}`
	good := `{"namespaces":` + layer + `,"landlock":{"state":"unavailable"},"seccomp":` + layer + `,"rlimits":{"state":"on"}}`
	got, err := Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	want := Report{Namespaces: Layer{Off, "r"}, Landlock: Layer{Unavailable, ""}, Seccomp: Layer{Off, "r"}, Rlimits: Layer{State: On}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{
		"", "{}", "null", "[]", strings.Replace(good, "off", "fine", 1), strings.Replace(good, "landlock", "moat", 1), strings.Replace(good, "landlock", "cgroup", 1),
	} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"namespaces":{"state":"on"},"rlimits":{"state":"off","reason":"x"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := Parse(text); err == nil && r.Rlimits.State == "" {
			t.Error("a layer without a state")
		}
	})
}
