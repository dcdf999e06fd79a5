package service

import (
	"context"
	"time"

	"charmd/internal/queue"
)

// reconcileEvery is how often what is on disk is held against the invariants. A
// look reads every charm's state, so a service with very many looks less often:
// looking takes at most a hundredth of the time.
const (
	reconcileEvery = 10 * time.Second
	reconcileShare = 100
)

// reconcile repairs what nothing else would: a charm that no event would ever
// run again, a claim that nobody carries out.
func (s *Service) reconcile(ctx context.Context) {
	timer := time.NewTimer(reconcileEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		breaches, err := s.queue.Reconcile(ctx)
		if err != nil && ctx.Err() == nil {
			s.logger.Error("the invariants could not be checked or restored", "err", err)
		}
		if err == nil || len(breaches) > 0 { // else nothing is known
			s.tellBreaches(breaches)
		}
		timer.Reset(max(reconcileEvery, reconcileShare*s.queue.LookTook()))
	}
}

// tellBreaches logs and counts what the reconciler found and repaired.
func (s *Service) tellBreaches(breaches []queue.Breach) {
	unarmed := 0
	for _, b := range breaches {
		if b.Kind == queue.Unarmed {
			unarmed++
		}
		if b.Repair == "" {
			s.logger.Error("an invariant is broken", "kind", b.Kind, "charm", b.Charm.Ref(), "job", b.Job, "found", b.Detail)
			continue
		}
		s.metrics.Repaired(string(b.Kind))
		s.logger.Error("an invariant was broken and is restored", "kind", b.Kind, "charm", b.Charm.Ref(), "job", b.Job, "found", b.Detail, "done", b.Repair)
	}
	s.metrics.SetUnarmed(unarmed)
}
