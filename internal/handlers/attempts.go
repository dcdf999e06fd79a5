package handlers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/runcharm"
)

// untilCommitted makes attempts at a session as long as other writers get in
// between; the last time they are held back. commit writes the end of an attempt:
// a *memory.Conflict or memory.ErrHeld from it says that nothing was written.
// flight ends the attempts.
func untilCommitted(flight context.Context, m *memory.Memory, space string, session *runcharm.Session,
	commit func(r runcharm.Result, conflicts int, hold *memory.Hold) error,
) error {
	var hold *memory.Hold
	for conflicts := 0; ; conflicts++ {
		result := session.Attempt(flight)
		sayWhy(flight, &result)
		err := commit(result, conflicts, hold)
		switch {
		case errors.Is(err, memory.ErrHeld):
			// When this wait fails the run is being ended: the next attempt ends at once.
			_ = m.WaitHeld(flight, result.Draft, hold)
		case !isConflict(err):
			return err
		case hold != nil:
			return commit(contended(result), conflicts, nil)
		case conflicts+1 >= charm.MaxConflicts:
			if hold, err = holdRead(flight, m, space, result); err != nil {
				continue
			}
			defer hold.Release()
			time.AfterFunc(charm.MaxHold, hold.Release)
		}
	}
}

// holdRead takes what the last attempt read away from other writers.
func holdRead(ctx context.Context, m *memory.Memory, space string, r runcharm.Result) (*memory.Hold, error) {
	var ofs []string
	for _, v := range r.Read {
		ofs = append(ofs, v.Of)
	}
	if r.Draft != nil {
		for _, c := range r.Draft.Changes {
			ofs = append(ofs, c.Of)
		}
	}
	return m.Hold(ctx, space, ofs)
}

func isConflict(err error) bool {
	_, ok := errors.AsType[*memory.Conflict](err)
	return ok
}

// contended is the result of a run that never got its turn.
func contended(r runcharm.Result) runcharm.Result {
	r.Outcome, r.Code = charm.Conflicted, charm.CodeContended
	r.Error = fmt.Sprintf("other writers changed what it had read, %d times", charm.MaxConflicts+1)
	r.Draft, r.Read, r.Report.Again = nil, nil, false
	return r
}
