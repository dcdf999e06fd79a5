package server_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/compatibility.md names a test for each difference of the protocol: there is
// one of that name, and every test of a difference is named.
func TestDeviationsAreDocumented(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			tests = append(tests, m[1])
		}
	}
	page, err := os.ReadFile("../../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "\n## The memory protocol\n")
	if section, _, _ = strings.Cut(section, "\n## "); !found {
		t.Fatal("the page has no section of the protocol")
	}
	var named []string
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) < 4 || strings.HasPrefix(line, "|-") || strings.HasPrefix(line, "| original") {
			continue
		}
		for name := range strings.SplitSeq(cells[len(cells)-1], ",") {
			name = strings.TrimSpace(name)
			full := name
			if !strings.HasPrefix(name, "Test") {
				full = "TestDeviation_" + name
			}
			if named = append(named, full); !slices.Contains(tests, full) {
				t.Errorf("there is no test %q: %s", full, line)
			}
		}
	}
	for _, name := range tests {
		if strings.HasPrefix(name, "TestDeviation_") && !slices.Contains(named, name) {
			t.Errorf("%s is not on the page", name)
		}
	}
	if len(named) < 20 {
		t.Errorf("only %d tests are named", len(named))
	}
}
