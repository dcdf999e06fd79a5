package charm

import "log/slog"

// Secret is a value that is never printed.
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

// GoString hides the value from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the value from JSON and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue hides the value from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
