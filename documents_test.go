package charmd

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// docs/troubleshooting.md has each code of charmd doctor
// and each cause of charmd why.
func TestTroubleshootingNamesEveryCode(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	for file, kind := range map[string]string{"internal/doctor/doctor.go": "Code", "internal/explain/explain.go": "Cause"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`(?m)^\s+\w+\s+`+kind+`\s+= "(\w+)"`).FindAllStringSubmatch(string(source), -1)
		if len(names) < 20 {
			t.Fatalf("%s: only %d of type %s are found", file, len(names), kind)
		}
		for _, name := range names {
			if !strings.Contains(string(page), "`"+name[1]+"`") {
				t.Errorf("docs/troubleshooting.md does not name %s, of %s", name[1], file)
			}
		}
	}
}

// The table of ARCHITECTURE.md has every package, and none that does not exist. A package
// below another one may stand there by its path from that.
func TestArchitectureHasEveryPackage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n## Packages\n")
	table, _, _ = strings.Cut(table, "\n## ")
	named := map[string]bool{} // and whether it exists
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		for _, name := range regexp.MustCompile("`([a-z/]+)`").FindAllStringSubmatch(line, -1) {
			named[name[1]] = false
		}
	}
	for _, p := range packages(t) {
		path, inside := strings.CutPrefix(p.ImportPath, "charmd/")
		found := !inside // the root, which has tests alone
		for name := range named {
			if path == name || strings.HasSuffix(path, "/"+name) {
				named[name], found = true, true
			}
		}
		if !found {
			t.Errorf("ARCHITECTURE.md does not have %s", path)
		}
	}
	for name, exists := range named {
		if !exists {
			t.Errorf("ARCHITECTURE.md has %s, which is no package", name)
		}
	}
}
