package service_test

import (
	"encoding/json"
	"strings"
	"testing"
)

const rowsRecipe = `import { cell, handler, lift, recipe } from "@commontools/builder";
const add = handler((event: any, state: any) => { if (state.rows.length < 40) for (let i = 0; i < 20; i++) state.rows.push({ n: state.rows.length }); });
export default recipe({ type: "object", properties: { factor: { type: "number", default: 1 } } } as any, ({ factor }: any) => {
  const rows = cell([] as any[]);
  return { factor, rows, shown: (rows as any).map((row: any) => lift(({ row, factor }: any) => row.n * factor)({ row, factor })), bgUpdater: add({ rows }) };
});`

// The service remembers what rows have read from run to run, also what a person writes between.
func TestRowsSleepInTheService(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	ref := d.add(rowsRecipe, "home", "rows", notRegistered)
	type shown struct{ Shown []int }
	run := func() {
		t.Helper()
		reply, err := d.Client.Run(t.Context(), ref, true)
		if err != nil || reply.Run.Outcome != "ok" {
			t.Fatalf("%+v %v", reply.Run, err)
		}
	}
	for range 4 {
		run()
	}
	if got := result[shown](t, d.show(ref)).Shown; len(got) != 40 || got[39] != 39 {
		t.Fatalf("shown: %v", got)
	}
	for path, value := range map[string]string{"factor": "10", "rows/3/n": "7"} {
		if err := d.Client.SetCell(t.Context(), ref, strings.Split(path, "/"), json.RawMessage(value)); err != nil {
			t.Fatal(err)
		}
		run()
	}
	if got := result[shown](t, d.show(ref)).Shown; got[3] != 70 || got[39] != 390 {
		t.Errorf("after edits: %v", got)
	}
}
