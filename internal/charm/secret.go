package charm

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a value that is never printed. Where fmt prints a structure whole it does
// not ask what is in fields with small initials: such a structure has a Format of its
// own.
type Secret string

const masked = "***"

// Reveal is the value itself.
func (s Secret) Reveal() string { return string(s) }

// String is three asterisks, or "" for no secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// Format hides the value from fmt, whatever the verb; %q and %#v put it in quotes.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		text = `"` + text + `"`
	}
	_, _ = io.WriteString(f, text)
}

// MarshalText hides the value from JSON and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue hides the value from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
