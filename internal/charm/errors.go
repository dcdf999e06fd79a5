package charm

import (
	"errors"
	"fmt"
)

// ErrorCode names a kind of error for programs; it never changes once released.
type ErrorCode string

// The codes a user may meet.
const (
	CodeInternal       ErrorCode = "internal"
	CodeUsage          ErrorCode = "usage"   // a bad flag, argument or configuration value
	CodeInvalid        ErrorCode = "invalid" // bad input to a command or request
	CodeNotFound       ErrorCode = "not_found"
	CodeConflict       ErrorCode = "conflict" // already there, or changed meanwhile
	CodeUnauthorized   ErrorCode = "unauthorized"
	CodeForbidden      ErrorCode = "forbidden"
	CodeUnavailable    ErrorCode = "unavailable"     // no daemon, or it cannot work now
	CodeAddressTaken   ErrorCode = "address_taken"   // the port to listen on
	CodeDataLocked     ErrorCode = "data_locked"     // another daemon owns the data directory
	CodeDataUnusable   ErrorCode = "data_unusable"   // read-only, or not a directory
	CodeDataCorrupt    ErrorCode = "data_corrupt"    // the database is damaged or foreign
	CodeDataNewer      ErrorCode = "data_newer"      // written by a newer charmd
	CodeRemoteToolshed ErrorCode = "remote_toolshed" // a toolshed that is not ours was named
	CodeCompile        ErrorCode = "compile"         // the recipe does not compile
	CodeNoUpdater      ErrorCode = "no_bg_updater"   // the result has no bgUpdater stream
	CodeRunFailed      ErrorCode = "run_failed"      // charmd run --wait: the run did not end ok
	CodeUnwell         ErrorCode = "unwell"          // charmd doctor: something is wrong with charmd itself
	CodeThrown         ErrorCode = "thrown"          // a handler threw or rejected
	CodeRejection      ErrorCode = "rejection"       // a rejection that nobody handled
	CodeNeverSettles   ErrorCode = "never_settles"   // a promise that nothing can settle any more
	CodeTimeout        ErrorCode = "timeout"
	CodeMemory         ErrorCode = "out_of_memory"
	CodeCrashed        ErrorCode = "worker_crashed"
	CodeProtocol       ErrorCode = "protocol"  // the worker sent what it must not
	CodeTooLarge       ErrorCode = "too_large" // a limit was passed
	CodeNoRoom         ErrorCode = "no_room"   // the disk is full, or nearly
	CodeLost           ErrorCode = "service_died"
	CodeCancelled      ErrorCode = "cancelled"
	CodeHandedBack     ErrorCode = "handed_back"      // given back to the queue at shutdown
	CodeContended      ErrorCode = "kept_conflicting" // other writers kept changing what it read
	CodeEgressLimit    ErrorCode = "egress_limit"
	CodeReconnect      ErrorCode = "needs_reconnect" // an account must be connected again by a person
)

// Exit codes of the command line; docs/commands.md lists them for people.
const (
	ExitOK          = 0
	ExitFailure     = 1 // something went wrong inside, or charmd doctor found problems
	ExitUsage       = 2 // a bad flag, argument or configuration value
	ExitNotFound    = 3
	ExitRefused     = 4 // the input is not acceptable: does not compile, conflict, forbidden
	ExitUnavailable = 5 // no daemon, or it cannot work now
	ExitRunFailed   = 6 // charmd run --wait: the run did not end ok
	ExitAddress     = 7 // the address to listen on is taken
	ExitLocked      = 8 // another daemon owns the data directory
	ExitData        = 9 // the data directory or database cannot be used
)

// Error is an error a person may see: what happened, and what to do next. It
// never holds a secret or a stack trace.
type Error struct {
	Code    ErrorCode
	Message string // one line
	Hint    string // what to do next, one line; may be empty
	Err     error  // what it came from, for logs; may be nil
}

// Errorf makes an Error with a formatted message; %w in it is kept as the cause.
func Errorf(code ErrorCode, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: wrapped.Error(), Err: errors.Unwrap(wrapped)}
}

// WithHint returns a copy of e that says what to do next.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// Error is the message without the hint.
func (e *Error) Error() string { return e.Message }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// ExitCode is the code a command that fails with err exits with.
func ExitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	switch CodeOf(err) {
	case CodeUsage:
		return ExitUsage
	case CodeNotFound:
		return ExitNotFound
	case CodeInvalid, CodeConflict, CodeForbidden, CodeUnauthorized, CodeCompile, CodeNoUpdater, CodeTooLarge:
		return ExitRefused
	case CodeUnavailable, CodeRemoteToolshed, CodeNoRoom:
		return ExitUnavailable
	case CodeRunFailed:
		return ExitRunFailed
	case CodeAddressTaken:
		return ExitAddress
	case CodeDataLocked:
		return ExitLocked
	case CodeDataUnusable, CodeDataCorrupt, CodeDataNewer:
		return ExitData
	}
	return ExitFailure
}

// CodeOf is the code of the first *Error in err's chain, CodeInternal without one.
func CodeOf(err error) ErrorCode {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}
