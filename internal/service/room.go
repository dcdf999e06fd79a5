package service

import (
	"context"
	"sync"

	"charmd/internal/charm"
	"charmd/internal/disk"
	"charmd/internal/pages"
)

// room is whether there is room to write what runs write. Runs stop before there
// is none: a disk that is full also stops the programs beside charmd, and the
// cleanup that would make room needs some itself.
type room struct {
	looking sync.Mutex // held while it is measured, which a disk may keep waiting
	closed  bool       // no run is claimed; under looking
	away    bool       // because of the toolshed alone; under looking

	mu   sync.Mutex
	lack disk.Lack // none either when the store says it itself
}

// reason is why there is no room, "" when there is.
func (r *room) reason() string {
	if l := r.lacking(); l != (disk.Lack{}) {
		return l.What + ": " + l.Fix
	}
	return ""
}

func (r *room) lacking() disk.Lack {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lack
}

// hasRoom is nil when clients of the memory and of blobs may write. What is missing,
// and where, is not told to them.
func (s *Service) hasRoom() error {
	if s.room.lacking() == (disk.Lack{}) {
		return nil // a store that cannot write is asked each time: that is how it finds out that it can
	}
	return charm.Errorf(charm.CodeNoRoom, "there is no room to write: the disk is full, or nearly").
		WithHint("try again later: it is looked every second whether there is room again; /readyz says what is missing")
}

// disk is the room that the service's files take, and what is left.
func (s *Service) disk() pages.Disk {
	d := pages.Disk{Free: -1}
	d.Database, d.Log = s.files()
	if free, err := disk.Free(s.config.DataDir); err == nil {
		d.Free = free
	}
	return d
}

// measure looks what is missing.
func (s *Service) measure(was bool) disk.Lack {
	size, err := s.store.Size()
	if err != nil {
		size = 0 // what is wrong with the files is told by those who read them
	}
	lack := disk.Measure(s.config, size, was)
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	s.room.lack = lack
	return lack
}

// lookForRoom stops the intake of runs when the store cannot write or will soon
// have no room to, and lets it go on when that is over. Each is told once.
func (s *Service) lookForRoom(ctx context.Context) {
	s.room.looking.Lock()
	defer s.room.looking.Unlock()
	unwell, before := s.store.Health(), s.room.lacking()
	lack := s.measure(before != (disk.Lack{}))
	lacking, away := lack != (disk.Lack{}), s.away() != ""
	closed := unwell != nil || lacking || away
	if closed == s.room.closed {
		if unwell == nil && lacking && lack.Fix != before.Fix { // the figures change all the time
			s.logger.Error("still no run begins, for another reason", "reason", s.room.reason())
		}
		return
	}
	s.room.closed = closed
	s.queue.SetIntake(!closed)
	defer func() { s.room.away = closed && unwell == nil && !lacking }()
	switch {
	case unwell != nil:
		s.logger.Error("no run begins until the store can be written", "err", unwell)
	case lacking:
		s.logger.Error("no run begins", "reason", s.room.reason())
		s.loop(func() { s.ask(ctx, charm.Cleanup) })
	case !closed && !s.room.away: // else the toolshed's coming back was told
		s.logger.Info("runs begin again")
	}
}
