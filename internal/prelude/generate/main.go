// Command generate bundles the TypeScript in src into prelude.js.
package main

import (
	"fmt"
	"os"

	"charmd/internal/prelude/bundle"
)

func main() {
	text, err := bundle.Bundle("src")
	if err == nil {
		err = os.WriteFile("prelude.js", []byte(text), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}
