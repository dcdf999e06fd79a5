package recipe

import (
	"strings"
	"testing"

	"charmd/internal/wire"
)

// packages are a recipe's files with a folder node_modules among them.
var packages = map[string]string{
	"node_modules/plain/package.json":                      `{"main":"lib/main"}`,
	"node_modules/plain/lib/main.js":                       `exports.plain = (x) => "plain " + x + process.env.NODE_ENV;`,
	"node_modules/plain/extra.js":                          `module.exports = "extra";`,
	"node_modules/@of/mod/package.json":                    `{"main":"old.cjs","module":"new.mjs"}`,
	"node_modules/@of/mod/new.mjs":                         `import { inner } from "inner"; export const mod = inner + "!";`,
	"node_modules/@of/mod/node_modules/inner/package.json": `{}`,
	"node_modules/@of/mod/node_modules/inner/index.js":     `export const inner = "nested";`,
	"node_modules/exports/package.json":                    `{"exports":{".":{"types":"./t.d.ts","import":{"default":"./esm.js"},"require":"./cjs.js"},"./sub":"./s.js","./many/*":"./all/*.js"},"main":"no.js"}`,
	"node_modules/exports/esm.js":                          `export const esm = 1;`,
	"node_modules/exports/cjs.js":                          `exports.cjs = 1;`,
	"node_modules/exports/s.js":                            `export const s = 2;`,
	"node_modules/exports/all/a/b.js":                      `export const b = 3;`,
	"node_modules/broken/package.json":                     `{`,
	"lib/near.ts":                                          `export const near = 4;`,
}

func TestFind(t *testing.T) {
	t.Parallel()
	read := func(name string) (string, bool) { text, ok := packages[name]; return text, ok }
	tests := []struct{ importer, specifier, want string }{
		{"a.tsx", "./lib/near", "lib/near.ts"},
		{"lib/a.ts", "./near.ts", "lib/near.ts"},
		{"a.tsx", "../near", ""},
		{"a.tsx", "plain", "node_modules/plain/lib/main.js"},
		{"lib/deep/a.ts", "plain", "node_modules/plain/lib/main.js"},
		{"a.tsx", "plain/extra", "node_modules/plain/extra.js"},
		{"a.tsx", "@of/mod", "node_modules/@of/mod/new.mjs"},
		{"a.tsx", "inner", ""},
		{"node_modules/@of/mod/new.mjs", "inner", "node_modules/@of/mod/node_modules/inner/index.js"},
		{"a.tsx", "exports", "node_modules/exports/esm.js"},
		{"a.tsx", "exports/sub", "node_modules/exports/s.js"},
		{"a.tsx", "exports/many/a/b", "node_modules/exports/all/a/b.js"},
		{"a.tsx", "broken", ""},
		{"a.tsx", "lib/near", ""},
		{"a.tsx", "/etc/passwd", ""},
		{"a.tsx", "plain/../../lib/near.ts", ""},
		{"a.tsx", "@of", ""},
	}
	for _, tt := range tests {
		name, manifest, ok := Find(read, tt.importer, tt.specifier)
		if name != tt.want || ok != (tt.want != "") || ok && strings.Contains(name, "node_modules") != strings.HasSuffix(manifest, "/package.json") {
			t.Errorf("%s from %s is %q (%s), %v", tt.specifier, tt.importer, name, manifest, ok)
		}
	}
}

// Packages beside the recipe become part of its source, which anyone can compile.
func TestPackagesAreBundled(t *testing.T) {
	t.Parallel()
	files := map[string]string{"news.tsx": `import { recipe } from "@commontools/builder";
import { plain } from "plain";
import { mod } from "@of/mod";
import extra from "plain/extra";
export default recipe("x", () => ({ a: plain(mod), extra }));`}
	for name, text := range packages {
		files[name] = text
	}
	c := compiled(t, wire.CompileRequest{Entry: "news.tsx", Files: files})
	for _, want := range []string{`"nested"`, `"production"`, `"extra"`, `from "@commontools/builder"`} {
		if !strings.Contains(c.Source, want) {
			t.Errorf("the source lacks %s", want)
		}
	}
	if again := compiled(t, one(c.Source)); again.Source != c.Source {
		t.Error("the bundled source is not its own source")
	}
}
