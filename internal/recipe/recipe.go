// Package recipe turns the source of a recipe, TSX as people write it, into a
// checked and content-addressed program for the VM, and leads positions in that
// program back to the source.
//
// Source is untrusted. Compile is to be called in a worker process, since some
// inputs end the process they are compiled in; what it may import is closed, so
// that no file of the machine gets into a program or an error message.
package recipe

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/merkle"
	"charmd/internal/wire"
)

// Compiler names what makes programs. A program made by another one is compiled
// again: the last number grows when this package's output changes.
const Compiler = "esbuild 0.28.2, quickjs 0.14.0, charmd 1"

// File is the name programs have in the VM and therefore in its stacks.
const File = "recipe.js"

const (
	wrapperHead = "__charmd_define(async function(require,exports,module){"
	wrapperTail = "\n})"
)

// Wrap makes the script that hands a program to the runtime in the VM. The
// program starts on the script's first line, so lines need no correction.
func Wrap(program string) string { return wrapperHead + program + wrapperTail }

// modules are what recipes may import beside their own files: the module table
// of the runtime in the VM (charm-runtime spec §1.2, and what later recipes use).
var modules = map[string]bool{
	"@commontools/builder":     true,
	"@commontools/html":        true,
	"@commontools/runner":      true,
	"@commontools/llm":         true,
	"@commontools/utils/sleep": true,
	"charmd/formats":           true,
	"commontools":              true,
	"merkle-reference":         true,
	"turndown":                 true,
	"zod":                      true,
	"zod-to-json-schema":       true,
}

// ID is the id of the recipe with this source text (charm-runtime spec §1.1),
// "ba4jc…". Whitespace matters.
func ID(source string) string {
	named := jsontext.NewObject()
	named.Set("src", source)
	return merkle.EntityID(named, "recipe source").String()
}

const (
	maxFiles     = 500
	maxNameBytes = 255
)

// Check reports what is wrong with a request before it is sent to a worker: a
// *charm.Error of code invalid or too_large.
func Check(req wire.CompileRequest) error {
	if strings.TrimSpace(req.Files[req.Entry]) == "" {
		return charm.Errorf(charm.CodeInvalid, "no source code provided in %q", req.Entry)
	}
	if entryLoader(req.Entry) == 0 {
		return charm.Errorf(charm.CodeInvalid, "%s is no recipe: its name should end in .tsx", req.Entry)
	}
	if len(req.Files) > maxFiles {
		return charm.Errorf(charm.CodeTooLarge, "%s imports %d files; a recipe may have %d", req.Entry, len(req.Files), maxFiles)
	}
	total := 0
	for name, text := range req.Files {
		if err := checkName(name); err != nil {
			return err
		}
		if !utf8.ValidString(text) {
			return charm.Errorf(charm.CodeInvalid, "%s is not UTF-8 text", name)
		}
		total += len(text)
	}
	if total > charm.MaxSourceBytes {
		return tooLarge(req.Entry, total)
	}
	return nil
}

func tooLarge(entry string, size int) *charm.Error {
	return charm.Errorf(charm.CodeTooLarge, "the source of %s is %d bytes; a recipe may have %d", entry, size, charm.MaxSourceBytes).
		WithHint("Data belongs into a cell (charmd add --argument @FILE), not into the source.")
}

func checkName(name string) error {
	if !fs.ValidPath(name) || len(name) > maxNameBytes || strings.ContainsFunc(name, unicode.IsControl) {
		return charm.Errorf(charm.CodeInvalid, "%q cannot be the name of a recipe's file", name).
			WithHint("Files are named relative to the recipe's folder, with slashes and without \"..\".")
	}
	return nil
}

// positioned is an error text with the file it is about.
func positioned(file string, err error) wire.CompileError {
	return wire.CompileError{File: path.Base(file), Text: fmt.Sprint(err)}
}
