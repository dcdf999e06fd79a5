package prelude_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What zod and zod-to-json-schema, both of version 3.24.1, make of an expression.
func TestSchemasOfZodAreThoseOfThePackages(t *testing.T) {
	t.Parallel()
	var recorded map[string]any
	check(t, json.Unmarshal([]byte(read(t, "testdata/zod.json")), &recorded))
	var made strings.Builder
	for expression := range recorded {
		fmt.Fprintf(&made, "out[%q] = %s;\n", expression, expression)
	}
	m := load(t, imports+libraries+`const out: Record<string, any> = {};
		`+made.String()+`
		const described = (s: any) => { if (!(s instanceof (z as any).ZodType)) return s; const { $schema, ...rest } = zodToJsonSchema(s) as any; return rest; };
		export default recipe("x", () => ({ out: lift(() => Object.fromEntries(Object.entries(out).map(([name, s]) => [name, described(s)])))(1) }));`, newHost())
	if !m.loaded.OK {
		t.Fatalf("loading: %+v", m.loaded.Error)
	}
	m.cast(t, "library", nil)
	got, _ := m.live(t, processID("library"), []string{"internal", "out"})
	schemas, _ := got.(map[string]any)
	for expression, want := range recorded {
		if diff := cmp.Diff(want, schemas[expression]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", expression, diff)
		}
	}
}
