// Package observe is what people and machines are shown of the service while it
// runs: its log, the status line in it, and its metrics. It exists so that there
// is one place where text that comes from charms is made harmless before it
// reaches a terminal or a log, and one table of what is measured.
package observe

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/lmittmann/tint"
)

// Form is how a log is written.
type Form int

// The forms.
const (
	JSON     Form = iota // one object a line, for machines
	Plain                // text for a person
	Coloured             // text for a person at a terminal
)

// NewLogger writes records of at least the level to w. Control characters in
// messages and attribute values are escaped in every form.
func NewLogger(w io.Writer, form Form, level slog.Leveler) *slog.Logger {
	if form == JSON {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: forJSON}))
	}
	return slog.New(tint.NewTextHandler(w, &tint.Options{
		Level: level, NoColor: form == Plain, TimeFormat: time.TimeOnly, ReplaceAttr: forTerminal,
	}))
}

// forJSON escapes what JSON leaves as it is and a terminal does not: the second
// set of control characters, and those for the direction of text.
func forJSON(groups []string, a slog.Attr) slog.Attr {
	text, ok := asText(groups, a)
	if !ok {
		return a
	}
	return slog.String(a.Key, escape(text, func(r rune) bool { return r >= 0x7f && hostile(r) }))
}

// forTerminal makes every value a text of one line. The handler takes the four
// characters \x1b in a text for an escape sequence that is wanted, and prints
// one: so they are broken up.
func forTerminal(groups []string, a slog.Attr) slog.Attr {
	text, ok := asText(groups, a)
	if !ok {
		return a
	}
	return slog.String(a.Key, strings.ReplaceAll(Line(text), `\x1b`, `\u001b`))
}

// asText is the attribute's value as text, if it is one that can hold foreign
// characters; numbers, times and the record's own level and time cannot.
func asText(groups []string, a slog.Attr) (string, bool) {
	switch a.Value.Kind() {
	case slog.KindString:
		return a.Value.String(), true
	case slog.KindAny:
		switch v := a.Value.Any().(type) {
		case slog.Level:
			return v.String(), len(groups) > 0 || a.Key != slog.LevelKey
		case error:
			return v.Error(), true
		case fmt.Stringer:
			return v.String(), true
		default:
			return fmt.Sprintf("%+v", v), true
		}
	}
	return "", false
}
