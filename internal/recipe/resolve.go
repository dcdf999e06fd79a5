package recipe

import (
	"path"
	"strconv"

	"github.com/evanw/esbuild/pkg/api"
)

// The namespaces of what esbuild is given. None of them is its own "file", so
// whatever it is asked to load, it does not look at the disk.
const (
	spaceStart  = "start"  // the module that hands the recipe's exports over
	spaceRecipe = "recipe" // the recipe's own files
	spaceModule = "module" // modules of the runtime
)

// startText is the first module of a program. It is an ES module, so that the
// recipe may use top-level await, and what it assigns to is the parameter of the
// wrapper.
const startText = `import * as recipe from "recipe"; export {}; module.exports = recipe;`

// moduleRequire is the wrapper's parameter under a name that esbuild does not
// know: around "require" it would build a search for one.
const moduleRequire = "__module"

// closed answers every import of one build: from the recipe's files, or with a
// module of the runtime, or not at all.
type closed struct {
	files    map[string]string
	entry    string
	external bool // leave imports of the runtime's modules as they are
	local    bool // set when the recipe imports a file of its own
}

func (c *closed) plugin() api.Plugin {
	return api.Plugin{Name: "recipe", Setup: func(b api.PluginBuild) {
		all := ".*"
		b.OnResolve(api.OnResolveOptions{Filter: all}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			return c.resolve(a), nil
		})
		b.OnLoad(api.OnLoadOptions{Filter: all}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			return c.load(a), nil
		})
	}}
}

func (c *closed) resolve(a api.OnResolveArgs) api.OnResolveResult {
	switch {
	case a.Kind == api.ResolveEntryPoint && !c.external:
		return api.OnResolveResult{Namespace: spaceStart, Path: spaceStart}
	case a.Kind == api.ResolveEntryPoint || a.Namespace == spaceStart:
		return api.OnResolveResult{Namespace: spaceRecipe, Path: c.entry}
	case modules[a.Path] && c.external:
		return api.OnResolveResult{Path: a.Path, External: true}
	case modules[a.Path]:
		return api.OnResolveResult{Namespace: spaceModule, Path: a.Path}
	}
	if name, _, ok := Find(c.read, a.Importer, a.Path); ok {
		c.local = true
		return api.OnResolveResult{Namespace: spaceRecipe, Path: name}
	}
	return api.OnResolveResult{Errors: []api.Message{{Text: "Module not found: " + a.Path}}}
}

func (c *closed) read(name string) (string, bool) {
	text, ok := c.files[name]
	return text, ok
}

func (c *closed) load(a api.OnLoadArgs) api.OnLoadResult {
	var text string
	loader := api.LoaderJS
	switch a.Namespace {
	case spaceStart:
		text = startText
	case spaceModule:
		text = "module.exports = " + moduleRequire + "(" + strconv.Quote(a.Path) + ")"
	case spaceRecipe:
		text, loader = c.files[a.Path], loaders[path.Ext(a.Path)]
	}
	return api.OnLoadResult{Contents: &text, Loader: loader}
}

var loaders = map[string]api.Loader{
	".ts":   api.LoaderTS,
	".tsx":  api.LoaderTSX,
	".js":   api.LoaderJSX,
	".jsx":  api.LoaderJSX,
	".mjs":  api.LoaderJS,
	".cjs":  api.LoaderJS,
	".json": api.LoaderJSON,
}

// entryLoader is the loader of a recipe's entry file; 0 when it cannot be one.
func entryLoader(name string) api.Loader {
	if ext := path.Ext(name); ext != ".json" {
		return loaders[ext]
	}
	return 0
}
