package prelude_test

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"charmd/internal/prelude"
	"charmd/internal/prelude/bundle"
)

// The script that is committed is the one that the sources give.
func TestScriptIsUpToDate(t *testing.T) {
	t.Parallel()
	text, err := bundle.Bundle("src")
	check(t, err)
	if text != prelude.Source {
		t.Error("prelude.js is not what src/ bundles to; run go generate ./internal/prelude")
	}
}

func TestTypesAreThere(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"commontools.d.ts", "tsconfig.json"} {
		if text, err := fs.ReadFile(prelude.Types, name); err != nil || len(text) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(text), err)
		}
	}
}

// The runtime stays small enough to be read as a whole, and so does what recipes are given beside it, in lib.
func TestSourcesStaySmall(t *testing.T) {
	t.Parallel()
	const mostOfFile = 250
	for most, patterns := range map[int][]string{4000: {"src/*.ts", "src/[^l]*/*.ts"}, 600: {"src/lib/*.ts", "types/*.ts"}} {
		total := 0
		for _, pattern := range patterns {
			files, err := filepath.Glob(pattern)
			check(t, err)
			for _, file := range files {
				lines := strings.Count(read(t, file), "\n")
				if total += lines; lines > mostOfFile {
					t.Errorf("%s has %d lines; a file may have %d", file, lines, mostOfFile)
				}
			}
		}
		if total > most || total < most/2 {
			t.Errorf("%v have %d lines of TypeScript; %d are allowed", patterns, total, most)
		}
	}
}

func TestLoading(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, source, want string }{
		{"no default export", `export const a = 1;`, "No default recipe found in the compiled exports."},
		{"another default export", `export default { a: 1 };`, "No default recipe found in the compiled exports."},
		{"unknown function of zod", `import { z } from "zod"; export default z.object({ a: z.promise([]) });`, "z.promise of zod is not available here"},
		{"unknown method of zod", `import { z } from "zod"; export default z.string().parse("x");`, "the method .parse of zod is not available here"},
		{"a filter that is a function", `import T from "turndown"; new T().addRule("x", { filter: () => true });`, "The filter of a rule for turndown must be the name of an element, or a list of names, here"},
		{"throw", `throw new RangeError("too far");`, "too far"},
		{"throw of a string", `throw "just text";`, "just text"},
		{"await without end", `await new Promise(() => {}); export default 1;`, "The recipe's top-level await is never settled."},
		{"read while building", imports + `export default recipe("x", ({ a }: any) => ({ b: "" + a }));`, "Can't read value during recipe creation."},
		{"cell outside", imports + `cell(1);`, "Cells can only be made inside a recipe, a lift or a handler."},
		{"lift outside", imports + `lift((x: any) => x)(1);`, "Cells can only be made inside a recipe, a lift or a handler."},
		{"a loop over a ref", imports + `export default recipe("x", ({ a }: any) => { for (const x of a) cell(x); return {}; });`, "Can't use iterator over an opaque value in an unlimited loop."},
		{"a cell of another recipe", imports + `let leak: any; recipe("x", () => ({ leak: leak = cell(1) }));
			export default recipe("y", () => ({ leak }));`, "A cell of another recipe can't be used here."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := load(t, tt.source, newHost())
			if m.loaded.OK || m.loaded.Error.Message != tt.want {
				t.Errorf("loaded %+v; want the error %q", m.loaded, tt.want)
			}
		})
	}
}

// A frame of a recipe that throws must not stay: what is built afterwards would be inside it.
func TestFrameEndsWhenBuildingThrows(t *testing.T) {
	t.Parallel()
	m := load(t, imports+`
		try { recipe("bad", () => { throw new Error("no"); }); } catch {}
		let outside = "";
		try { cell(1); } catch (e: any) { outside = e.message; }
		export default recipe("x", () => ({ outside }));`, newHost())
	m.cast(t, "frames", nil)
	if got := fmt.Sprint(m.result(t, "frames")); !strings.Contains(got, "Cells can only be made inside") {
		t.Error(got)
	}
}

func TestLoadedTellsSchemas(t *testing.T) {
	t.Parallel()
	m := load(t, imports+`export default recipe({ type: "object", properties: { a: { type: "number" } } }, ({ a }: any) => ({ a }));`, newHost())
	if got := string(m.loaded.ArgumentSchema); !m.loaded.OK || got != `{"type":"object","properties":{"a":{"type":"number"}}}` {
		t.Errorf("%+v, argument schema %s", m.loaded, got)
	}
}
