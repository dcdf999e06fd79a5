package toolshed

import (
	"errors"
	"io/fs"
	"syscall"

	"charmd/internal/charm"
)

func asCharmError(err error) (*charm.Error, bool) { return errors.AsType[*charm.Error](err) }

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
