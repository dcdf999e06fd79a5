package recipe

import (
	"cmp"
	"encoding/json"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Provides reports whether the runtime has the module that recipes import by this name.
func Provides(module string) bool { return modules[module] }

// Find is the file that an import means, and the package.json that says so, if it
// is of a package in a folder node_modules. read answers files of the recipe by
// their names relative to its folder; importer is one of them.
func Find(read func(name string) (text string, ok bool), importer, specifier string) (name, manifest string, ok bool) {
	dir := path.Dir(importer)
	if isRelative(specifier) {
		name, ok = findFile(read, path.Join(dir, specifier))
		return name, "", ok
	}
	if !fs.ValidPath(specifier) {
		return "", "", false
	}
	module, inside := splitPackage(specifier)
	for {
		base := path.Join(dir, "node_modules", module)
		if text, found := read(path.Join(base, "package.json")); found {
			name, ok = findFile(read, path.Join(base, target(text, inside)))
			return name, path.Join(base, "package.json"), ok
		}
		if dir == "." {
			return "", "", false
		}
		dir = path.Dir(dir)
	}
}

func isRelative(specifier string) bool {
	return strings.HasPrefix(specifier, "./") || strings.HasPrefix(specifier, "../") || specifier == "." || specifier == ".."
}

func findFile(read func(string) (string, bool), base string) (string, bool) {
	candidates := []string{base}
	for _, stem := range []string{base, path.Join(base, "index")} {
		for _, ext := range []string{".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".json"} {
			candidates = append(candidates, stem+ext)
		}
	}
	i := slices.IndexFunc(candidates, func(name string) bool {
		if !fs.ValidPath(name) || loaders[path.Ext(name)] == 0 {
			return false
		}
		_, ok := read(name)
		return ok
	})
	if i < 0 {
		return "", false
	}
	return candidates[i], true
}

// splitPackage splits "@scope/name/inside/it" behind the name.
func splitPackage(specifier string) (module, inside string) {
	parts := strings.SplitN(specifier, "/", 3)
	own := 1
	if strings.HasPrefix(specifier, "@") {
		own = min(2, len(parts))
	}
	return strings.Join(parts[:own], "/"), strings.Join(parts[own:], "/")
}

// target is the file that a package gives out for what is asked of it, "" for the
// package itself. What it does not say is looked for.
func target(manifest, inside string) string {
	var p struct {
		Exports      any
		Module, Main string
	}
	if json.Unmarshal([]byte(manifest), &p) != nil {
		return inside
	}
	if given := exported(p.Exports, "./"+inside); given != "" {
		return given
	}
	if inside != "" {
		return inside
	}
	return cmp.Or(p.Module, p.Main, "index")
}

// exported is what "exports" of a package.json says for a path, "" for nothing.
func exported(exports any, inside string) string {
	switch e := exports.(type) {
	case string:
		if inside == "./" {
			return e
		}
	case map[string]any:
		if given, ok := e[strings.TrimSuffix(inside, "/")]; ok {
			return exported(given, "./")
		}
		for _, pattern := range slices.Sorted(maps.Keys(e)) {
			before, after, isPattern := strings.Cut(pattern, "*")
			if isPattern && strings.HasPrefix(inside, before) && strings.HasSuffix(inside, after) && len(inside) > len(before)+len(after) {
				return strings.ReplaceAll(exported(e[pattern], "./"), "*", inside[len(before):len(inside)-len(after)])
			}
		}
		for _, condition := range []string{"browser", "import", "module", "default", "require"} {
			if given := exported(e[condition], inside); given != "" {
				return given
			}
		}
	}
	return ""
}
