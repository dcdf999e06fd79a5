// Package charms holds the recipes that come with charmd. It exists so that they
// travel inside the binary: the first start makes a heartbeat of one, and
// `charmd new` writes another beside a person's files.
package charms

import (
	"embed"
	"slices"
)

//go:embed *.tsx
var files embed.FS

// The recipes the service itself uses.
const (
	Heartbeat = "heartbeat.tsx"
	BGAdmin   = "bgAdmin.tsx"
)

// templates are the recipes offered to people by name.
var templates = []string{"counter", "discord", "gcal", "github", "gmail", "heartbeat", "ical", "json", "rss"}

// Source is the text of a shipped recipe by its file name. A name that is not
// shipped is a mistake of the program.
func Source(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic("charms: no recipe " + name)
	}
	return string(text)
}

// Templates lists the names Template knows.
func Templates() []string { return slices.Clone(templates) }

// Template is the text of a starter recipe.
func Template(name string) (source string, ok bool) {
	if !slices.Contains(templates, name) {
		return "", false
	}
	return Source(name + ".tsx"), true
}
