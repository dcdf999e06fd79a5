package service

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/handlers"
	"charmd/internal/queue"
	"charmd/internal/state"
	"charmd/internal/store"
	"charmd/internal/toolshed"
)

// Start listens and lets charms run, unless it is to be the toolshed alone, until
// Drain or Kill.
func (s *Service) Start(ctx context.Context) error {
	if s.config.RequireSandbox {
		if err := s.requireSandbox(ctx); err != nil {
			return err
		}
	}
	if err := s.openCertificate(); err != nil {
		return err
	}
	listener, err := toolshed.Listen(s.config.Listen)
	if err != nil {
		return err
	}
	bound := s.config
	bound.Listen = listener.Addr().String() // with the port that was found
	s.localURL = bound.LocalURL()
	s.url.Store(s.pagesURL(bound))
	if err := s.egress.Own(s.localURL, s.URL()); err != nil {
		return errors.Join(err, listener.Close())
	}
	ignoreFileSizeSignal()
	if err := s.store.Update(ctx, s.states.CountStart); err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := s.tellRecovered(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}
	s.countRecovered()
	if !s.config.Alone && s.replica == nil { // nothing is put into another's toolshed unasked
		if err := s.firstStart(ctx); err != nil {
			return errors.Join(err, listener.Close())
		}
	}
	s.tellOnly()
	s.showRuntimeFile(s.pairs()...)
	if s.config.Dev {
		s.logger.Warn("--dev: identities whose keys are published are believed, so whoever reaches this address may read and write every space")
	}
	s.served = make(chan struct{})
	serve := s.door()
	go func() {
		defer close(s.served)
		if err := serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.logger.Error("the HTTP server stopped", "err", err)
		}
	}()

	loops, stop := context.WithCancel(context.Background())
	s.stopLoops = stop
	runs, end := context.WithCancelCause(context.Background())
	s.endRuns = end
	s.loop(func() { s.registry.Run(loops) })
	s.upkeep(loops)
	if s.certificate != nil {
		s.loop(func() { s.certificate.Watch(loops, s.showRuntimeFile) })
	}
	if s.replica != nil {
		s.loop(func() { s.attend(loops) })
	}
	s.loop(func() { s.report(loops) })
	s.loop(func() { s.reconcile(loops) })
	s.loop(func() { s.notifier.Run(loops) })
	s.loop(func() { s.notifier.Watch(loops, s.ailments) })
	if !s.config.Alone {
		s.loop(func() { s.cycle(loops) })
		s.loop(func() { s.drawAdmin(loops) })
		for range executorsPerWorker * s.config.Workers {
			s.runs.Go(func() { s.work(runs, s.queue.Next, s.execute) })
		}
	}
	s.runs.Go(func() { s.work(runs, s.queue.NextTask, s.maintain) })
	return nil
}

// wallsWithin is how long a worker may take to say which walls stand around it.
const wallsWithin = 15 * time.Second

// requireSandbox returns an error when charms would not run behind all walls.
func (s *Service) requireSandbox(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, wallsWithin, charm.Errorf(charm.CodeSandbox, "no worker has said within %s which walls stand around it", wallsWithin))
	defer cancel()
	return s.pool.Require(ctx)
}

// executorsPerWorker is how many runs may be claimed, running or being committed
// for each worker: its next run is claimed while the ends of others are written,
// and the more are written together the less each costs.
const executorsPerWorker = 4

func (s *Service) loop(fn func()) { s.loops.Go(fn) }

// work carries out claims one after another until the queue is closed.
func (s *Service) work(ctx context.Context, next func(context.Context) (*queue.Claim, error), h handlers.Handler) {
	var ahead *queue.Claim
	for {
		claim, err := ahead, error(nil)
		if claim == nil {
			claim, err = next(ctx)
		}
		switch {
		case errors.Is(err, queue.ErrClosed), errors.Is(err, context.Canceled):
			return
		case err != nil && s.store.Health() != nil:
			s.lookForRoom(ctx) // which says so, once
			continue
		case err != nil:
			s.logger.Warn("a run could not be claimed", "err", err)
			continue
		}
		if ahead, err = h.Handle(ctx, *claim); err != nil {
			s.logger.Error("a run could not be ended; the reconciler records it as lost", "job", claim.Job.ID, "charm", claim.Charm.Ref(), "err", err)
			s.queue.Abandon(*claim)
		}
	}
}

// cycle counts passes over the schedule and keeps the totals going.
func (s *Service) cycle(ctx context.Context) {
	ticker := time.NewTicker(s.config.Cycle)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.states.CountCycle(s.now())
			if err := s.saveTotals(ctx); err != nil && ctx.Err() == nil {
				s.logger.Warn("the totals could not be written", "err", err)
			}
		}
	}
}

func (s *Service) saveTotals(ctx context.Context) error {
	return s.store.Update(ctx, func(tx store.Tx) error { return s.states.Save(tx) })
}

// tellRecovered says what an unclean stop had left behind, in the log and in the
// registry.
func (s *Service) tellRecovered(ctx context.Context) error {
	if n := len(s.recovered.Lost); n > 0 {
		s.logger.Warn("the service had stopped with runs in flight; they run again, one at a time", "runs", n)
	}
	s.tellBreaches(s.recovered.Repaired)
	return s.store.Update(ctx, func(tx store.Tx) error {
		disabled, err := s.queue.TakeUntold(tx)
		if err != nil {
			return err
		}
		for _, c := range disabled {
			tx.AfterCommit(func() {
				s.logger.Error("charm disabled: it was running when the service died, again and again", "charm", c.Ref(), "times", charm.MaxUncleanStops)
			})
			after, err := tx.State(c.Row)
			if err != nil {
				return err
			}
			if err := s.registry.Transition(tx, c, after); err != nil {
				return err
			}
			if err := s.notifier.Transition(tx, state.Disabled, c, after, charm.Run{Error: after.LastError}); err != nil {
				return err
			}
		}
		return nil
	})
}

// tellOnly says when nothing will run by itself, since no registered charm has the integration
// that --only names: a mistyped name would look like charms that are never due.
func (s *Service) tellOnly() {
	only := s.config.Only
	of := func(s queue.Standing) bool { return s.Charm.Registered && s.Charm.Integration == only }
	if only != "" && !slices.ContainsFunc(s.queue.Standings(), of) {
		s.logger.Warn("no registered charm has the integration that --only names, so none runs by itself", "only", only, "integrations", s.queue.Integrations())
	}
}

// Drain stops in order: no new runs, those in flight end or go back to the queue
// after the grace period, then everything is closed.
func (s *Service) Drain(ctx context.Context) error {
	s.draining.Store(true)
	s.queue.Close()
	s.runs.Go(func() { s.closePages(ctx) })
	done := make(chan struct{})
	go func() {
		s.runs.Wait()
		close(done)
	}()
	grace := time.NewTimer(s.config.Grace)
	defer grace.Stop()
	select {
	case <-done:
	case <-ctx.Done():
	case <-grace.C:
	}
	s.endRuns(handlers.Draining{})
	<-done
	s.stopLoops()
	s.loops.Wait()
	err := errors.Join(s.saveTotals(context.WithoutCancel(ctx)), s.registry.Flush(context.WithoutCancel(ctx)))
	return errors.Join(err, s.Close())
}

// Kill ends worker processes at once; claims are recovered at the next start.
func (s *Service) Kill() {
	if s.lane == nil {
		return
	}
	if s.endRuns != nil {
		s.endRuns(handlers.Draining{}) // so that no run's end is taken for its charm's
	}
	at, once := context.WithCancel(context.Background())
	once()
	_ = s.pool.Close(at) // says that runs were killed, which is what is wanted
	_ = s.lane.Close(at)
}

// wireCloseWithin is how long clients of the memory have to take what they asked for.
const wireCloseWithin = 2 * time.Second

// Close releases what Open and Start took.
func (s *Service) Close() (err error) {
	s.closed.Do(func() {
		if s.live != nil {
			at, cancel := context.WithCancel(context.Background())
			cancel() // a drain has waited for what was done on them
			s.live.Close(at, handlers.Draining{})
		}
		if s.wire != nil {
			at, cancel := context.WithTimeout(context.Background(), wireCloseWithin)
			defer cancel()
			s.wire.Close(at)
		}
		if s.server != nil {
			err = s.server.Close()
			<-s.served
			err = errors.Join(err, client.RemoveRuntimeFile(s.runtimeFile()))
		}
		if s.pool != nil {
			err = errors.Join(err, s.pool.Close(context.Background()))
		}
		if s.lane != nil {
			err = errors.Join(err, s.lane.Close(context.Background()))
		}
		if s.replica != nil {
			s.replica.Close()
		}
		if s.store != nil {
			err = errors.Join(err, s.store.Close())
		}
	})
	return err
}
