// Package bundle turns the TypeScript of the prelude into the one script that is committed. It is
// apart from package prelude so that the compiler becomes no part of what ships.
package bundle

import (
	"errors"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

// Bundle returns the script made of dir/main.ts and what it imports. Names and lines are kept:
// frames of the prelude appear in the stacks that people read.
func Bundle(dir string) (string, error) {
	result := api.Build(api.BuildOptions{
		EntryPoints: []string{filepath.Join(dir, "main.ts")},
		Bundle:      true,
		// A function of our own around it: esbuild's begins with an arrow, for which
		// the engine's parser reads the whole script ahead.
		Format:        api.FormatESModule,
		Banner:        map[string]string{"js": "!function () {"},
		Footer:        map[string]string{"js": "}();"},
		Target:        api.ES2023,
		Charset:       api.CharsetUTF8,
		LegalComments: api.LegalCommentsNone,
		// Fields that are only declared cost nothing this way, the others an assignment.
		TsconfigRaw: `{"compilerOptions":{"useDefineForClassFields":false}}`,
		LogLevel:    api.LogLevelSilent,
	})
	if len(result.Errors) > 0 {
		lines := api.FormatMessages(result.Errors, api.FormatMessagesOptions{})
		errs := make([]error, len(lines))
		for i, line := range lines {
			errs[i] = errors.New(line)
		}
		return "", errors.Join(errs...)
	}
	return string(result.OutputFiles[0].Contents), nil
}
