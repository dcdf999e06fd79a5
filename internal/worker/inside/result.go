package inside

import (
	"encoding/json"
	"errors"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/engine"
	"charmd/internal/wire"
)

// ended is why a run was ended from the Go side: a Reason kind and a message.
type ended struct {
	kind, message string
}

func (e *ended) Error() string { return e.message }

// loadFailure is why a recipe did not load.
type loadFailure struct {
	failure wire.Failure
}

func (e *loadFailure) Error() string { return e.failure.Message }

const mostFailures = 100 // of each kind that a result tells

// result is what the parent is told of a run that ended so.
func (r *run) result(report wire.Report, err error) *wire.Result {
	out := &wire.Result{Ended: wire.Finished, Read: r.docs.read, Refused: r.fetches.refused()}
	why, isEnded := errors.AsType[*ended](err)
	load, isLoad := errors.AsType[*loadFailure](err)
	thrown, isThrown := errors.AsType[*engine.Error](err)
	switch {
	case err == nil:
		out.Report = clipReport(report)
		out.Rejections = r.thrown
		if s := report.Stuck; s != nil && s.What == "handler" {
			out.Ended = wire.NeverSettles
		} else {
			out.Changed = r.docs.changed
		}
		if text := r.timers.cancelled(); text != "" {
			r.log.add(r.clock.now, "warn", text)
		}
	case errors.Is(err, engine.ErrOutOfMemory):
		out.Ended = wire.OutOfMemory
	case errors.Is(err, engine.ErrStopped), errors.Is(err, errExpired):
		out.Ended, out.Reason = wire.EndedEarly, &wire.Failure{Kind: wire.ReasonTimeout, Message: errExpired.Error()}
	case isEnded:
		out.Ended, out.Reason = wire.EndedEarly, &wire.Failure{Kind: why.kind, Message: why.message}
	case isLoad:
		out.Ended, out.Load = wire.LoadFailed, clipFailure(&load.failure)
	case isThrown:
		out.Ended, out.Reason = wire.EndedEarly, failure(wire.ReasonRuntime, thrown)
	default:
		out.Ended, out.Reason = wire.EndedEarly, &wire.Failure{Kind: wire.ReasonRuntime, Message: err.Error()}
	}
	r.fetches.abandon(r.m.host)
	r.log.flush()
	return out
}

func failure(kind string, e *engine.Error) *wire.Failure {
	return clipFailure(&wire.Failure{Kind: kind, Name: e.Name, Message: e.Message, Stack: e.Stack})
}

func clipReport(r wire.Report) wire.Report {
	r.Name, r.Integration = clip(r.Name, charm.MaxNameBytes), clip(r.Integration, charm.MaxNameBytes)
	r.Failures = r.Failures[:min(len(r.Failures), mostFailures)]
	for i := range r.Failures {
		clipFailure(&r.Failures[i])
	}
	if len(r.Memo) > wire.MaxMemoBytes {
		r.Memo = noMemo
	}
	if s := r.Stuck; s != nil {
		s.Name, s.Stack = clip(s.Name, charm.MaxNameBytes), clip(s.Stack, wire.MaxStackBytes)
	}
	return r
}

// noMemo has the next run compute everything.
var noMemo = json.RawMessage("{}")

func clipFailure(f *wire.Failure) *wire.Failure {
	f.Name = clip(f.Name, charm.MaxNameBytes)
	f.Message = clip(f.Message, charm.MaxErrorBytes)
	f.Stack = clip(f.Stack, wire.MaxStackBytes)
	return f
}

// clip is at most most bytes of s, as UTF-8.
func clip(s string, most int) string {
	if len(s) > most {
		s = s[:most-len("…")] + "…"
	}
	return strings.ToValidUTF8(s, "")
}
