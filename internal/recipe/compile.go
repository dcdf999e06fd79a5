package recipe

import (
	"cmp"
	"encoding/base64"
	"path"
	"slices"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/wire"

	"github.com/evanw/esbuild/pkg/api"
)

// Compile compiles a recipe. What is wrong with the source is in the result's
// Errors, with positions. Hostile source can end the process: call it in a
// worker.
func Compile(req wire.CompileRequest) wire.Compiled {
	failed := func(errs ...wire.CompileError) wire.Compiled {
		return wire.Compiled{Compiler: Compiler, Errors: errs}
	}
	if err := Check(req); err != nil {
		return failed(positioned(req.Entry, err))
	}
	program := build(&closed{files: req.Files, entry: req.Entry})
	source := req.Files[req.Entry]
	if program.imports && len(program.errors) == 0 {
		bundle := build(&closed{files: req.Files, entry: req.Entry, external: true})
		if source = bundle.code; len(source) > charm.MaxSourceBytes {
			return failed(positioned(req.Entry, tooLarge(req.Entry, len(source))))
		}
		// The program is made of the bundle, which is what other systems get to
		// compile; positions go through its source map to the files.
		name := path.Base(req.Entry)
		program = build(&closed{files: map[string]string{name: source + inlineMap(bundle.sourceMap)}, entry: name})
	}
	if len(program.errors) > 0 {
		return failed(program.errors...)
	}
	return wire.Compiled{Compiler: Compiler, Program: program.code, SourceMap: program.sourceMap, Source: source}
}

// output is what esbuild makes of a recipe.
type output struct {
	code      string
	sourceMap string
	imports   bool // the recipe consists of several files
	errors    []wire.CompileError
}

func build(c *closed) output {
	o := api.BuildOptions{
		EntryPoints:    []string{c.entry},
		Bundle:         true,
		Format:         api.FormatESModule, // the only one with top-level await
		Platform:       api.PlatformNeutral,
		Target:         api.ES2023,
		Charset:        api.CharsetUTF8,
		JSX:            api.JSXTransform,
		JSXFactory:     "h",
		JSXFragment:    "Fragment",
		Sourcemap:      api.SourceMapExternal,
		SourcesContent: api.SourcesContentInclude,
		LegalComments:  api.LegalCommentsNone,
		TsconfigRaw:    "{}",                                                      // else one is looked for on the disk
		Define:         map[string]string{"process.env.NODE_ENV": `"production"`}, // packages ask for it
		AbsWorkingDir:  "/",
		Outfile:        "/" + File,
		LogLevel:       api.LogLevelSilent,
		LogLimit:       wire.MaxErrors,
		Plugins:        []api.Plugin{c.plugin()},
	}
	if !c.external {
		o.Banner = map[string]string{"js": "var " + moduleRequire + " = require;"}
	}
	built := api.Build(o)
	out := output{imports: c.local, errors: compileErrors(built.Errors)}
	for _, f := range built.OutputFiles {
		if path.Ext(f.Path) == ".map" {
			out.sourceMap = cleanMap(f.Contents)
		} else {
			out.code = string(f.Contents)
		}
	}
	return out
}

// compileErrors translates esbuild's messages, in the order of their places.
func compileErrors(messages []api.Message) []wire.CompileError {
	errs := make([]wire.CompileError, 0, len(messages))
	for _, m := range messages {
		e := wire.CompileError{Text: m.Text}
		if l := m.Location; l != nil {
			e.File = path.Base(strings.TrimPrefix(l.File, spaceRecipe+":"))
			e.Line, e.Column, e.LineText = l.Line, l.Column+1, excerpt(l.LineText)
		}
		errs = append(errs, e)
	}
	slices.SortStableFunc(errs, func(a, b wire.CompileError) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return errs[:min(len(errs), wire.MaxErrors)]
}

// excerpt keeps a line short enough to be shown.
func excerpt(line string) string {
	const most = 500
	if len(line) <= most {
		return line
	}
	return strings.ToValidUTF8(line[:most], "") + " …"
}

func inlineMap(sourceMap string) string {
	return "\n//# sourceMappingURL=data:application/json;base64," + base64.StdEncoding.EncodeToString([]byte(sourceMap))
}
