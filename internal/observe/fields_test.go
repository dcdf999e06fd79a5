package observe

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestLogFieldsHaveOneSpelling reads every log record that the program writes:
// whoever looks for the records of a charm or a run must find all of them under
// one name.
func TestLogFieldsHaveOneSpelling(t *testing.T) {
	t.Parallel()
	instead := map[string]string{
		"error": "err", "charmId": "charm, by Ref", "charmID": "charm, by Ref", "ref": "charm", "name": "charm",
		"runId": "run", "runID": "run", "jobId": "job", "jobID": "job", "durationMs": "ms", "why": "reason",
	}
	camel := regexp.MustCompile(`^[a-z][a-zA-Z]*$`)
	found := map[string]int{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			for _, key := range fields(n) {
				found[key]++
				if better := instead[key]; better != "" || !camel.MatchString(key) {
					t.Errorf("%s: the field %q of a log record should be %s", files.Position(n.Pos()), key, cmp.Or(better, "camelCase"))
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, usual := range []string{"charm", "err", "outcome", "run"} {
		if found[usual] == 0 {
			t.Errorf("no record with %q was found; does this test still read them?", usual)
		}
	}
}

// fields are the names of the attributes in a call of a logger, or in a list
// called attrs that is made for one.
func fields(n ast.Node) (keys []string) {
	var list []ast.Expr
	switch n := n.(type) {
	case *ast.CallExpr:
		fn, ok := n.Fun.(*ast.SelectorExpr)
		if !ok || !slices.Contains([]string{"Debug", "Info", "Warn", "Error"}, fn.Sel.Name) || len(n.Args) < 2 {
			return nil
		}
		if of, ok := fn.X.(*ast.Ident); ok && of.Name == "http" {
			return nil // http.Error answers, and logs nothing
		}
		list = n.Args[1:]
		if more, ok := list[0].(*ast.CallExpr); ok && n.Ellipsis.IsValid() { // append(attrs, …)...
			list = more.Args[1:]
		}
	case *ast.AssignStmt:
		name, isName := n.Lhs[0].(*ast.Ident)
		literal, isList := n.Rhs[0].(*ast.CompositeLit)
		if !isName || !isList || name.Name != "attrs" {
			return nil
		}
		list = literal.Elts
	}
	for i := 0; i < len(list); i += 2 {
		if text, ok := list[i].(*ast.BasicLit); ok && text.Kind == token.STRING {
			if key, err := strconv.Unquote(text.Value); err == nil {
				keys = append(keys, key)
			}
		}
	}
	return keys
}
