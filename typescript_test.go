package charmd

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The TypeScript can be read from below: no files import each other in a circle, and no
// folders of a tree do. What is imported for its type alone counts as well: who needs the
// type has to know what stands behind it.
func TestTypeScriptIsImportedOneWay(t *testing.T) {
	t.Parallel()
	for _, root := range []string{"internal/prelude/src", "internal/pages/src"} {
		files, folders := typeScriptImports(t, root), map[string][]string{}
		for file, imported := range files {
			for _, other := range imported {
				if from, to := folderOf(file), folderOf(other); from != to {
					folders[from] = append(folders[from], to)
				}
			}
		}
		if len(files) < 5 || len(folders) == 0 {
			t.Errorf("%s: only %d files with imports were found", root, len(files))
		}
		for _, imports := range []map[string][]string{files, folders} {
			if circle := circleIn(imports); circle != nil {
				t.Errorf("%s: %s import each other in a circle", root, strings.Join(circle, " → "))
			}
		}
	}
}

func TestCirclesAreFound(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		imports map[string][]string
		want    []string
	}{
		{"one way", map[string][]string{"a": {"b", "c"}, "b": {"d"}, "c": {"b", "d"}}, nil},
		{"itself", map[string][]string{"a": {"a"}}, []string{"a", "a"}},
		{"beside the way in", map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"d", "b"}}, []string{"b", "c", "b"}},
	}
	for _, tt := range tests {
		if got := circleIn(tt.imports); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	for source, want := range map[string]string{
		`import { a } from "./a";`:                "./a",
		`import type { A } from "../lib/a";`:      "../lib/a",
		"import {\n  a,\n  b,\n} from './a';":     "./a",
		`export { a } from "./a.ts";`:             "./a.ts",
		`import "./a";`:                           "./a",
		`const a = await import("./a");`:          "./a",
		`let a: import("./a").A;`:                 "./a",
		`declare module "./a" { interface A {} }`: "",
	} {
		got := ""
		if m := importPattern.FindStringSubmatch(source); m != nil {
			got = m[1]
		}
		if got != want {
			t.Errorf("%s imports %q, want %q", source, got, want)
		}
	}
}

// A folder within a folder is a part of that; the files beside the folders are one more.
func folderOf(file string) string {
	folder, _, inside := strings.Cut(file, "/")
	if !inside {
		return "."
	}
	return folder
}

var importPattern = regexp.MustCompile(`\b(?:from|import)\s*\(?\s*["'](\.{1,2}/[^"']+)["']`)

// typeScriptImports are, by the files below root that import any, the files that they import.
func typeScriptImports(t *testing.T, root string) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	tree := os.DirFS(root)
	err := fs.WalkDir(tree, ".", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".ts" {
			return err
		}
		text, err := fs.ReadFile(tree, file)
		if err != nil {
			return err
		}
		for _, m := range importPattern.FindAllSubmatch(text, -1) {
			other := path.Join(path.Dir(file), strings.TrimSuffix(string(m[1]), ".ts")+".ts")
			if _, err := fs.Stat(tree, other); err != nil {
				t.Errorf("%s/%s imports %s: %v", root, file, m[1], err)
			}
			imports[file] = append(imports[file], other)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports
}

// circleIn is the first way that leads from a node back to it, in alphabetical order; nil if there is none.
func circleIn(imports map[string][]string) []string {
	done := map[string]bool{}
	var way []string
	var visit func(node string) []string
	visit = func(node string) []string {
		if at := slices.Index(way, node); at >= 0 {
			return append(slices.Clone(way[at:]), node)
		}
		if done[node] {
			return nil
		}
		way = append(way, node)
		for _, other := range imports[node] {
			if circle := visit(other); circle != nil {
				return circle
			}
		}
		way = way[:len(way)-1]
		done[node] = true
		return nil
	}
	for _, node := range slices.Sorted(maps.Keys(imports)) {
		if circle := visit(node); circle != nil {
			return circle
		}
	}
	return nil
}
