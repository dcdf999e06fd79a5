package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/recipe"
)

// sources are a recipe's files.
type sources struct {
	entry   string            // key of files
	files   map[string]string // text by slash-separated path from the recipe's folder
	outside []string          // imports that lead out of the folder, and were left out
}

// specifier finds the imports of a file. It need not be exact: what it finds in a
// comment is sent for nothing, if it exists at all, and what is missing the
// compiler names.
var specifier = regexp.MustCompile("\\b(?:from|import|require)\\s*\\(?\\s*(?:\"([^\"\n]*)\"|'([^'\n]*)'|`([^`\n]*)`)")

// collect reads a recipe and what it imports from its folder, by relative paths or
// from a folder node_modules.
func collect(file string) (sources, error) {
	root, err := os.OpenRoot(filepath.Dir(file))
	if err != nil {
		return sources{}, unreadable(file, err)
	}
	defer root.Close()
	s := sources{entry: filepath.Base(file), files: map[string]string{}}
	todo, total := []string{s.entry}, 0
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		text, err := readSource(root, name, charm.MaxSourceBytes-total)
		if err != nil {
			return sources{}, unreadable(filepath.Join(filepath.Dir(file), filepath.FromSlash(name)), err)
		}
		s.files[name] = text
		total += len(text)
		todo = append(todo, s.imports(root, name, todo)...)
	}
	return s, nil
}

// imports are the files that the one read last imports and that are new.
func (s *sources) imports(root *os.Root, importer string, todo []string) []string {
	var found []string
	read := func(name string) (string, bool) { return peek(root, name) }
	for _, match := range specifier.FindAllStringSubmatch(s.files[importer], -1) {
		text := match[1] + match[2] + match[3]
		if recipe.Provides(text) {
			continue
		}
		if strings.HasPrefix(text, ".") && !fs.ValidPath(path.Join(path.Dir(importer), text)) {
			s.leaveOut(match[0])
			continue
		}
		file, manifest, ok := recipe.Find(read, importer, text)
		if !ok {
			continue
		}
		for _, name := range []string{manifest, file} {
			if _, known := s.files[name]; name != "" && !known && !slices.Contains(todo, name) && !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
	}
	return found
}

func (s *sources) leaveOut(statement string) {
	if !slices.Contains(s.outside, statement) {
		s.outside = append(s.outside, statement)
	}
}

// peek reads a file that may be there. A symbolic link that leads out of the
// folder is an error of Stat.
func peek(root *os.Root, name string) (string, bool) {
	if info, err := root.Stat(filepath.FromSlash(name)); err != nil || !info.Mode().IsRegular() {
		return "", false
	}
	if path.Base(name) != "package.json" {
		return "", true // its text is read when its turn comes
	}
	text, err := readSource(root, name, charm.MaxSourceBytes)
	return text, err == nil
}

func readSource(root *os.Root, name string, most int) (string, error) {
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(err, errors.New("not a regular file"))
	}
	text, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err != nil {
		return "", err
	}
	if len(text) > most {
		return "", charm.Errorf(charm.CodeTooLarge, "a recipe and what it imports may have %d KiB", charm.MaxSourceBytes>>10).
			WithHint("data belongs into a cell (--argument @FILE), not into the source")
	}
	return string(text), nil
}

// opened is a file that an argument or flag names.
func opened(name string) (*os.File, error) {
	f, err := os.Open(name)
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, charm.Errorf(charm.CodeUsage, "there is no file %s", name)
	case err != nil:
		return nil, charm.Errorf(charm.CodeUsage, "%s cannot be read: %w", name, err)
	}
	return f, nil
}

func unreadable(file string, err error) error {
	if e, ok := errors.AsType[*charm.Error](err); ok {
		return charm.Errorf(e.Code, "%s is too large: %w", file, err).WithHint("%s", e.Hint)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return charm.Errorf(charm.CodeUsage, "there is no file %s", file).WithHint("charmd new NAME writes a starter recipe")
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return charm.Errorf(charm.CodeUsage, "%s cannot be read: %w", file, err)
}

// explain adds to a compiler's error that files were left out.
func (s *sources) explain(err error) error {
	e, ok := errors.AsType[*charm.Error](err)
	if !ok || e.Code != charm.CodeCompile || len(s.outside) == 0 {
		return err
	}
	left := fmt.Sprintf("not sent, for it lies outside the recipe's folder: %s", strings.Join(s.outside, ", "))
	if e.Hint != "" {
		left = e.Hint + "; " + left
	}
	return e.WithHint("%s", left)
}
