package recipe

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/wire"

	"github.com/google/go-cmp/cmp"
)

const counter = `import { h } from "@commontools/html";
import { handler, NAME, recipe, UI } from "@commontools/builder";
import type { Cell } from "@commontools/runner";
import { Stream } from "only-a-type";

const first = await Promise.resolve(0);
const tick = handler<unknown, { n: number }>((_, state) => { state.n = state.n + 1; });
let unused: Stream;

export default recipe("counter", ({ n }: any) => ({
  [NAME]: "Zähler", n, bgUpdater: tick({ n }), [UI]: <div id={n}>x<></></div>,
}));
`

func one(source string) wire.CompileRequest {
	return wire.CompileRequest{Entry: "news.tsx", Files: map[string]string{"news.tsx": source}}
}

func compiled(t *testing.T, req wire.CompileRequest) wire.Compiled {
	t.Helper()
	c := Compile(req)
	if len(c.Errors) > 0 {
		t.Fatalf("does not compile: %+v", c.Errors)
	}
	return c
}

func TestOneFileIsItsOwnSource(t *testing.T) {
	t.Parallel()
	c := compiled(t, one(counter))
	if c.Source != counter {
		t.Errorf("source became %q", c.Source)
	}
	if c.Compiler != Compiler {
		t.Errorf("compiler %q", c.Compiler)
	}
	for _, want := range []string{"await Promise.resolve(0)", `.h)("div"`, "Fragment", "Zähler", `__module("@commontools/builder")`} {
		if !strings.Contains(c.Program, want) {
			t.Errorf("program lacks %s", want)
		}
	}
	for _, gone := range []string{"only-a-type", "@commontools/runner", "unknown, {", "sourceMappingURL", "\nimport ", "\nexport "} {
		if strings.Contains(c.Program, gone) {
			t.Errorf("program has %s", gone)
		}
	}
}

func TestWhatCannotBeImportedIsAnErrorWithItsPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.ts")
	if err := os.WriteFile(secret, []byte("export default 'open sesame'"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"left-pad", "fs", "node:fs", "zod/v4", "https://esm.sh/zod", "data:text/javascript,1", secret, "file://" + secret,
		"." + strings.Repeat("/..", 20) + secret, "../news.tsx", "./missing", ".", "./news.tsx?raw", "./data.txt",
	} {
		for _, form := range []string{"import x from %; x();", "x = await import(%);", "x = require(%);", "export * from %;", "import %;"} {
			t.Run(name+" "+form, func(t *testing.T) {
				t.Parallel()
				req := one("\n" + strings.ReplaceAll(form, "%", "'"+name+"'"))
				req.Files["data.txt"] = "x"
				c := Compile(req)
				if len(c.Errors) != 1 {
					t.Fatalf("errors: %+v, program %q", c.Errors, c.Program)
				}
				want := wire.CompileError{
					File: "news.tsx", Line: 2, Column: strings.Index(form, "%") + 1,
					Text: "Module not found: " + name, LineText: strings.ReplaceAll(form, "%", "'"+name+"'"),
				}
				if diff := cmp.Diff(want, c.Errors[0]); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if c.Program != "" || c.Source != "" || c.SourceMap != "" {
					t.Error("a recipe that does not compile has a program")
				}
			})
		}
	}
}

func TestModulesOfTheRuntimeAreLeftToIt(t *testing.T) {
	t.Parallel()
	for name := range modules {
		c := compiled(t, one("import * as x from '"+name+"'; export default x;"))
		if !strings.Contains(c.Program, `__module("`+name+`")`) {
			t.Errorf("program does not require %s", name)
		}
	}
}

func TestSyntaxErrorsHaveTheirPlaces(t *testing.T) {
	t.Parallel()
	c := Compile(one("import { recipe } from \"@commontools/builder\";\nexport default recipe(\"x\", () => ({ a: ));\n"))
	if len(c.Errors) != 1 {
		t.Fatalf("%+v", c.Errors)
	}
	e := c.Errors[0]
	if e.File != "news.tsx" || e.Line != 2 || e.Column != 40 || !strings.HasPrefix(e.LineText, "export default") {
		t.Errorf("%+v", e)
	}
}

func TestALongLineIsCutInTheMessage(t *testing.T) {
	t.Parallel()
	c := Compile(one("x = '" + strings.Repeat("ü", 5000) + "' )"))
	if len(c.Errors) == 0 || len(c.Errors[0].LineText) > 600 || c.Errors[0].Column < 10_000 {
		t.Errorf("%+v", c.Errors)
	}
}

func severalFiles() wire.CompileRequest {
	return wire.CompileRequest{Entry: "feeds/news.tsx", Files: map[string]string{
		"feeds/news.tsx": "import { recipe } from \"@commontools/builder\";\n" +
			"import { parse } from \"./parse\";\nimport words from \"../words.json\";\nimport { ui } from \"./view\";\n" +
			"export default recipe(\"x\", () => ({ v: parse(words.a), ui: ui() }));\n",
		"feeds/parse.ts": "import { NAME } from \"@commontools/builder\";\n\nexport function parse(text: string) {\n" +
			"  if (!text) throw new Error(NAME);\n  return text;\n}\n",
		"feeds/view/index.tsx": "import { h } from \"@commontools/html\";\nexport const ui = () => <p>hello</p>;\n",
		"words.json":           `{"a":"b"}`,
		"unused.ts":            "syntax error",
	}}
}

func TestSeveralFilesBecomeOneModule(t *testing.T) {
	t.Parallel()
	c := compiled(t, severalFiles())
	if !strings.Contains(c.Source, `from "@commontools/builder"`) || !strings.Contains(c.Source, "as default") {
		t.Errorf("the source is no ES module:\n%s", c.Source)
	}
	if strings.Contains(c.Source, "sourceMappingURL") {
		t.Error("the source holds its map")
	}
	alone := compiled(t, wire.CompileRequest{Entry: "news.tsx", Files: map[string]string{"news.tsx": c.Source}})
	if alone.Source != c.Source {
		t.Error("the bundle's source is not itself")
	}
	if diff := cmp.Diff(c.Program, alone.Program); diff != "" {
		t.Errorf("compiling the bundle alone gives another program (-files +bundle):\n%s", diff)
	}
}

func TestCompilingTwiceGivesTheSame(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(compiled(t, severalFiles()), compiled(t, severalFiles())); diff != "" {
		t.Error(diff)
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	ok := "export default 1"
	many := map[string]string{"a.tsx": ok}
	for len(many) <= maxFiles {
		many[strings.Repeat("b", len(many)%200+1)+strings.Repeat("/c", len(many)/200)+".ts"] = ""
	}
	tests := []struct {
		name, entry string
		files       map[string]string
		want        charm.ErrorCode
	}{
		{"no entry", "a.tsx", map[string]string{"b.tsx": ok}, charm.CodeInvalid},
		{"blank source", "a.tsx", map[string]string{"a.tsx": " \n"}, charm.CodeInvalid},
		{"entry of another kind", "a.json", map[string]string{"a.json": "{}"}, charm.CodeInvalid},
		{"name that climbs", "a.tsx", map[string]string{"a.tsx": ok, "../b.ts": ok}, charm.CodeInvalid},
		{"absolute name", "/a.tsx", map[string]string{"/a.tsx": ok}, charm.CodeInvalid},
		{"name with a control character", "a.tsx", map[string]string{"a.tsx": ok, "b\n.ts": ok}, charm.CodeInvalid},
		{"endless name", "a.tsx", map[string]string{"a.tsx": ok, strings.Repeat("b", 300): ok}, charm.CodeInvalid},
		{"not UTF-8", "a.tsx", map[string]string{"a.tsx": "\xff"}, charm.CodeInvalid},
		{"too many files", "a.tsx", many, charm.CodeTooLarge},
		{"too large", "a.tsx", map[string]string{"a.tsx": ok, "b.ts": strings.Repeat(" ", charm.MaxSourceBytes)}, charm.CodeTooLarge},
	}
	for _, tt := range tests {
		req := wire.CompileRequest{Entry: tt.entry, Files: tt.files}
		if err := Check(req); err == nil || charm.CodeOf(err) != tt.want {
			t.Errorf("%s: %v, want code %s", tt.name, err, tt.want)
		}
		if c := Compile(req); len(c.Errors) != 1 || c.Program != "" {
			t.Errorf("%s: compiled: %+v", tt.name, c.Errors)
		}
	}
	if err := Check(severalFiles()); err != nil {
		t.Error(err)
	}
}

func TestIDIsThatOfTheOriginal(t *testing.T) {
	t.Parallel()
	if got := ID("X"); got != "ba4jcbhf3jw4kuoutoc5m7nixkfstb7ztfg6nrmy3ij2pdsry6hw4sdvh" {
		t.Error(got)
	}
	if ID("X") == ID("X\n") {
		t.Error("whitespace does not matter")
	}
}

func TestCompilerNamesTheVersionsInUse(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for module, name := range map[string]string{"github.com/evanw/esbuild": "esbuild", "modernc.org/libquickjs": "quickjs"} {
		found := regexp.MustCompile(regexp.QuoteMeta(module) + ` v(\S+)`).FindSubmatch(mod)
		if found == nil || !strings.Contains(Compiler, name+" "+string(found[1])+",") {
			t.Errorf("Compiler is %q, go.mod has %s %q", Compiler, module, found)
		}
	}
}
