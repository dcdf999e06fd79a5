// Package bundle turns the TypeScript of the pages into the scripts that are
// committed. It is apart from package pages so that the compiler becomes no part
// of what ships.
package bundle

import (
	"errors"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

// entries are the scripts that pages load, each made of the file of its name in
// src and what that imports.
var entries = []string{"page.ts", "charm.ts", "answer.ts"}

// Bundle returns the scripts made of the entries in dir, by their file names.
func Bundle(dir string) (map[string]string, error) {
	var points []string
	for _, name := range entries {
		points = append(points, filepath.Join(dir, name))
	}
	result := api.Build(api.BuildOptions{
		EntryPoints:       points,
		Outdir:            "assets",
		Bundle:            true,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		Charset:           api.CharsetUTF8,
		LegalComments:     api.LegalCommentsNone,
		MinifySyntax:      true,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		TsconfigRaw:       `{"compilerOptions":{"useDefineForClassFields":true}}`,
		LogLevel:          api.LogLevelSilent,
	})
	if len(result.Errors) > 0 {
		lines := api.FormatMessages(result.Errors, api.FormatMessagesOptions{})
		errs := make([]error, len(lines))
		for i, line := range lines {
			errs[i] = errors.New(line)
		}
		return nil, errors.Join(errs...)
	}
	scripts := map[string]string{}
	for _, file := range result.OutputFiles {
		scripts[filepath.Base(file.Path)] = string(file.Contents)
	}
	return scripts, nil
}
