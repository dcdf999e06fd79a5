package api

import (
	"errors"
	"net/http"

	"charmd/internal/charm"
)

// Problem is the body of every reply that is not a success: {"error": Problem}.
type Problem struct {
	Code    charm.ErrorCode `json:"code"`
	Message string          `json:"message"`
	Hint    string          `json:"hint,omitempty"`
}

// ProblemOf is what is told of an error. What is not meant for users is not in it.
func ProblemOf(err error) Problem {
	problem := Problem{Code: charm.CodeOf(err), Message: "something went wrong inside; the service's log says what"}
	if e, ok := errors.AsType[*charm.Error](err); ok {
		problem.Message, problem.Hint = e.Message, e.Hint
	}
	return problem
}

// Status is the HTTP status of a reply with the problem.
func (p Problem) Status() int {
	switch p.Code {
	case charm.CodeUsage, charm.CodeInvalid:
		return http.StatusBadRequest
	case charm.CodeUnauthorized:
		return http.StatusUnauthorized
	case charm.CodeForbidden:
		return http.StatusForbidden
	case charm.CodeNotFound:
		return http.StatusNotFound
	case charm.CodeConflict:
		return http.StatusConflict
	case charm.CodeRemoteToolshed:
		return http.StatusMisdirectedRequest
	case charm.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case charm.CodeNoRoom:
		return http.StatusInsufficientStorage
	case charm.CodeUnavailable:
		return http.StatusServiceUnavailable
	case charm.CodeInternal, charm.CodeDataCorrupt:
		return http.StatusInternalServerError
	}
	return http.StatusUnprocessableEntity // it was understood, and the recipe or its run is at fault
}
