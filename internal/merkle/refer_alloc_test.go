//go:build !race

package merkle

import "testing"

// The race detector allocates on its own account.
func TestReferDoesNotAllocate(t *testing.T) {
	v := parseJSON(t, `{"value":{"a":[1,2.5,"text",null,true],"b":{"c":-70000}}}`)
	Refer(v)
	if n := testing.AllocsPerRun(100, func() { Refer(v) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
