package cli

import "charmd/internal/prelude"

// types are the declaration files of what recipes import, by name.
func types() map[string]string { return prelude.Types }
