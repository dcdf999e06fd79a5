// Package charmd holds the tests of the project's own form: what may import
// what, how large a file grows, that every package says why it exists.
package charmd

import (
	"bytes"
	"encoding/json"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type listed struct {
	ImportPath string
	Dir        string
	Deps       []string
	Imports    []string
	GoFiles    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Deps,Imports,GoFiles", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if len(list) < 10 {
		t.Fatalf("go list found only %d packages", len(list))
	}
	return list
}

// What runs in a worker process must not even contain code that opens the
// database, signs, or holds secrets.
func TestWorkerSideImportsNothingOfTheStore(t *testing.T) {
	t.Parallel()
	inside := []string{"engine", "wire", "sandbox", "worker", "worker/inside", "worker/inside/webhost", "worker/inside/formats", "recipe", "prelude"}
	forbidden := []string{"store", "store/sqlite", "vault", "oauth", "memory", "memory/frames", "memory/server", "queue", "registry", "toolshed", "service"}
	for _, p := range packages(t) {
		if !slices.Contains(inside, strings.TrimPrefix(p.ImportPath, "charmd/internal/")) {
			continue
		}
		for _, f := range forbidden {
			if slices.Contains(p.Deps, "charmd/internal/"+f) {
				t.Errorf("%s depends on charmd/internal/%s", p.ImportPath, f)
			}
		}
	}
}

// The nouns, and what decides purely, import nothing that acts.
func TestPurePackagesImportWhatTheyMay(t *testing.T) {
	t.Parallel()
	allowed := map[string][]string{
		"charmd/internal/charm":    nil,
		"charmd/internal/schedule": {"charmd/internal/charm"},
		"charmd/internal/explain":  {"charmd/internal/charm"},
		"charmd/internal/state":    {"charmd/internal/charm", "charmd/internal/schedule", "charmd/internal/store"},
		"charmd/internal/store":    {"charmd/internal/charm"},
		"charmd/internal/queue":    {"charmd/internal/charm", "charmd/internal/schedule", "charmd/internal/state", "charmd/internal/store"},
		"charmd/internal/engine":   nil,
		// What the wire says is the same on both sides of it, and what serves it knows
		// of facts and of nothing that runs.
		"charmd/internal/memory/frames": {"charmd/internal/identity", "charmd/internal/jsontext", "charmd/internal/merkle"},
		"charmd/internal/memory/server": {
			"charmd/internal/charm", "charmd/internal/identity", "charmd/internal/jsontext", "charmd/internal/memory",
			"charmd/internal/memory/frames", "charmd/internal/merkle", "charmd/internal/store",
		},
		"charmd/internal/memory/client": {"charmd/internal/charm", "charmd/internal/identity", "charmd/internal/jsontext",
			"charmd/internal/memory/frames", "charmd/internal/merkle"},
	}
	for _, p := range packages(t) {
		may, checked := allowed[p.ImportPath]
		if !checked {
			continue
		}
		for _, imp := range p.Imports {
			if strings.HasPrefix(imp, "charmd/") && !slices.Contains(may, imp) {
				t.Errorf("%s imports %s", p.ImportPath, imp)
			}
		}
	}
}

func TestEveryPackageSaysWhyItExists(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if len(p.GoFiles) > 0 && len(packageComment(t, p)) < 60 {
			t.Errorf("%s has no package comment that says what it is for", p.ImportPath)
		}
		for _, vague := range []string{"/util", "/utils", "/common", "/helpers", "/misc"} {
			if strings.Contains(p.ImportPath, vague) {
				t.Errorf("%s has a name that says nothing", p.ImportPath)
			}
		}
	}
}

// packageComment is the comment in front of the package clause, of whichever file has it.
func packageComment(t *testing.T, p listed) string {
	t.Helper()
	text := ""
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		text += f.Doc.Text()
	}
	return text
}

func TestFilesStaySmall(t *testing.T) {
	t.Parallel()
	const most = 500
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		ext := filepath.Ext(path)
		if d.IsDir() || (ext != ".go" && ext != ".ts" && ext != ".tsx") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if n := bytes.Count(text, []byte("\n")); n > most {
			t.Errorf("%s has %d lines; split it by subject (at most %d)", path, n, most)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTypeScriptStaysSmall(t *testing.T) {
	t.Parallel()
	for dir, most := range map[string]int{"internal/prelude/src": 4000, "internal/pages/src": 2500} {
		lines := 0
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".ts" || filepath.Base(filepath.Dir(path)) == "lib" {
				return err // what recipes may import beside the runtime: its own test bounds it
			}
			text, err := os.ReadFile(path)
			lines += bytes.Count(text, []byte("\n"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if lines == 0 || lines > most {
			t.Errorf("%s has %d lines of TypeScript, at most %d are wanted", dir, lines, most)
		}
	}
}
