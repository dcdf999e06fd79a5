package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"charmd/internal/testbin"
)

// fenced is a block of the document: its kind, the name of its file, its text.
var fenced = regexp.MustCompile("(?ms)^```(\\w+)(?: (\\S+))?\n(.*?)^```$")

// Every example in docs/writing-charms.md is compiled and run, by the commands
// that stand there.
func TestWritingCharmsIsTrue(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "writing-charms.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	recipes := map[string]bool{} // by name, whether it was run
	var commands []string
	for _, block := range fenced.FindAllStringSubmatch(string(text), -1) {
		kind, name, body := block[1], block[2], block[3]
		switch {
		case kind == "sh":
			commands = append(commands, strings.Split(strings.TrimSpace(body), "\n")...)
		case name == "":
			t.Errorf("a block of %s has no name:\n%s", kind, body)
		default:
			if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
				t.Fatal(err)
			}
			if kind == "tsx" {
				recipes[name] = false
			}
		}
	}
	charmd := testbin.Path(t)
	for _, line := range commands {
		rest, ok := strings.CutPrefix(line, "charmd test ")
		if !ok {
			t.Errorf("%q is not charmd test", line)
			continue
		}
		recipes[strings.Fields(rest)[0]] = true
		cmd := exec.CommandContext(t.Context(), "sh", "-c", `exec "$CHARMD" test `+rest)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "CHARMD="+charmd)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	if len(recipes) < 4 {
		t.Errorf("only %d recipes were found", len(recipes))
	}
	for name, ran := range recipes {
		if !ran {
			t.Errorf("%s is not run", name)
		}
	}
}
