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
