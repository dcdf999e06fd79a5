package runcharm_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The document for people says of every case whether it is as the original has it.
func TestCompatibilityTellsEveryCase(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/compatibility.md")
	check(t, err)
	_, table, ok := strings.Cut(string(text), "\n| case | charmd |\n|---|---|\n")
	if !ok {
		t.Fatal("the table of cases is not there")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	told := map[string]bool{}
	for row := range strings.Lines(table) {
		match := caseRow.FindStringSubmatch(row)
		if match == nil {
			t.Errorf("a row that cannot be read: %s", row)
			continue
		}
		same := match[2] == "the same"
		for _, name := range strings.Split(match[1], " ") {
			if told[name] {
				t.Errorf("%s is told twice", name)
			}
			told[name] = true
			if difference, differs := differences[name]; same == differs || differs && match[2] != difference.why {
				t.Errorf("%s: the document says %q", name, match[2])
			}
		}
	}
	for _, file := range []string{"testdata/runtime.json", "testdata/ours.json"} {
		for _, c := range casesOf(t, file) {
			if !told[c.Name] {
				t.Errorf("%s is not in the table", c.Name)
			}
			delete(told, c.Name)
		}
	}
	for name := range told {
		t.Errorf("there is no case %s", name)
	}
}

var caseRow = regexp.MustCompile("^\\| ([^|]*) \\| (.*) \\|\n?$")
