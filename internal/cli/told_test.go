package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/spf13/cobra"

	"charmd/internal/charm"
)

// mute are the error codes that no command prints as JSON, and who shows them instead.
var mute = map[charm.ErrorCode]string{
	charm.CodeRunFailed: "exit code 6: the command has printed the run",
	charm.CodeDiffers:   "exit code 6: charmd replay has printed what differs",
	charm.CodeUnwell:    "exit code 1: charmd doctor has printed the problems",
	charm.CodeNoRoom:    "the memory and blobs: TestFault18_DiskAlmostFullOverTheWire",
}

// TestEverythingIsInATranscript: each command, exit code and error code is in a
// transcript, so that none can be added without one.
func TestEverythingIsInATranscript(t *testing.T) {
	t.Parallel()
	scripts, texts := allTranscripts(t)
	runs := regexp.MustCompile(`(?m)^(?:\[linux\] )?(?:! )?(exec|eventually|exits (\d+)) charmd\b(.*)$`).FindAllStringSubmatch(scripts, -1)
	exits := map[string]bool{}
	var commands []string
	for _, run := range runs {
		if run[1] == "exec" {
			run[2] = strconv.Itoa(charm.ExitOK)
		}
		exits[run[2]] = true
		commands = append(commands, "charmd"+run[3]+" ")
	}
	forEach(newApp(nil, nil, nil, nil).root(), func(c *cobra.Command) {
		for _, line := range commands {
			if strings.HasPrefix(line, c.CommandPath()+" ") {
				return
			}
		}
		t.Errorf("%s is in no transcript", c.CommandPath())
	})
	for _, e := range exitCodes {
		if !exits[strconv.Itoa(e.code)] {
			t.Errorf("exit code %d is in no transcript", e.code)
		}
	}
	for _, code := range errorCodes(t) {
		printed := strings.Contains(texts, `"code": "`+string(code)+`"`)
		if _, ok := mute[code]; ok == printed {
			t.Errorf("the error code %s is printed in a transcript: %v, and said to be shown otherwise: %v", code, printed, ok)
		}
	}
}

// allTranscripts are the commands of all transcripts, and these with their files.
func allTranscripts(t *testing.T) (scripts, texts string) {
	t.Helper()
	err := filepath.WalkDir("testdata", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".txtar" {
			return err
		}
		text, err := os.ReadFile(path)
		scripts += string(txtar.Parse(text).Comment)
		texts += string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return scripts, texts
}

func forEach(cmd *cobra.Command, do func(*cobra.Command)) {
	for _, sub := range cmd.Commands() {
		if !sub.Hidden && sub.Runnable() {
			do(sub)
		}
		forEach(sub, do)
	}
}

// errorCodes are all error codes that there are, from the source.
func errorCodes(t *testing.T) (codes []charm.ErrorCode) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "charm", "errors.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == "ErrorCode" {
			code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, charm.ErrorCode(code))
		}
		return true
	})
	if len(codes) == 0 {
		t.Fatal("no error code was found")
	}
	return codes
}
