package inside

import (
	"testing"

	"charmd/internal/merkle"
	"charmd/internal/prelude"
	"charmd/internal/recipe"
	"charmd/internal/wire"
)

const counterSource = `import { handler, recipe } from "@commontools/builder";
const tick = handler<unknown, { n: number }>((_, state) => { state.n = state.n + 1; });
export default recipe({ type: "object", properties: { n: { type: "number", default: 0 } } } as any,
  ({ n }: any) => ({ n, bgUpdater: tick({ n }) }));
`

// BenchmarkCounter is one run of a counter, without the pipe.
func BenchmarkCounter(b *testing.B) {
	w := newWorld()
	m, err := New(Options{ArenaBytes: 64 << 20, Prelude: prelude.Source, Host: w})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	w.programs["counter"] = recipe.Compile(wire.CompileRequest{Entry: "a.tsx", Files: map[string]string{"a.tsx": counterSource}}).Program
	task := taskOf("counter")
	ref := merkle.EntityID(nil, "a counter")
	task.Charm, task.Process, task.Mode = ref.Link(), merkle.ProcessID(ref).Link(), wire.ModeCast
	task.Documents = m.Run(task).Changed
	task.Mode, task.Stream = wire.ModeEvent, []string{"bgUpdater"}
	for b.Loop() {
		if r := m.Run(task); r.Ended != wire.Finished || !r.Report.Handled || len(r.Changed) != 1 {
			b.Fatalf("%+v %+v", r, r.Reason)
		}
	}
}
