package runcharm

import (
	"time"

	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/store"
	"charmd/internal/wire"
)

// A charm is tried out while it is made or given another recipe, and then in its
// first runs by the service, until one has ended well: at most tryRuns of whatever
// outcome, begun within tryFor. Else one that never ends well would be tried out for
// ever, and any host would be its own.
const (
	tryRuns = 3
	tryFor  = time.Hour
)

// mostLooked bounds how many records are read to find those of tryRuns: the others
// are of what people do on the charm's page, which tries nothing out.
const mostLooked = 100

// tryOut makes the session a trial when the charm is still to be tried out.
func (s *Session) tryOut(r store.Reader) error {
	if s.trial != nil || s.work.Lane || s.work.Replies != nil {
		return nil
	}
	tries := s.work.Mode == wire.ModeCast || s.work.Mode == wire.ModeTake
	if !tries && !s.runner.tried(s.work.Charm) {
		var err error
		if tries, err = isNew(r, s.work.Charm, s.started); err != nil {
			return err
		}
		if !tries {
			s.runner.noteTried(s.work.Charm)
		}
	}
	if tries {
		s.trial = egress.NewTrial()
	}
	return nil
}

// tried reports whether the charm is known to have been tried out with the recipe it
// has: that stays so, and its records need not be read again for every run.
func (r *Runner) tried(c charm.Charm) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.triedOut[c.Space+c.ID] == c.Recipe
}

func (r *Runner) noteTried(c charm.Charm) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.triedOut[c.Space+c.ID] = c.Recipe
}

// isNew reports whether a run that begins now is one of the first of the charm's
// recipe. A recipe that came in another way than by an update is not tried out: who
// wrote it to the charm's documents may be whom the charm is kept from.
func isNew(r store.Reader, c charm.Charm, now time.Time) (bool, error) {
	since := c.CreatedAt
	recasts, err := r.Recasts(c.Row)
	if err != nil {
		return false, err
	}
	if len(recasts) > 0 && recasts[0].After == c.Recipe {
		since = recasts[0].At
	}
	if now.Sub(since) >= tryFor {
		return false, nil
	}
	runs, err := r.Runs(store.RunFilter{Charm: c.Row, Since: since, Limit: mostLooked})
	if err != nil || len(runs) == mostLooked {
		return false, err
	}
	n := 0
	for _, run := range runs {
		if run.Reason == charm.Event {
			continue
		}
		if n++; n == tryRuns || run.Outcome == charm.OK {
			return false, nil
		}
	}
	return true, nil
}
