package toolshed

import (
	"errors"
	"io/fs"
	"net/http"
	"syscall"

	"charmd/internal/charm"
)

func asCharmError(err error) (*charm.Error, bool) { return errors.AsType[*charm.Error](err) }

// statusOf is the HTTP status of a reply with the code.
func statusOf(code charm.ErrorCode) int {
	switch code {
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
	case charm.CodeInternal:
		return http.StatusInternalServerError
	}
	return http.StatusUnprocessableEntity // it was understood, and the recipe or its run is at fault
}

func listenError(addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return charm.Errorf(charm.CodeAddressTaken, "the address %s is taken by another program", addr).
			WithHint("stop it, or choose another address with --listen")
	case errors.Is(err, fs.ErrPermission):
		return charm.Errorf(charm.CodeAddressTaken, "the address %s may not be listened on by this user", addr).
			WithHint("choose a port above 1023 with --listen")
	}
	return charm.Errorf(charm.CodeUsage, "the address %s cannot be listened on: %w", addr, err).
		WithHint("--listen takes HOST:PORT, like 127.0.0.1:8000")
}
