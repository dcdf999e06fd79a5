package state

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// Met is the error that a run met, as it is kept to say when it was first seen
// and how often. It is none when the run ended well, or was interrupted, which
// says nothing about the charm.
func Met(run charm.Run) (p store.Problem, met bool) {
	switch run.Outcome {
	case charm.OK, charm.Lost, charm.Cancelled:
		return store.Problem{}, false
	}
	return store.Problem{
		Charm: run.Charm, Key: problemKey(run), Outcome: run.Outcome, Code: run.Code, Message: run.Error,
		Position: run.Position, Run: run.ID, Last: run.EndedAt,
	}, true
}

// What is looked at of a message, and how long a key may become, bytes.
const (
	mostOfMessage = 1000
	mostOfKey     = 200
)

// problemKey is equal for errors that people would call the same one: of one
// place in a recipe, or with messages that differ in values alone.
func problemKey(run charm.Run) string {
	what := run.Position
	if what == "" {
		what = gist(run.Error)
	}
	return cut(string(run.Outcome)+" "+string(run.Code)+" "+what, mostOfKey)
}

var (
	quoted = regexp.MustCompile("\"[^\"]*\"|`[^`]*`|“[^”]*”|«[^»]*»|\\B'[^']*'")
	// An id or a number is a word with a digit in it.
	value = regexp.MustCompile(`[\pL_-]*\d[\pL\d_-]*`)
	list  = regexp.MustCompile(`#(?:[^\pL#]*#)+`)
)

// gist is the first line of a message without what differs from time to time:
// numbers, ids, what is quoted, and how many of them there are.
func gist(message string) string {
	line, _, _ := strings.Cut(cut(message, mostOfMessage), "\n")
	line = quoted.ReplaceAllString(line, "#")
	line = value.ReplaceAllString(line, "#")
	return list.ReplaceAllString(line, "#")
}

// cut is text of at most so many bytes, no character cut in two.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
