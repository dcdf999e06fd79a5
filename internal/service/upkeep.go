package service

import (
	"context"
	"time"

	"charmd/internal/charm"
)

// periodic are the tasks of maintenance that come around by themselves. Charms
// that failures disabled are none of them: the queue tries those when it is time.
var periodic = []struct {
	task  charm.Task
	every time.Duration
}{
	{charm.Cleanup, 5 * time.Minute},
	{charm.Stats, time.Hour}, // so that the figures of each hour stand in a record
}

const (
	// foldEvery is how old the figures that status shows are at most.
	foldEvery = 10 * time.Second
	// lookEvery is how often it is looked whether there is room to write.
	lookEvery = time.Second
)

// upkeep starts what is done at regular times, until ctx ends.
func (s *Service) upkeep(ctx context.Context) {
	for _, p := range periodic {
		s.repeat(ctx, p.every, func() { s.ask(ctx, p.task) })
	}
	s.repeat(ctx, foldEvery, func() {
		if err := s.maintain.Fold(ctx); err != nil && ctx.Err() == nil {
			s.logger.Warn("the figures could not be brought up to date", "err", err)
		}
	})
	s.lookForRoom(ctx)
	s.repeat(ctx, lookEvery, func() { s.lookForRoom(ctx) })
}

func (s *Service) repeat(ctx context.Context, every time.Duration, fn func()) {
	s.loop(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				fn()
			}
		}
	})
}

// ask asks for a task of maintenance unless one is waiting or running.
func (s *Service) ask(ctx context.Context, task charm.Task) {
	if s.queue.HasTask(task) {
		return
	}
	if _, err := s.queue.Maintain(ctx, task, s.now()); err != nil && ctx.Err() == nil {
		s.logger.Warn("maintenance could not be queued", "task", task, "err", err)
	}
}
