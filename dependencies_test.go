package charmd

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/dependencies.md has every module that our own code imports, in the version
// that is used, and no other; what for, and the day of that release as the module's
// origin has it.
func TestDependenciesAreListed(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	released := releases(t)
	var want, got []string
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) (v\S+)$`).FindAllStringSubmatch(string(mod), -1) {
		want = append(want, m[1]+" "+m[2])
	}
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| ") && len(cells) == 4 && cells[0] != "| module" && cells[0] != "|---|---|---|---|" {
			module := strings.TrimPrefix(cells[0], "| ") + " " + cells[2]
			got = append(got, module)
			day := strings.TrimRight(cells[3], " |\n")
			if known := released[module]; day == "" || known != "" && day != known {
				t.Errorf("%s: released on %q, it says %q", module, known, day)
			}
			if len(strings.Fields(cells[1])) < 2 && !strings.HasPrefix(cells[1], "`") && cells[1] != "DIDs" {
				t.Errorf("%s: what for? %q", module, cells[1])
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(want) < 10 || !slices.Equal(got, want) {
		t.Errorf("the page has\n%s\ngo.mod has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// releases are the days on which the modules in use were released, as far as this
// machine knows them.
func releases(t *testing.T) map[string]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", `{{if .Time}}{{.Path}} {{.Version}} {{.Time.Format "2006-01-02"}}{{end}}`, "all").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	days := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if parts := strings.Fields(line); len(parts) == 3 {
			days[parts[0]+" "+parts[1]] = parts[2]
		}
	}
	return days
}
