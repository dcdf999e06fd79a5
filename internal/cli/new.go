package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"charmd/charms"
	"charmd/internal/charm"
	"charmd/internal/prelude"
)

// recipeName is the form of the name of a new recipe.
var recipeName = regexp.MustCompile(`^[\pL\pN][\pL\pN_-]*$`)

func (a *app) newCommand() *cobra.Command {
	var template string
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Write a starter recipe",
		Long: "Write the starter recipe NAME.tsx into the current folder, with a tsconfig.json and the\n" +
			"types of what recipes import beside it. Files that are there already stay as they are.",
		Example: "  charmd new news --template rss",
		Args:    exactly(1, "a name for the recipe"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.newRecipe(args[0], template) },
	}
	cmd.Flags().StringVar(&template, "template", "counter", "what to begin with, the `NAME` of one of: "+strings.Join(charms.Templates(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("template", cobra.FixedCompletions(charms.Templates(), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return cmd
}

// written is what new did.
type written struct {
	File    string   `json:"file"`
	Written []string `json:"written"`
	Kept    []string `json:"kept"` // there already, with another content
	same    []string // there already as they would be written
}

func (a *app) newRecipe(name, template string) error {
	name = strings.TrimSuffix(name, ".tsx")
	if !recipeName.MatchString(name) {
		return charm.Errorf(charm.CodeUsage, "%q cannot be the name of a recipe", name).
			WithHint("allowed: letters, digits, - and _; the file is written into the current folder")
	}
	source, ok := charms.Template(template)
	if !ok {
		return charm.Errorf(charm.CodeUsage, "there is no template %q", template).
			WithHint("allowed: %s", strings.Join(charms.Templates(), ", "))
	}
	w := written{File: name + ".tsx", Written: []string{}, Kept: []string{}}
	if err := w.write(w.File, source); err != nil {
		return err
	}
	if slices.Contains(w.Kept, w.File) {
		return charm.Errorf(charm.CodeConflict, "%s is there already, with another content", w.File).
			WithHint("choose another name")
	}
	// Declarations of what recipes import, and what makes an editor use them.
	err := fs.WalkDir(prelude.Types, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(prelude.Types, file)
		if err != nil {
			return err
		}
		return w.write(filepath.FromSlash(file), string(text))
	})
	if err != nil {
		return err
	}
	return a.result(w, func() { a.printWritten(w, template) })
}

// write makes a file, unless one is there.
func (w *written) write(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return unwritable(name, err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		there, err := os.ReadFile(name)
		if err != nil {
			return unwritable(name, err)
		}
		if !bytes.Equal(there, []byte(text)) {
			w.Kept = append(w.Kept, filepath.ToSlash(name))
			return nil
		}
		w.same = append(w.same, filepath.ToSlash(name))
		return nil
	}
	if err != nil {
		return unwritable(name, err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return unwritable(name, err)
	}
	w.Written = append(w.Written, filepath.ToSlash(name))
	return nil
}

func unwritable(name string, err error) error {
	return charm.Errorf(charm.CodeInvalid, "%s cannot be written: %w", name, err)
}

func (a *app) printWritten(w written, template string) {
	for _, file := range w.Written {
		a.print("wrote %s", file)
	}
	for _, file := range w.same {
		a.print("kept  %s", file)
	}
	for _, file := range w.Kept {
		a.print("kept  %s, which differs from what this charmd would write", file)
	}
	a.print("next:")
	a.print("  charmd test %s", w.File)
	if settings, ok := examples[template]; ok {
		a.print("  charmd add %s --argument '{\"settings\":%s}'", w.File, settings)
		return
	}
	a.print("  charmd add %s", w.File)
	if template == "gmail" || template == "gcal" {
		a.print("  charmd connect google --charm home/%s", strings.TrimSuffix(w.File, ".tsx"))
	}
}

// examples are the settings that templates do nothing without.
var examples = map[string]string{
	"discord": `{"token":"TOKEN OF A BOT","channels":"ID OF A CHANNEL"}`,
	"github":  `{"repo":"owner/name"}`,
	"ical":    `{"url":"https://example.org/calendar.ics"}`,
	"json":    `{"url":"https://example.org/list.json"}`,
	"rss":     `{"feedUrl":"https://example.org/feed.xml"}`,
}
