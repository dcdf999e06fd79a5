package charmd

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	fuzzTarget = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)
	fuzzRow    = regexp.MustCompile("(?m)^\\| `(internal/[\\w/]+)` `(Fuzz\\w+)` \\| [^|]+ \\| [^|]+ \\|$")
)

// Whoever adds a decoder of other people's bytes finds the others in a table, with what
// fuzzing them found; so the table has all targets, and none that is gone.
func TestEveryFuzzTargetIsInTheTable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, row := range fuzzRow.FindAllStringSubmatch(string(text), -1) {
		told[row[1]+" "+row[2]] = true
	}
	there := map[string]bool{}
	err = filepath.WalkDir("internal", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, f := range fuzzTarget.FindAllStringSubmatch(string(source), -1) {
			there[filepath.ToSlash(filepath.Dir(path))+" "+f[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if !told[name] {
			t.Errorf("%s is not in the table of docs/reliability.md", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(told)) {
		if !there[name] {
			t.Errorf("docs/reliability.md has a row for %s, which is no fuzz target", name)
		}
	}
}
