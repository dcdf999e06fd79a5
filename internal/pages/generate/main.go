// Command generate bundles the TypeScript in src into assets.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"charmd/internal/pages/bundle"
)

func main() {
	scripts, err := bundle.Bundle("src")
	for name, text := range scripts {
		if err == nil {
			err = os.WriteFile(filepath.Join("assets", name), []byte(text), 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}
