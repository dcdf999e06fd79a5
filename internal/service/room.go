package service

import (
	"context"
	"fmt"
	"sync"

	"charmd/internal/charm"
	"charmd/internal/config"
)

// room is whether there is room to write what runs write. Runs stop before there
// is none: a disk that is full also stops the programs beside charmd, and the
// cleanup that would make room needs some itself.
type room struct {
	mu      sync.Mutex
	closed  bool   // no run is claimed
	missing string // why there is no room; "" when there is, or when the store says it itself
}

// reason is why there is no room, "" when there is.
func (r *room) reason() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.missing
}

// lookForRoom stops the intake of runs when the store cannot write or will soon
// have no room to, and lets it go on when that is over. Each is told once.
func (s *Service) lookForRoom(ctx context.Context) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	unwell := s.store.Health()
	missing := s.missingRoom(s.room.missing != "")
	s.room.missing = missing
	closed := unwell != nil || missing != ""
	if closed == s.room.closed {
		return
	}
	s.room.closed = closed
	s.queue.SetIntake(!closed)
	switch {
	case unwell != nil:
		s.logger.Error("no run begins until the store can be written", "err", unwell)
	case closed:
		s.logger.Error("no run begins", "reason", missing)
		s.loop(func() { s.ask(ctx, charm.Cleanup) })
	default:
		s.logger.Info("runs begin again")
	}
}

// missingRoom measures, and says what is missing.
func (s *Service) missingRoom(was bool) string {
	size, err := s.store.Size()
	if err != nil {
		size = 0 // what is wrong with the files is told by those who read them
	}
	free, err := freeBytes(s.config.DataDir)
	if err != nil {
		free = -1 // not known on this system
	}
	return missing(s.config, size, free, was)
}

// missing is why runs are not to begin while the database takes size bytes and
// free bytes (-1: unknown) are left on its disk; "" when they may. When they were
// stopped already, a little more must be free, so that they do not stop and go.
func missing(c config.Config, size, free int64, was bool) string {
	budget, least := c.DiskBudget, c.MinFree
	if was {
		budget, least = budget-budget/16, least+least/16
	}
	switch {
	case c.DiskBudget > 0 && size > budget:
		return fmt.Sprintf("the database takes %s of a disk budget of %s: remove charms, or raise --disk-budget", megabytes(size), megabytes(c.DiskBudget))
	case free >= 0 && free < least:
		return fmt.Sprintf("only %s are free in %s, less than --min-free (%s): make some room", megabytes(free), c.DataDir, megabytes(c.MinFree))
	}
	return ""
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
