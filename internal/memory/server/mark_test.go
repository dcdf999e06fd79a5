package server_test

import (
	"fmt"
	"testing"

	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/memory/frames"
	"charmd/internal/merkle"
)

// Two runs that count from 5 to 6 make the same fact of the document. The second is
// no replay of the first: each has a mark of its own, and only one of them counts.
func TestTransactionsWithARunsMarkAreNoReplays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, owner := w.dial(), identity.FromPassphrase("marks")
	transact := func(changes string) *frames.Invocation {
		v, err := jsontext.Parse([]byte(`{"changes":{`+changes+`}}`), jsontext.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		return frames.NewInvocation(frames.Transact, owner.DID(), owner.DID(), v.(*jsontext.Object), recordedAt, changes)
	}
	const of = "of:counter"
	document := fmt.Sprintf(`%q:{%q:{%q:{"is":{"value":6}}}}`, of, memory.JSON, merkle.Unclaimed(memory.JSON, of))
	mark := func(process, run string) string {
		return fmt.Sprintf(`%q:{%q:{%q:{"is":{"run":%q}}}}`, process, memory.RunJSON, merkle.Unclaimed(memory.RunJSON, process), run)
	}
	c.mustDo(transact(document+","+mark("of:a", "1")), owner)
	e := c.mustFail(transact(document+","+mark("of:b", "2")), owner, frames.ConflictError)
	if conflict, _ := e.Body.Get("conflict"); jsontext.Text(conflict) == "" {
		t.Errorf("%+v", e)
	}
	c.mustDo(transact(document), owner) // without a mark it is one, as in the original
}
