package jsontext

import (
	"errors"
	"fmt"
)

// The two reasons for which Parse refuses a text; every error of Parse is an
// *Error that wraps one of them.
var (
	ErrSyntax = errors.New("not valid JSON")
	ErrLimit  = errors.New("JSON beyond a limit")
)

// Error says why and where a text was refused.
type Error struct {
	Reason  error  // ErrSyntax or ErrLimit
	Offset  int    // byte offset of what was wrong
	Problem string // what was wrong, or which limit was passed
}

func (e *Error) Error() string {
	return fmt.Sprintf("%v at byte %d: %s", e.Reason, e.Offset, e.Problem)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Reason }

// Limits bounds what Parse accepts. A zero field takes its value from
// DefaultLimits.
type Limits struct {
	Depth int // arrays and objects open at once
	Bytes int // length of the text
}

// DefaultLimits suits whole messages of the memory protocol.
var DefaultLimits = Limits{Depth: 512, Bytes: 64 << 20}

func (l Limits) withDefaults() Limits {
	if l.Depth == 0 {
		l.Depth = DefaultLimits.Depth
	}
	if l.Bytes == 0 {
		l.Bytes = DefaultLimits.Bytes
	}
	return l
}
