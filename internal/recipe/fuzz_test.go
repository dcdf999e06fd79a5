package recipe

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever is given as a recipe, the compiler makes a program of it whose imports are
// the runtime's, or says what is wrong at a place that is in the source.
func FuzzCompile(f *testing.F) {
	for _, source := range []string{
		counter, `import x from "/etc/passwd"; export default x;`, `import "./x"; import("./" + y); require("fs");`, "export default <a.b {...c}>{[1]}</a.b>;",
		"//# sourceMappingURL=data:application/json;base64,e30=\nexport default 1", "\ufeff`${", "#!x\nenum A {B}", "export * from 'https://example.org/x.js'", "<!--",
	} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if len(source) > 16<<10 {
			return
		}
		c := Compile(one(source))
		if len(c.Errors) == 0 == (strings.TrimSpace(c.Program) == "") && c.Program != "" {
			t.Errorf("%q becomes %q and %+v", source, c.Program, c.Errors)
		}
		lines := strings.Split(source, "\n")
		for _, e := range c.Errors {
			if e.Text == "" || e.Line < 0 || e.Line > len(lines) || !utf8.ValidString(e.Text) {
				t.Errorf("%q: %+v", source, e)
			}
		}
		if len(c.Errors) > 0 {
			return
		}
		if _, err := ParseMap(c.SourceMap, "a.tsx"); err != nil {
			t.Errorf("%q: its source map: %v", source, err)
		}
		if again := Compile(one(source)); again.Program != c.Program || again.SourceMap != c.SourceMap {
			t.Errorf("%q is compiled to two programs", source)
		}
	})
}

// Packages are other people's. Whatever their package.json says, what an import finds is
// a file that the recipe was given, by a name without ways out.
func FuzzFind(f *testing.F) {
	for name, text := range packages {
		if strings.HasSuffix(name, "package.json") {
			f.Add(text, "a.tsx", "x/sub")
		}
	}
	f.Add(`{"exports":{"./*":"../../*","*":{"default":"*"}}}`, "lib/a.ts", "x/../../y")
	f.Add(`{"main":"/etc/passwd"}`, "node_modules/x/a.js", "@x/x/*")
	f.Add(`{"exports":"./../x.js"}`, "../a.tsx", "..")
	f.Fuzz(func(t *testing.T, manifest, importer, specifier string) {
		var read []string
		given := func(name string) (string, bool) {
			read = append(read, name)
			if strings.HasSuffix(name, "package.json") {
				return manifest, true
			}
			return "x", !strings.Contains(name, "missing")
		}
		name, from, ok := Find(given, importer, specifier)
		if !fs.ValidPath(importer) {
			return // no file of a recipe
		}
		if ok && (!fs.ValidPath(name) || loaders[path.Ext(name)] == 0 || !slices.Contains(read, name) || from != "" && !fs.ValidPath(from)) {
			t.Errorf("%q of %q is %q, as %q says", specifier, importer, name, from)
		}
		for _, name := range read {
			if !fs.ValidPath(name) {
				t.Errorf("%q of %q: %q is looked for", specifier, importer, name)
			}
		}
	})
}
