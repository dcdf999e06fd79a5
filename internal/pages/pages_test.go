package pages_test

import (
	"os"
	"path/filepath"
	"testing"

	"charmd/internal/pages/bundle"
)

// The scripts that are committed are those that the sources give.
func TestScriptsAreUpToDate(t *testing.T) {
	t.Parallel()
	scripts, err := bundle.Bundle("src")
	if err != nil || len(scripts) == 0 {
		t.Fatal(scripts, err)
	}
	committed, err := filepath.Glob("assets/*.js")
	if err != nil || len(committed) != len(scripts) {
		t.Errorf("committed are %v (%v)", committed, err)
	}
	for name, want := range scripts {
		text, err := os.ReadFile(filepath.Join("assets", name))
		if err != nil || string(text) != want {
			t.Errorf("assets/%s is not what src bundles to (%v); run go generate ./internal/pages", name, err)
		}
	}
}
