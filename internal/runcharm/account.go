package runcharm

import (
	"errors"

	"charmd/internal/charm"
	"charmd/internal/egress"
)

// notPrepared is the result of a run whose accounts cannot be used: no code of the
// charm has run.
func (s *Session) notPrepared(err error) Result {
	r := Result{Started: s.started, Ended: s.runner.now()}
	w, ok := errors.AsType[*egress.Withheld](err)
	switch {
	case !ok:
		r.fail(charm.Lost, charm.CodeUnavailable, "the charm's accounts could not be made ready: "+err.Error())
	case w.Reconnect:
		r.fail(charm.NeedsReconnect, charm.CodeReconnect, w.Message)
	default:
		r.fail(charm.Remote, charm.CodeUnavailable, w.Message)
		r.NotBefore = w.NotBefore
	}
	return r
}

// credentials are what the charm's accounts lend to its requests; nil for none.
func (a *attempt) credentials() egress.Credentials {
	if a.runner.accounts == nil {
		return nil
	}
	return a.runner.accounts.Credentials(a.work.Charm)
}
