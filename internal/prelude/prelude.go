// Package prelude is the part of charmd that lives inside the VM: what recipes import, the runtime
// that runs them on documents, and the web's globals (charm-runtime spec §1-3, §6). It is written
// in TypeScript, in src, and committed as the one script that a VM evaluates.
package prelude

import (
	"embed"
	"io/fs"
)

//go:generate go run ./generate

// Source is the script, to be evaluated as File before anything else.
//
//go:embed prelude.js
var Source string

// File is the name of the script in stacks.
const File = "prelude.js"

// Root is the global that holds the root object (engine.VM.Root).
const Root = "__charmd"

//go:embed types
var types embed.FS

// Types are declarations of what recipes may import, and a configuration for editors and tsc: files
// to put beside a recipe.
var Types, _ = fs.Sub(types, "types") // a constant, valid path
