package service

import (
	"context"

	"charmd/internal/charm"
	"charmd/internal/handlers"
	"charmd/internal/live"
	"charmd/internal/pool"
)

// openLane makes the workers for what people do on pages. They are apart from the
// others, so that nobody waits for background work, and start when the first page
// opens.
func (s *Service) openLane() (*pool.Pool, error) {
	return pool.New(pool.Options{
		Exe: s.config.WorkerExe, Workers: handlers.InteractSlots, ArenaBytes: charm.DefaultWorkerArena,
		RunsPerWorker: charm.WorkerRunLimit, Logger: s.logger, Grace: s.config.Grace, Owner: s.owner() + "-pages", Now: s.now,
		RequireSandbox: s.config.RequireSandbox, Cgroups: s.cgroups, NoCgroups: s.noCgroups,
		Started: s.metrics.WorkerStarted, Ended: s.metrics.WorkerEnded,
	})
}

func (s *Service) openPages() *live.Server {
	acts := &handlers.Interact{
		Store: s.store, Memory: s.memory, Queue: s.queue, States: s.states, Runner: s.runner, Slots: handlers.NewSlots(handlers.InteractSlots),
		Timeout: s.config.Timeout, Logger: s.logger, Now: s.now, Ended: s.ran,
	}
	if s.replica != nil {
		acts.Upstream, acts.Service = s.replica, s.beside.service
	}
	return live.New(live.Options{
		Store: s.store, Memory: s.memory, Find: s.manager.Find, Standing: s.queue.Standing, Lost: s.lostAccounts, Opened: s.lane.Start, Refused: s.noActs, Logger: s.logger,
		Acts: acts,
	})
}

// closePages lets what was begun on pages be finished for as long as a drain waits.
func (s *Service) closePages(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Grace)
	defer cancel()
	s.live.Close(ctx, handlers.Draining{})
}

// noActs is why nothing can be done on pages.
func (s *Service) noActs() error {
	if !s.config.Alone {
		return nil
	}
	return charm.Errorf(charm.CodeForbidden, "this is a toolshed alone, where no charms run: pages only show them")
}
